"""Sentences cut into words, with a tag for each: CoNLL's columns."""

from __future__ import annotations

import re
from collections.abc import Iterator

from poolwise.errors import TextError
from poolwise.texts.columns import Table
from poolwise.texts.datasets import TaggedSentences
from poolwise.texts.fields import as_filled_text, as_label
from poolwise.texts.files import TextFile
from poolwise.texts.limits import MAX_TEXT_BYTES, too_large
from poolwise.texts.omitted_rows import OmittedRows
from poolwise.texts.sampling import as_limit
from poolwise.texts.split_names import as_split
from poolwise.texts.tables import Input, Inputs, Row, by_split, gather, joined_names, rows_hash

_BLANKS = " \t\r\n"
_BETWEEN = re.compile(r"[ \t]+")
_DOCUMENT = "-DOCSTART-"


def open_tags(
    source: Inputs,
    *,
    dev: Inputs | None = None,
    test: Inputs | None = None,
    encoding: str = "utf-8",
    limit: int | None = None,
    seed: int | None = 0,
    max_text_bytes: int = MAX_TEXT_BYTES,
) -> TaggedSentences:
    """The tagged sentences of ``source``, in memory.

    A source is a file in CoNLL's form (compressed or not) or ``-`` for standard input: a word a
    line, two columns or more with spaces or tabs between them, the first the word and the last its
    tag, kept as it is; an empty line after each sentence. Lines that begin with ``-DOCSTART-`` are
    left out. Or a source is a table in memory, whose columns ``words``, ``tags`` (and ``split``)
    hold lists. Where ``dev`` or ``test`` are given, ``source``
    is for training. Of each source at most ``limit`` sentences, drawn by ``seed``; the first ones
    where ``seed`` is None.

    Raises TextError where a source is not there, at a line with another number of columns, and at a
    sentence of more than ``max_text_bytes``.
    """
    inputs = by_split(source, dev, test)
    gathered = gather(
        inputs,
        lambda name, omitted: _read(name, encoding, omitted, max_text_bytes),
        as_limit(limit, seed),
        unit="sentences",
    )
    words, tags, splits = zip(*gathered.rows, strict=True)
    return TaggedSentences(
        joined_names(inputs),
        words,
        tags,
        splits,
        rows_hash(gathered.rows),
        gathered.notes,
        gathered.samples,
    )


def _read(source: Input, encoding: str, omitted: OmittedRows, max_bytes: int) -> Iterator[Row]:
    if isinstance(source, Table):
        return _table_rows(source, omitted)
    return _conll_rows(TextFile(source, encoding, max_bytes))


def _table_rows(table: Table, omitted: OmittedRows) -> Iterator[Row]:
    columns = [name for name in ("words", "tags", "split") if name in table.names]
    for number, (words_field, tags_field, *split) in table.rows(columns):
        location = table.location(number)
        words = _as_list(words_field, "words", location)
        if not words:
            omitted.add("word", number)
            continue
        tags = _as_list(tags_field, "tags", location)
        if len(words) != len(tags):
            raise TextError(
                f"{location}: found {len(words)} words and {len(tags)} tags, expected a tag for "
                "each word"
            )
        yield (
            tuple(as_filled_text(word, "words", location) for word in words),
            tuple(as_label(tag, "tags", location) for tag in tags),
            as_split(split[0], "split", location) if split else "",
        )


def _as_list(value: object, column: str, location: str) -> list[object]:
    if not isinstance(value, list):
        raise TextError(f"{location}: {column!r} is a {type(value).__name__}, expected a list")
    return value


def _conll_rows(file: TextFile) -> Iterator[Row]:
    file.check()
    sentence: list[tuple[str, str]] = []
    characters = 0
    for number, fields in _fields(file):
        if fields:
            sentence.append((fields[0], fields[-1]))
            characters += len(fields[0]) + len(fields[-1])
            if characters > file.max_bytes:
                raise too_large(f"{file.label}, the sentence before line {number}", file.max_bytes)
        elif sentence:
            yield *zip(*sentence, strict=True), ""
            sentence, characters = [], 0
    if sentence:
        yield *zip(*sentence, strict=True), ""


def _fields(file: TextFile) -> Iterator[tuple[int, list[str]]]:
    """Each line's number and columns; none where a sentence ends."""
    width = None
    for number, line in enumerate(file.lines(), 1):
        stripped = line.strip(_BLANKS)
        if not stripped or stripped.startswith(_DOCUMENT):
            yield number, []
            continue
        fields = _BETWEEN.split(stripped)
        width = width or max(len(fields), 2)
        if len(fields) != width:
            plural = "" if len(fields) == 1 else "s"
            raise TextError(
                f"{file.label}, line {number}: found {len(fields)} column{plural}, expected "
                f"{width}: a word, its tag, and what stands between them in every line"
            )
        yield number, fields
