"""Texts: every sentence of the inputs, one after another."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Literal

from poolwise.errors import TextError
from poolwise.records import Sentence
from poolwise.texts.columns import Columns, Row, text_rows
from poolwise.texts.files import STDIN
from poolwise.texts.sentences import split_sentences
from poolwise.texts.sources import FileSource, Source, find_source, short_name


class Texts:
    """The sentences of several sources, as often as it is iterated (standard input once).

    ``len`` is not known; ``operator.length_hint(texts, -1)`` is the number of sentences, exact
    or nearly, and -1 where it is unknown. An iteration raises TextError at the first row that
    cannot be read, at a source without rows, and at a second reading of a pipe.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        columns: Columns,
        language: str | None,
        limit: int | None,
    ) -> None:
        self._sources = sources
        self._columns = columns
        self._language = language
        self._limit = limit
        self._hash: str | None = None
        self._begun = False

    @property
    def name(self) -> str:
        """What the inputs are called, for a report: file names without their folders."""
        return ", ".join(short_name(source.label) for source in self._sources)

    @property
    def hash(self) -> str | None:
        """sha256 (hex) over the texts in order, each in UTF-8 after its length in bytes (8 bytes,
        little-endian). None until they have been iterated to the end."""
        return self._hash

    def __iter__(self) -> Iterator[Sentence]:
        if self._begun:
            for source in self._sources:
                if not source.repeatable:
                    raise TextError(f"{source.label} can be read only once")
        self._begun = True
        return self._sentences()

    def __length_hint__(self) -> int:
        counts = [] if self._language else [source.count() for source in self._sources]
        if counts and None not in counts:
            known = sum(count or 0 for count in counts)
            return known if self._limit is None else min(known, self._limit)
        return NotImplemented if self._limit is None else self._limit

    def _sentences(self) -> Iterator[Sentence]:
        digest = hashlib.sha256()
        for number, (text, name) in enumerate(islice(self._rows(), self._limit)):
            encoded = self._encoded(text, number)
            digest.update(len(encoded).to_bytes(8, "little"))
            digest.update(encoded)
            yield Sentence(text, number if name is None else name)
        self._hash = digest.hexdigest()

    def _rows(self) -> Iterator[Row]:
        for source in self._sources:
            rows = text_rows(source.table(), self._columns)
            if self._language is not None:
                rows = _split(rows, _running(source), self._language)
            empty = True
            for row in rows:
                empty = False
                yield row
            if empty:
                raise TextError(f"{source.label} holds no text")

    def _encoded(self, text: str, number: int) -> bytes:
        try:
            return text.encode()
        except UnicodeEncodeError as error:
            raise TextError(
                f"{self.name}, row {number}: half a surrogate pair at character {error.start}, "
                "which is no text; repair the row"
            ) from None


def open_texts(
    inputs: Sequence[str],
    *,
    column: str | None = None,
    id_column: str | None = None,
    split: Literal["sentences"] | None = None,
    language: str = "en",
    limit: int | None = None,
    encoding: str = "utf-8",
    format: str | None = None,  # noqa: A002
) -> Texts:
    """The texts of ``inputs``, one after another, read as they are asked for.

    An input is a file's path, ``-`` for standard input, or ``hf:NAME[[:CONFIG]:SPLIT]`` for a
    Hugging Face dataset (extra ``data``). The suffix says how a file is read, or ``format``:
    ``lines``, ``csv``, ``tsv``, ``jsonl``, ``parquet``; ``.gz``, ``.bz2`` and ``.xz`` are
    decompressed. ``column`` is else ``text``, ``sentence`` or the only one. Ids are row numbers
    over all inputs, or what ``id_column`` holds. ``split="sentences"`` takes running text apart
    (``language``: ISO 639-1). At most ``limit`` sentences.

    Raises TextError at once where an input or its column is not there or its first row cannot
    be read, MissingExtraError for a dataset without the extra.
    """
    if isinstance(inputs, str) or not inputs:
        raise TextError("no input: name files, - for standard input, or hf:NAME")
    if inputs.count(STDIN) > 1:
        raise TextError("standard input (-) is named twice; it can be read only once")
    if limit is not None and limit < 1:
        raise TextError(f"found a limit of {limit}, expected at least 1")
    if split not in {None, "sentences"}:
        raise TextError(f"unknown split {split!r}; expected 'sentences'")
    if split and id_column:
        raise TextError("sentences that are split off have no ids of their own; name no id column")
    columns = Columns(column, id_column)
    sources = [find_source(name, encoding, format) for name in inputs]
    for source in sources:
        _check(source, columns)
    return Texts(sources, columns, language if split else None, limit)


def _check(source: Source, columns: Columns) -> None:
    source.check()
    if _running(source) and columns != Columns():
        raise TextError(
            f"{source.label} is read as plain lines, which have no columns; "
            "leave the column out or say --format csv, tsv or jsonl"
        )
    if source.repeatable and next(text_rows(source.table(), columns), None) is None:
        raise TextError(f"{source.label} holds no text")


def _running(source: Source) -> bool:
    """Are its rows plain lines?"""
    return isinstance(source, FileSource) and source.format == "lines"


def _split(rows: Iterable[Row], running: bool, language: str) -> Iterator[Row]:
    """Plain lines are one running text; the text of a column is split row by row."""
    texts = (text for text, _ in rows)
    paragraphs = [texts] if running else (text.split("\n") for text in texts)
    for lines in paragraphs:
        for sentence in split_sentences(lines, language):
            yield sentence, None
