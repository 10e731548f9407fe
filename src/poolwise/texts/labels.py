"""Texts with a label each; or with any number of labels, or a number."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from poolwise.errors import TextError
from poolwise.texts.column_names import usual_column
from poolwise.texts.columns import Columns, Table, column_at, listed_columns, text_rows
from poolwise.texts.datasets import LabelledTexts
from poolwise.texts.fields import (
    SEPARATOR,
    as_filled_text,
    as_label,
    as_labels,
    as_score,
    is_missing,
)
from poolwise.texts.limits import MAX_TEXT_BYTES
from poolwise.texts.omitted_rows import LeftOut
from poolwise.texts.sampling import limited
from poolwise.texts.sources import Source, find_source
from poolwise.texts.split_names import named_part
from poolwise.texts.tables import Row, by_part, gather, name_of, open_table, rows_hash

Kind = Literal["classification", "multilabel", "regression"]
"""One label a text; any number of them; a number."""

_READ: dict[Kind, Callable[[object, str, str], str]] = {
    "classification": as_label,
    "multilabel": as_labels,
    "regression": lambda value, column, where: repr(as_score(value, column, where)),
}
"""A label's field, as the text that ``LabelledTexts`` holds."""

KINDS: tuple[Kind, ...] = tuple(_READ)


@dataclass(frozen=True, slots=True)
class _Columns:
    """Which columns to read, None: to be found out; and what kind of label they hold."""

    text: str | None = None
    label: str | None = None
    split: str | None = None
    kind: Kind = "classification"

    def read(self, value: object, column: str, where: str) -> str:
        return _READ[self.kind](value, column, where)

    def lacks(self, value: object) -> bool:
        """Is there no label? Where a text may have several, an empty field says that it has none
        of them."""
        return is_missing(value) and not (self.kind == "multilabel" and isinstance(value, str))

    def usual(self, columns: Sequence[str]) -> _Columns:
        """Those that have usual names."""
        text, label, split = (usual_column(columns, role) for role in ("text", "label", "split"))
        if self.kind == "regression":
            label = usual_column(columns, "score") or label
        return _Columns(text, label, split, self.kind)

    @property
    def named(self) -> list[str]:
        """Those that were asked for."""
        return [name for name in (self.text, self.label) if name is not None]


_UNNAMED = {2: _Columns("1", "2"), 3: _Columns("3", "2", split="1")}
"""Files without a header, by the number of fields: text and label; SentEval's part, label, text."""

_SENTEVAL = {"tr", "va", "te"}

_NAMED = re.compile(r"(?P<label>[^/\\:=]+)=(?P<file>.+)", re.DOTALL)
"""``pos=reviews.txt``."""

_QUESTION = re.compile(r"(?P<label>\w+):\S+(\s+(?P<text>\S.*)|\s*)", re.DOTALL)
"""A line of TREC: ``ENTY:animal What is the fastest fish ?``."""


