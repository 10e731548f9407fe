"""poolwise predict: texts in, labels and probabilities out."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from poolwise.cli.marks import counts_of, told
from poolwise.cli.options import (
    console,
    force_option,
    json_option,
    limit_option,
    max_length_option,
    precision_option,
    print_json,
    text_options,
)
from poolwise.records import Precision
from poolwise.texts import open_texts
from poolwise.tuning.classifier import Classifier, load_classifier
from poolwise.tuning.predictions import Record, flat, prediction_file, records

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
        **classifier.model.made(precision),
        "readout": str(classifier.readout),
        "tuned": dict(classifier.made),
        "texts": texts.name,
    }
    on_screen = output is None and not as_json
    kept: list[Record] = []
    counts: Counter[str] = Counter()
    began = time.monotonic()
    with _taking(output, kept if as_json else None, classifier, made, force) as write:
        # A bar would be torn by lines on the same screen.
        progress = not (on_screen and sys.stdout.isatty())
        for batch in classifier.batches(texts, precision=precision, progress=progress):
            write(list(records(batch, classifier.head)))
            counts.update(counts_of(batch))
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
        console().print(done["verdict"], markup=False, soft_wrap=True)
    for line in (*texts.notes, *told(counts)):
        click.echo(f"poolwise: {line}", err=True)


@contextmanager
def _taking(
    output: Path | None,
    kept: list[Record] | None,
    classifier: Classifier,
    made: dict[str, Any],
    force: bool,
) -> Iterator[Write]:
    """What takes the records: a file, a list, or else stdout."""
    if output is not None:
        with prediction_file(output, classifier.head, made, overwrite=force) as write:
            yield write
    else:
        yield _print if kept is None else kept.extend


def _print(some: Iterable[Record]) -> None:
    sys.stdout.write("".join(map(_line, some)))
    sys.stdout.flush()


def _line(record: Record) -> str:
    """A text stands on one line, whatever it holds."""
    label, probability = flat(record)
    fields = [label] if "probabilities" not in record else [label, probability]
    return "\t".join(" ".join(field.split()) for field in [*fields, record["text"]]) + "\n"
