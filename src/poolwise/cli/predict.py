"""poolwise predict: texts in, labels and probabilities out."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import click

from poolwise.classifier.classifier import load_classifier
from poolwise.classifier.csv_formulas import ALL, LABELS
from poolwise.classifier.predictions import Record, flat, prediction_file, records
from poolwise.cli.options import (
    console,
    force_option,
    json_option,
    limit_option,
    max_length_option,
    precision_option,
    print_json,
    tell,
    text_options,
)
from poolwise.cli.row_flags import flag_messages, row_counts
from poolwise.escaping import escape_control
from poolwise.records import Precision
from poolwise.texts import open_texts

Write = Callable[[Sequence[Record]], None]


@click.command("predict")
@click.argument("checkpoint")
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where the predictions go: .csv, .jsonl or .parquet (the last two with the probability "
    "of every label). [default: lines on stdout]",
)
@click.option(
    "--csv-safe/--no-csv-safe",
    default=None,
    help="In CSV, put an apostrophe before what a spreadsheet would take for a formula: in texts "
    "and ids too, or nowhere. [default: in labels only, which come with the checkpoint]",
)
@text_options
@limit_option
@precision_option
@max_length_option
@force_option
@json_option
def command(
    checkpoint: str,
    inputs: tuple[str, ...],
    output: Path | None,
    csv_safe: bool | None,
    column: str | None,
    id_column: str | None,
    split: Any,
    encoding: str,
    max_text_bytes: int,
    limit: int | None,
    precision: Precision,
    max_length: int | None,
    force: bool,
    as_json: bool,
) -> None:
    """Tell the label of every text of INPUT..., by a CHECKPOINT of `poolwise tune`.

    CHECKPOINT may also be transformers' BertForSequenceClassification. INPUT is a file (plain
    lines, .csv, .tsv, .jsonl, .parquet, also .gz), "-" for standard input, or hf:NAME for a Hugging
    Face dataset. Lines on stdout are LABEL, PROBABILITY and TEXT with tabs between them, several
    labels of a text with ";"; of a regression NUMBER and TEXT.

    \b
    poolwise predict tuned/checkpoints/mean@-1 reviews.csv --column text
    echo "I lost my card" | poolwise predict ./my-classifier - | cut -f1
    poolwise predict ./my-classifier reviews.jsonl -o labels.parquet
    """
    texts = open_texts(
        inputs,
        column=column,
        id_column=id_column,
        split=split,
        limit=limit,
        seed=None,
        encoding=encoding,
        max_text_bytes=max_text_bytes,
    )
    classifier = load_classifier(checkpoint, max_length=max_length)
    made = {
        **classifier.model.provenance(precision),
        "readout": str(classifier.readout),
        "tuned": dict(classifier.provenance),
        "texts": texts.name,
    }
    on_screen = output is None and not as_json
    kept: list[Record] = []
    counts: Counter[str] = Counter()
    began = time.monotonic()
    if output is not None:
        safe = {None: LABELS, True: ALL, False: ()}[csv_safe]
        taking: AbstractContextManager[Write] = prediction_file(
            output, classifier.output_space, made, overwrite=force, csv_safe=safe
        )
    else:
        taking = nullcontext(kept.extend if as_json else _print)
    with taking as write:
        # A bar would be torn by lines on the same screen.
        progress = not (on_screen and sys.stdout.isatty())
        for batch in classifier.batches(texts, precision=precision, progress=progress):
            write(list(records(batch, classifier.output_space)))
            counts.update(row_counts(batch))
    seconds = time.monotonic() - began
    verdict = f"{counts['rows']:,} texts predicted in {seconds:.1f} s " + (
        f"({counts['rows'] / max(seconds, 1e-9):,.0f}/s)"
    )
    done = {
        "verdict": verdict if output is None else f"{verdict}: {output}",
        **({"predictions": kept} if output is None else {"output": str(output)}),
        **counts,
        "notes": texts.notes,
        "seconds": round(seconds, 3),
        "made": {**made, "texts_sha256": texts.hash},
    }
    if as_json:
        print_json(done)
        return
    if output is not None:
        console().print(done["verdict"], soft_wrap=True)
    for line in (*texts.notes, *flag_messages(counts)):
        tell(line)


def _print(some: Iterable[Record]) -> None:
    """To a terminal as all that people read; into a pipe or a file as it is, for it is data."""
    seen = escape_control if sys.stdout.isatty() else str
    sys.stdout.writelines("\t".join(map(seen, _fields(record))) + "\n" for record in some)
    sys.stdout.flush()


def _fields(record: Record) -> list[str]:
    """A text stands on one line, whatever it holds."""
    label, probability = flat(record)
    fields = [label] if "probabilities" not in record else [label, probability]
    return [" ".join(field.split()) for field in [*fields, record["text"]]]
