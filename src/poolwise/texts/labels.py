"""Texts with a label each; or with any number of labels, or a number."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from poolwise.errors import TextError
from poolwise.texts.columns import Columns, Table, text_rows
from poolwise.texts.datasets import LabelledTexts
from poolwise.texts.fields import SEPARATOR, as_filled_text, is_missing
from poolwise.texts.label_columns import LabelColumns, LabelKind, find_label_columns, is_header
from poolwise.texts.limits import MAX_TEXT_BYTES
from poolwise.texts.omitted_rows import OmittedRows
from poolwise.texts.sampling import as_limit
from poolwise.texts.sources import Source, find_source
from poolwise.texts.split_names import as_split
from poolwise.texts.tables import (
    Input,
    Inputs,
    Row,
    by_split,
    gather,
    joined_names,
    open_table,
    rows_hash,
)

_LABELLED_FILE = re.compile(r"(?P<label>[^/\\:=]+)=(?P<file>.+)", re.DOTALL)
"""``pos=reviews.txt``."""

TREC_LINE = re.compile(r"(?P<label>\w+):\S+(\s+(?P<text>\S.*)|\s*)", re.DOTALL)
"""``ENTY:animal What is the fastest fish ?``."""


def open_labels(
    sources: Inputs,
    *,
    kind: LabelKind = "classification",
    dev: Inputs | None = None,
    test: Inputs | None = None,
    text_column: str | None = None,
    label_column: str | None = None,
    encoding: str = "utf-8",
    limit: int | None = None,
    seed: int | None = 0,
    max_text_bytes: int = MAX_TEXT_BYTES,
) -> LabelledTexts:
    """The labelled texts of ``sources``, one after another, in memory.

    A source is ``NAME=FILE``, whose texts (as ``open_texts`` reads them, empty lines left out)
    all have the label NAME; or a file with a header (CSV, TSV, JSON Lines, Parquet; ``.gz``,
    ``.bz2``, ``.xz`` and ``.zst`` are decompressed), ``-`` for standard input,
    ``hf:NAME[[:CONFIG]:SPLIT]``; or a file without a header: TSV of text and label, SentEval's TSV
    of ``tr``, ``va`` or ``te``, label and text, or lines as TREC's (``ENTY:animal What is …?``),
    of which the coarse label is kept; or a table in memory.

    ``text_column`` and ``label_column`` are names, or numbers from 1; else the columns are known
    by their usual names. A column ``split`` is read too, unless ``dev`` or ``test`` say where
    those splits are: then ``sources`` are for training. Of each source at most ``limit`` rows,
    drawn by ``seed`` so that every label keeps its share and, if the limit allows, a row; the first
    rows where ``seed`` is None. Rows without a text or a label are left out; ``notes`` count them.
    Labels that are numbers become text. Of ``kind`` ``multilabel`` a label is a list of labels, or
    text with ``;`` between them, and empty where a text has none; of ``regression`` it is a finite
    number, in a column that may also be called ``score``.

    Raises TextError where a source or column is not there or cannot be told, where it holds no
    row with a text and a label, and at the first row where they are something else, or that has
    more than ``max_text_bytes``.
    """
    columns = LabelColumns(text_column, label_column, kind=kind)
    inputs = by_split(sources, dev, test)
    one_label = kind == "classification"
    gathered = gather(
        inputs,
        lambda source, omitted: _read(source, columns, encoding, omitted, max_text_bytes),
        as_limit(limit, seed),
        label=lambda row: row[1] if one_label else "",
    )
    texts, labels, splits = zip(*gathered.rows, strict=True)
    return LabelledTexts(
        joined_names(inputs),
        texts,
        labels,
        splits,
        rows_hash(gathered.rows),
        gathered.notes,
        gathered.samples,
    )


def label_set(label: str) -> tuple[str, ...]:
    """The labels that a row of the kind ``multilabel`` holds."""
    return tuple(label.split(SEPARATOR)) if label else ()


def _read(
    source: Input, columns: LabelColumns, encoding: str, omitted: OmittedRows, max_bytes: int
) -> Iterator[Row]:
    labelled_file = (
        None
        if isinstance(source, Table) or Path(source).exists()
        else _LABELLED_FILE.fullmatch(source)
    )
    if labelled_file:
        file = find_source(labelled_file["file"], encoding, max_bytes=max_bytes)
        return _rows_of_label(file, labelled_file["label"].strip(), columns, omitted)
    table = open_table(
        source,
        encoding,
        lambda fields, file_format: is_header(fields, file_format, columns),
        max_bytes,
    )
    if not table.names:
        return iter(())
    if not table.headed and len(table.names) == 1:
        return _trec_rows(table, columns, omitted)
    rows = _column_rows(table, find_label_columns(table, columns), omitted)
    return rows if table.headed or columns.names else _check_order(rows, table)


def _rows_of_label(
    source: Source, label: str, columns: LabelColumns, omitted: OmittedRows
) -> Iterator[Row]:
    source.check()
    parsed = columns.parse(label, "NAME", f"{label}={source.label}")
    table = source.table()
    omitted.unit, omitted.source_note = table.unit, table.note
    for row in text_rows(table, Columns(columns.text), nulls=True):
        if row.text.strip():
            yield row.text, parsed, ""
        else:
            omitted.add("text", row.number)


def _trec_rows(table: Table, columns: LabelColumns, omitted: OmittedRows) -> Iterator[Row]:
    omitted.unit = table.unit
    for number, (line,) in table.rows(table.names):
        match = TREC_LINE.fullmatch(str(line))
        if match is None:
            raise TextError(
                f"{table.location(number)}: found no label; expected a column of texts and one of "
                "labels (with tabs between them, or in a file that is called .csv), "
                "'LABEL:detail text', or the input NAME=FILE where all lines have the label NAME"
            )
        if match["text"] is None:
            omitted.add("text", number)
            continue
        label = columns.parse(match["label"], "LABEL", table.location(number))
        yield match["text"].rstrip(), label, ""


def _column_rows(table: Table, columns: LabelColumns, omitted: OmittedRows) -> Iterator[Row]:
    text, label, split = columns.text, columns.label, columns.split
    assert text is not None
    assert label is not None
    omitted.unit, omitted.source_note = table.unit, table.note
    for number, values in table.rows([text, label, *([] if split is None else [split])]):
        if is_missing(values[0]):
            omitted.add("text", number)
            continue
        if columns.is_unlabelled(values[1]):
            omitted.add("label", number)
            continue
        location = table.location(number)
        yield (
            as_filled_text(values[0], text, location),
            columns.parse(values[1], label, location),
            "" if split is None else as_split(values[2], split, location),
        )


def _check_order(rows: Iterator[Row], table: Table) -> Iterator[Row]:
    """The rows. Raises TextError after the last if the first column looks like that of the labels:
    it has fewer than half as many different values as the second."""
    texts, labels = set(), set()
    for row in rows:
        texts.add(row[0])
        labels.add(row[1])
        yield row
    if 2 * len(texts) < len(labels):
        raise TextError(
            f"{table.label}: found {len(texts)} different texts and {len(labels)} different "
            "labels; if the label comes first, say --column 2 --label-column 1"
        )
