"""poolwise predict: texts in, labels and probabilities out."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import click

from poolwise.classifier.classifier import load_classifier
from poolwise.classifier.csv_formulas import ALL, LABELS
from poolwise.classifier.prediction_files import prediction_file
from poolwise.classifier.predictions import (
    Record,
    Write,
    label_and_probability,
    predict_records,
    prediction_provenance,
)
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
from poolwise.cli.row_flags import flag_messages
from poolwise.escaping import escape_control
from poolwise.records import Precision
from poolwise.texts import open_texts


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
    provenance = prediction_provenance(classifier, texts, precision)
    to_terminal = output is None and not as_json and sys.stdout.isatty()
    predictions: list[Record] = []
    if output is not None:
        safe = {None: LABELS, True: ALL, False: ()}[csv_safe]
        sink: AbstractContextManager[Write] = prediction_file(
            output, classifier.output_space, provenance, overwrite=force, csv_safe=safe
        )
    else:
        sink = nullcontext(predictions.extend if as_json else _print)
    with sink as write:
        # Lines on the same screen would tear a progress bar.
        summary = predict_records(
            classifier, texts, write, precision=precision, progress=not to_terminal
        )
    rows, seconds = summary.counts["rows"], summary.seconds
    verdict = f"{rows:,} texts predicted in {seconds:.1f} s ({rows / max(seconds, 1e-9):,.0f}/s)"
    result = {
        "verdict": verdict if output is None else f"{verdict}: {output}",
        **({"predictions": predictions} if output is None else {"output": str(output)}),
        **summary.counts,
        "notes": texts.notes,
        "seconds": round(seconds, 3),
        "made": {**provenance, "texts_sha256": texts.hash},
    }
    if as_json:
        print_json(result)
        return
    if output is not None:
        console().print(result["verdict"], soft_wrap=True)
    for line in (*texts.notes, *flag_messages(summary.counts)):
        tell(line)


def _print(records: Iterable[Record]) -> None:
    """To a terminal with control characters escaped; into a pipe or a file as data."""
    escape = escape_control if sys.stdout.isatty() else str
    lines = ("\t".join(map(escape, _fields(record))) + "\n" for record in records)
    sys.stdout.writelines(lines)
    sys.stdout.flush()


def _fields(record: Record) -> list[str]:
    """White space of any kind becomes a blank: a record is one line."""
    label, probability = label_and_probability(record)
    fields = [label] if "probabilities" not in record else [label, probability]
    return [" ".join(field.split()) for field in [*fields, record["text"]]]