def open_labels(
    sources: str | Sequence[str],
    *,
    kind: Kind = "classification",
    dev: str | Sequence[str] | None = None,
    test: str | Sequence[str] | None = None,
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
    of which the coarse label is kept.

    ``text_column`` and ``label_column`` are names, or numbers from 1; else the columns are known
    by their usual names. A column ``split`` is read too, unless ``dev`` or ``test`` say where
    those splits are: then ``sources`` are for training. Of each source at most ``limit`` rows,
    drawn by ``seed`` so that every label keeps its share and, if the limit allows, a row; the first
    rows where ``seed`` is None. Rows without a text or a label are left out; ``notes`` count them.
    Labels that are integers become text. Of ``kind`` ``multilabel`` a label is a list of labels, or
    text with ``;`` between them, and empty where a text has none; of ``regression`` it is a finite
    number, in a column that may also be called ``score``.

    Raises TextError where a source or column is not there or cannot be told, where it holds no
    row with a text and a label, and at the first row where they are something else, or that has
    more than ``max_text_bytes``.
    """
    asked = _Columns(text_column, label_column, kind=kind)
    splits = by_part(sources, dev, test)
    one_label = kind == "classification"
    found = gather(
        splits,
        lambda source, left_out: _read(source, asked, encoding, left_out, max_text_bytes),
        limited(limit, seed),
        label=lambda row: row[1] if one_label else "",
    )
    texts, labels, of_part = zip(*found.rows, strict=True)
    return LabelledTexts(
        name_of(splits),
        texts,
        labels,
        of_part,
        rows_hash(found.rows),
        found.notes,
        found.samples,
    )


def label_set(label: str) -> tuple[str, ...]:
    """The labels that a row of the kind ``multilabel`` holds."""
    return tuple(label.split(SEPARATOR)) if label else ()


def _read(
    source: str, asked: _Columns, encoding: str, left_out: LeftOut, most: int
) -> Iterator[Row]:
    named = None if Path(source).exists() else _NAMED.fullmatch(source)
    if named:
        file = find_source(named["file"], encoding, most=most)
        return _of_one_label(file, named["label"].strip(), asked, left_out)
    table = open_table(
        source, encoding, lambda fields, dialect: _is_header(fields, dialect, asked), most
    )
    if not table.names:
        return iter(())
    if not table.headed and len(table.names) == 1:
        return _questions(table, asked, left_out)
    rows = _of_columns(table, _columns(table, asked), left_out)
    return rows if table.headed or asked.named else _labels_last(rows, table)


def _of_one_label(source: Source, label: str, asked: _Columns, left_out: LeftOut) -> Iterator[Row]:
    source.check()
    told = asked.read(label, "NAME", f"{label}={source.label}")
    table = source.table()
    left_out.unit, left_out.found = table.unit, table.note
    for row in text_rows(table, Columns(asked.text), nulls=True):
        if row.text.strip():
            yield row.text, told, ""
        else:
            left_out.add("text", row.number)


def _questions(table: Table, asked: _Columns, left_out: LeftOut) -> Iterator[Row]:
    left_out.unit = table.unit
    for number, (line,) in table.rows(table.names):
        found = _QUESTION.fullmatch(str(line))
        if found is None:
            raise TextError(
                f"{table.where(number)}: found no label; expected a column of texts and one of "
                "labels (with tabs between them, or in a file that is called .csv), "
                "'LABEL:detail text', or the input NAME=FILE where all lines have the label NAME"
            )
        if found["text"] is None:
            left_out.add("text", number)
            continue
        label = asked.read(found["label"], "LABEL", table.where(number))
        yield found["text"].rstrip(), label, ""


def _of_columns(table: Table, columns: _Columns, left_out: LeftOut) -> Iterator[Row]:
    text, label, split = columns.text, columns.label, columns.split
    assert text is not None
    assert label is not None
    left_out.unit, left_out.found = table.unit, table.note
    for number, values in table.rows([text, label, *([] if split is None else [split])]):
        if is_missing(values[0]):
            left_out.add("text", number)
            continue
        if columns.lacks(values[1]):
            left_out.add("label", number)
            continue
        where = table.where(number)
        yield (
            as_filled_text(values[0], text, where),
            columns.read(values[1], label, where),
            "" if split is None else named_part(values[2], split, where),
        )


def _labels_last(rows: Iterator[Row], table: Table) -> Iterator[Row]:
    """A file that has the label first shows many labels and few texts."""
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


def _is_header(fields: Sequence[str], dialect: str, asked: _Columns) -> bool:
    """Two usual names tell one, in CSV one does; else columns that are asked for by name."""
    usual = len(asked.usual(fields).named)
    if usual == 2 or (usual and dialect == "csv"):
        return True
    if asked.named:
        return not all(map(str.isdecimal, asked.named))
    if len(fields) == 3 and fields[0] in _SENTEVAL:
        return False
    return dialect == "csv" or len(fields) > 2


def _columns(table: Table, asked: _Columns) -> _Columns:
    names, usual = table.names, asked.usual(table.names)
    if not table.headed and not asked.named:
        usual = _UNNAMED[len(names)]
    text, label = (
        known if name is None else column_at(names, name, table.label)
        for name, known in ((asked.text, usual.text), (asked.label, usual.label))
    )
    if len(names) == 2:
        text, label = text or _other(names, label), label or _other(names, text)
    if text is None or label is None or text == label:
        missing = "texts" if text is None else "labels"
        option = "--column" if text is None else "--label-column"
        raise TextError(
            f"{table.label}: cannot tell which column holds the {missing}; it has "
            f"{listed_columns(names)}; name it with {option}"
        )
    return _Columns(text, label, usual.split, asked.kind)


def _other(names: Sequence[str], known: str | None) -> str | None:
    """The other of two columns, where one is known."""
    return None if known is None else names[1 - list(names).index(known)]
