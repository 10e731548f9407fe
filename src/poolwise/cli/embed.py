"""poolwise embed: texts in, vectors out."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from poolwise.cli.fit_options import FIT_HELP, FIT_LIMIT, fit_notes
from poolwise.cli.job_options import (
    check_no_job,
    chosen,
    is_folder,
    job_options,
    print_result,
    to_json,
)
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
from poolwise.cli.row_flags import flag_messages
from poolwise.errors import OptionError
from poolwise.model import load
from poolwise.records import Precision
from poolwise.texts import open_texts
from poolwise.transforms.fitted_readout import FittedReadout

if TYPE_CHECKING:
    from poolwise.api import EmbedResult


_NAMED = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=(.+)", re.DOTALL)
"""``embedding=mean@-1``."""


def _columns(_: click.Context, __: click.Parameter, values: Sequence[str]) -> list[str]:
    """Names with commas between them."""
    return [name for row in csv.reader(values, skipinitialspace=True) for name in row]


def _readouts(
    _: click.Context, __: click.Parameter, values: Sequence[str]
) -> dict[str, FittedReadout]:
    """Readouts by the names of their columns."""
    named: dict[str, FittedReadout] = {}
    for value in values:
        match = None if Path(value).exists() else _NAMED.fullmatch(value)
        name, readout = match.groups() if match else (None, value)
        fitted = FittedReadout.of(readout)
        column = name or str(fitted.readout)
        if name and column in named:
            raise OptionError(f"two readouts have the column name {name}; give each its own")
        named[column] = fitted
    return named


@click.command("embed")
@click.argument("model")
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@click.option(
    "-o",
    "--output",
    required=True,
    help="Where the vectors go: a .parquet, .npy or .safetensors file, or a folder (OUT/), which "
    "makes it a corpus job.",
)
@click.option(
    "-r",
    "--readout",
    "readouts",
    multiple=True,
    callback=_readouts,
    metavar="[NAME=]READOUT",
    help="A readout such as mean@-1, or the readout.toml of a sweep; several in one pass. Its "
    "column is called NAME, or as the readout is. [default: what the model declares]",
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
@job_options
@json_option
def command(
    model: str,
    inputs: tuple[str, ...],
    output: str,
    readouts: dict[str, FittedReadout],
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
    **job: Any,
) -> None:
    """Embed every text of INPUT... and write the vectors to OUTPUT.

    INPUT is a file (plain lines, .csv, .tsv, .jsonl, .parquet, also .gz, .zst), a folder of such
    files, a glob, a URL of any of them (s3://...), "-" for standard input, or hf:NAME for a Hugging
    Face dataset.

    \b
    poolwise embed demo lines.txt -o vectors.parquet --readout mean@-1
    poolwise embed demo - -o vectors.npy < lines.txt
    poolwise embed demo reviews.csv --keep stars,date -o vectors.parquet
    poolwise embed ./my-bert book.txt --split sentences -o v.safetensors -r cls@-1 -r mean@-2
    poolwise embed demo lines.txt -o vectors.parquet -r embedding=mean@-1    (a name for SQL)
    poolwise embed demo 'reviews/*.parquet' -o vectors/ --workers 4          (a corpus job)

    A folder as OUTPUT makes it a corpus job, for any number of rows: Parquet parts that appear
    whole or not at all, and --resume after an interruption. No row is lost or doubled.
    """
    from poolwise.api import embed, embed_corpus  # noqa: PLC0415 - after what --help needs

    text_source: dict[str, Any] = {
        "column": column,
        "split": split,
        "encoding": encoding,
        "max_text_bytes": max_text_bytes,
    }
    fit_texts = open_texts([fit], limit=FIT_LIMIT, blank=False, **text_source) if fit else None
    options: dict[str, Any] = {
        "fit": fit_texts,
        "with_text": with_text,
        "long": long,
        "escape_special": escape_special,
        "prompt": prompt,
        "prompt_name": prompt_name,
        "precision": precision,
        "progress": True,
    }
    if is_folder(output):
        if text_source.pop("split") or force:
            raise OptionError(
                "--split and --force are for a file as output: a job's rows are those of its "
                "inputs, and a folder is not replaced: remove it, or name another"
            )
        corpus = embed_corpus(
            load(model, max_length=max_length),
            inputs,
            output,
            readouts,
            id_column=id_column,
            keep=keep,
            limit=limit,
            **text_source,
            **options,
            **chosen(job),
        )
        if as_json:
            print_json(to_json(corpus))
        else:
            print_result(corpus, console())
        return
    check_no_job(job, output)
    texts = open_texts(
        inputs, id_column=id_column, keep=keep, limit=limit, seed=None, **text_source
    )
    result = embed(
        load(model, max_length=max_length), texts, output, readouts, force=force, **options
    )
    if as_json:
        print_json(_to_json(result))
        return
    _print(result)
    for line in fit_notes(fit_texts):
        console().print(f"  {line}", soft_wrap=True)


def _to_json(result: EmbedResult) -> dict[str, Any]:
    return {
        "verdict": result.verdict,
        "output": str(result.output),
        "rows": result.rows,
        "readouts": result.readouts,
        "columns": result.columns,
        **result.flags,
        "notes": result.notes,
        "seconds": round(result.seconds, 3),
        "made": result.provenance,
    }


def _print(result: EmbedResult) -> None:
    out = console()
    out.print(result.verdict, soft_wrap=True)
    for name, readout in result.columns.items():
        column = "" if name == readout else f"{name}: "
        out.print(f"  {column}{readout}: {result.readouts[readout]} dimensions")
    for line in (*result.notes, *flag_messages(result.flags)):
        out.print(f"  {line}", soft_wrap=True)
    if result.flags["truncated"]:
        out.print("  (--long window reads all of a text)")
