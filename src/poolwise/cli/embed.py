"""poolwise embed: texts in, vectors out."""

from __future__ import annotations

import csv
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from warnings import warn

import click

from poolwise.cli.fit_options import FIT_HELP, FIT_LIMIT, fit_notes, fitted_texts
from poolwise.cli.options import (
    console,
    force_option,
    json_option,
    limit_option,
    max_length_option,
    precision_option,
    print_json,
    prompt_options,
    text_options,
)
from poolwise.cli.row_flags import flag_messages, row_counts
from poolwise.encoders.tokenizer.unknown_tokens import UnknownTokens
from poolwise.errors import PoolwiseWarning
from poolwise.model import Model, load
from poolwise.readouts import Readout
from poolwise.records import ROW_FLAGS, Precision
from poolwise.stores import create
from poolwise.texts import Texts, open_texts
from poolwise.transforms import Transform
from poolwise.transforms.fitted_readout import FittedReadout, prompted


def _columns(_: click.Context, __: click.Parameter, values: Sequence[str]) -> list[str]:
    """Names with commas between them."""
    return [name for row in csv.reader(values, skipinitialspace=True) for name in row]


@click.command("embed")
@click.argument("model")
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where the vectors go: .parquet, .npy or .safetensors.",
)
@click.option(
    "-r",
    "--readout",
    "specs",
    multiple=True,
    help="A readout such as mean@-1, or the readout.toml of a sweep; several in one pass. "
    "[default: what the model declares]",
)
@text_options
@limit_option
@click.option(
    "--long",
    type=click.Choice(["truncate", "error", "window"]),
    default="truncate",
    show_default=True,
    help="Texts beyond the maximum length: cut (and marked), refused, or read in windows.",
)
@click.option("--fit", metavar="TEXTS", help=FIT_HELP)
@click.option(
    "--keep",
    metavar="COLUMNS",
    multiple=True,
    callback=_columns,
    help="Other columns of the input that go into the output as they are (Parquet): names with "
    "commas between them, as in a line of CSV. May be repeated.",
)
@click.option("--with-text", is_flag=True, help="Store the texts too (Parquet).")
@click.option("--escape-special", is_flag=True, help='Read a typed "[SEP]" as plain text.')
@prompt_options
@precision_option
@max_length_option
@force_option
@json_option
def command(
    model: str,
    inputs: tuple[str, ...],
    output: Path,
    specs: tuple[str, ...],
    column: str | None,
    id_column: str | None,
    split: Any,
    encoding: str,
    max_text_bytes: int,
    limit: int | None,
    long: Any,
    fit: str | None,
    keep: list[str],
    with_text: bool,
    escape_special: bool,
    prompt: str | None,
    prompt_name: str | None,
    precision: Precision,
    max_length: int | None,
    force: bool,
    as_json: bool,
) -> None:
    """Embed every text of INPUT... and write the vectors to OUTPUT.

    INPUT is a file (plain lines, .csv, .tsv, .jsonl, .parquet, also .gz, .zst), "-" for standard
    input, or hf:NAME for a Hugging Face dataset.

    \b
    poolwise embed demo lines.txt -o vectors.parquet --readout mean@-1
    poolwise embed demo - -o vectors.npy < lines.txt
    poolwise embed demo reviews.csv --keep stars,date -o vectors.parquet
    poolwise embed ./my-bert book.txt --split sentences -o v.safetensors -r cls@-1 -r mean@-2
    """
    named_readouts = [FittedReadout.of(spec) for spec in specs]
    text_source: dict[str, Any] = {
        "column": column,
        "split": split,
        "encoding": encoding,
        "max_text_bytes": max_text_bytes,
    }
    texts = open_texts(
        inputs, id_column=id_column, keep=keep, limit=limit, seed=None, **text_source
    )
    fit_texts = open_texts([fit], limit=FIT_LIMIT, blank=False, **text_source) if fit else None
    encoder = load(model, max_length=max_length)
    fitted_readouts = named_readouts or [encoder.resolve_readout(None)]
    encoder = prompted(encoder.prompted(prompt, prompt_name), fitted_readouts)
    readouts = [fitted.readout for fitted in fitted_readouts]
    for note in filter(None, map(encoder.omission_note, readouts)):
        warn(note, PoolwiseWarning, stacklevel=1)
    unfitted = [fitted.readout for fitted in fitted_readouts if fitted.transform is None]
    provenance: dict[str, Any] = {**encoder.provenance(precision)}
    counts: Counter[str] = Counter()
    unknown_tokens = UnknownTokens(encoder.tokenizer)
    with create(
        output,
        [str(r) for r in readouts],
        metadata=provenance,
        with_text=with_text,
        extra_columns=texts.extra_columns,
        overwrite=force,
    ) as store:
        transforms_by_readout = _fit(encoder, unfitted, fit_texts, precision)
        provenance |= fitted_texts(fit_texts)
        store.metadata |= provenance
        start = time.monotonic()
        for batch in encoder.extract(
            texts,
            fitted_readouts,
            precision=precision,
            transforms=transforms_by_readout,
            long=long,
            escape_special=escape_special,
            progress=True,
        ):
            store.write(batch)
            counts.update(row_counts(batch))
            unknown_tokens.add(batch.tokens)
        store.metadata |= {"texts": texts.name, "texts_sha256": texts.hash}
    seconds = time.monotonic() - start
    result = {
        "verdict": f"{counts['rows']:,} texts embedded in {seconds:.1f} s "
        f"({counts['rows'] / max(seconds, 1e-9):,.0f}/s): {output}",
        "output": str(output),
        "rows": counts["rows"],
        "readouts": {str(r): encoder.width_of(r) for r in readouts},
        **{flag: counts[flag] for flag in ROW_FLAGS},
        "notes": [*texts.notes, *unknown_tokens.notes()],
        "seconds": round(seconds, 3),
        "made": provenance,
    }
    if as_json:
        print_json(result)
        return
    _print(result)
    for line in fit_notes(fit_texts):
        console().print(f"  {line}", soft_wrap=True)


def _fit(
    encoder: Model,
    readouts: Sequence[Readout],
    texts: Texts | None,
    precision: Precision,
) -> dict[str, Transform]:
    """Fit the steps that need it on the texts of ``--fit``."""
    if texts is None:
        return {}
    return {
        str(r): encoder.fit(texts, r, precision=precision, progress=True)
        for r in readouts
        if r.needs_fit
    }


def _print(result: dict[str, Any]) -> None:
    out = console()
    out.print(result["verdict"], soft_wrap=True)
    for readout, width in result["readouts"].items():
        out.print(f"  {readout}: {width} dimensions")
    for line in (*result["notes"], *flag_messages(result)):
        out.print(f"  {line}", soft_wrap=True)
    if result["truncated"]:
        out.print("  (--long window reads all of a text)")
