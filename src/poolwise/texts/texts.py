"""Texts: every sentence of the inputs, one after another."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Literal

from poolwise.errors import TextError
from poolwise.records import Sentence
from poolwise.texts.columns import Columns, Row, text_rows
from poolwise.texts.extra_columns import ExtraColumns, extra_columns
from poolwise.texts.files import STDIN
from poolwise.texts.input_names import find_sources
from poolwise.texts.limits import MAX_TEXT_BYTES
from poolwise.texts.omitted_rows import OmittedRows
from poolwise.texts.sampling import Limit, Sample, as_limit, sampled
from poolwise.texts.sentence_rows import check_source, encoded, is_plain_lines, split_rows
from poolwise.texts.sources import Source, short_name

if TYPE_CHECKING:
    import pyarrow as pa  # type: ignore[import-untyped]


class Texts:
    """The sentences of several sources, as often as it is iterated (standard input once, unless
    a limit drew a sample, which is in memory).

    ``len`` is not known; ``operator.length_hint(texts, -1)`` is the number of sentences, exact
    or nearly, and -1 where it is unknown. An iteration raises TextError at the first row that
    cannot be read, at a source without rows, and at a second reading of a pipe.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        columns: Columns,
        language: str | None,
        limit: Limit | None,
        *,
        blank: bool = True,
        extra: ExtraColumns | None = None,
    ) -> None:
        self._sources = sources
        self._columns = columns
        self._language = language
        self._limit = limit
        self._blank = blank
        self._extra = extra or ExtraColumns()
        self._hash: str | None = None
        self._started = False
        self._sampled: Sequence[Sentence] | None = None
        self._sample: Sample | None = None
        self._omitted: Mapping[str, OmittedRows] = {}
        self._source_notes: dict[str, str] = {}

    @property
    def name(self) -> str:
        """What the inputs are called, for a report: file names without their folders."""
        return ", ".join(short_name(source.label) for source in self._sources)

    @property
    def hash(self) -> str | None:
        """sha256 (hex) over the texts in order, each in UTF-8 after its length in bytes (8 bytes,
        little-endian). None until they have been iterated to the end."""
        return self._hash

    @property
    def extra_columns(self) -> Mapping[str, pa.DataType]:
        """The Arrow types of the columns in ``Sentence.extra``, in their order."""
        return self._extra.types

    @property
    def samples(self) -> Sequence[Sample]:
        """The sample drawn by the limit, if there is one; known when the hash is."""
        return [] if self._sample is None else [self._sample]

    @property
    def notes(self) -> Sequence[str]:
        """Sentences about the inputs: detected formats, samples drawn, rows left out; complete when
        the hash is known."""
        several = len(self._sources) > 1
        sample_notes = [str(sample) for sample in self.samples]
        remarks = list(self._source_notes.items())
        remarks += [(label, note) for label, of in self._omitted.items() for note in of.notes()]
        return sample_notes + [
            f"{short_name(label)}: {note}" if several else note for label, note in remarks
        ]

    def __iter__(self) -> Iterator[Sentence]:
        self._check_unread()
        return self._sentences()

    def _check_unread(self) -> None:
        if self._started and self._sampled is None:
            for source in self._sources:
                if not source.repeatable:
                    raise TextError(f"{source.label} can be read only once")

    def __length_hint__(self) -> int:
        counts = [] if self._language else [source.count() for source in self._sources]
        if counts and None not in counts:
            known = sum(count or 0 for count in counts)
            return known if self._limit is None else min(known, self._limit.rows)
        return NotImplemented if self._limit is None else self._limit.rows

    def _sentences(self) -> Iterator[Sentence]:
        self._check_unread()
        self._started = True
        digest = hashlib.sha256()
        for sentence in self._limited():
            data = encoded(sentence.text, sentence.location)
            digest.update(len(data).to_bytes(8, "little"))
            digest.update(data)
            yield sentence
        self._hash = digest.hexdigest()

    def _limited(self) -> Iterator[Sentence]:
        """The texts up to the limit, or drawn by it."""
        rows, limit = self._numbered(), self._limit
        if limit is None:
            yield from rows
        elif limit.seed is None:
            # No row beyond is read: a pipe may be slow to deliver it.
            for count, row in enumerate(islice(rows, limit.rows), 1):
                if count == limit.rows:
                    self._sample = Sample(self.name, count, unit="texts")
                yield row
        else:
            if self._sampled is None:
                self._sampled, self._sample = sampled(rows, limit, self.name, "texts")
            yield from self._sampled

    def _numbered(self) -> Iterator[Sentence]:
        for number, row in enumerate(self._rows()):
            if row is not None:
                (text, _, name, extra), location = row
                yield Sentence(text, number if name is None else name, "", location, extra)

    def _rows(self) -> Iterator[tuple[Row, str] | None]:
        """Every row and its location; None for a row that is left out."""
        self._omitted = omitted = {source.label: OmittedRows() for source in self._sources}
        for source in self._sources:
            empty = True
            for row in self._rows_of(source, omitted[source.label]):
                empty = empty and row is None
                yield row
            if empty:
                raise TextError(f"{source.label} holds no text")

    def _rows_of(self, source: Source, omitted: OmittedRows) -> Iterator[tuple[Row, str] | None]:
        table = source.table(self._columns.keep)
        omitted.unit = table.unit
        if table.note:
            self._source_notes[source.label] = table.note
        rows = text_rows(table, self._columns, nulls=not self._blank)
        if self._language is not None:
            rows = split_rows(
                rows, table, plain_lines=is_plain_lines(source), language=self._language
            )
        blank = self._blank or self._language is not None
        for row in rows:
            if blank or row.text.strip():
                location = table.location(row.number)
                if row.extra:
                    row = row._replace(extra=self._extra.values(row.extra, location))  # noqa: PLW2901
                yield row, location
            else:
                omitted.add("text", row.number)
                yield None


def open_texts(
    inputs: Sequence[str | Source],
    *,
    column: str | None = None,
    id_column: str | None = None,
    keep: Sequence[str] = (),
    split: Literal["sentences"] | None = None,
    language: str = "en",
    limit: int | None = None,
    seed: int | None = 0,
    blank: bool = True,
    encoding: str = "utf-8",
    max_text_bytes: int = MAX_TEXT_BYTES,
    format: str | None = None,  # noqa: A002
) -> Texts:
    """The texts of ``inputs``, one after another, read as they are asked for.

    An input is a file's path, a glob, a folder, the URL of any of them (``s3://…``; extra
    ``objects``), ``-`` for standard input, or ``hf:NAME[[:CONFIG]:SPLIT]`` for a Hugging Face
    dataset (extra ``data``); ``expand_inputs`` says which files a glob and a folder mean. The
    suffix says how a file is read, or ``format``: ``lines``, ``csv``, ``tsv``, ``jsonl``,
    ``parquet``; what gzip, bzip2, xz or Zstandard compressed is decompressed. ``column`` is else
    ``text``, ``sentence`` or the only one. Ids are row numbers over all inputs, or what
    ``id_column`` holds. ``keep`` names other columns, whose values go with each text
    (``Sentence.extra``); ``Texts.extra_columns`` has their types, for which files of JSON are read
    once before. ``split="sentences"`` takes running text apart (``language``: ISO 639-1). At most
    ``limit`` sentences over all inputs, drawn by ``seed`` and given in their order, which reads the
    inputs to their end and holds those drawn in memory; the first ones, and no row beyond, where
    ``seed`` is None. Without ``blank``, rows whose text is null, empty or blank are left out, and
    ``Texts.notes`` count them. A row (a line, what is read of a table's) of more than
    ``max_text_bytes`` in UTF-8 is an error where it is met.

    Raises TextError at once where an input or its column is not there or its first row cannot
    be read, MissingExtraError for a dataset without the extra.
    """
    if isinstance(inputs, str) or not inputs:
        raise TextError("no input: name files, - for standard input, or hf:NAME")
    if inputs.count(STDIN) > 1:
        raise TextError("standard input (-) is named twice; it can be read only once")
    checked_limit = as_limit(limit, seed)
    if split not in {None, "sentences"}:
        raise TextError(f"unknown split {split!r}; expected 'sentences'")
    if split and id_column:
        raise TextError("sentences that are split off have no ids of their own; name no id column")
    columns = Columns(column, id_column, tuple(dict.fromkeys(keep)))
    sources = find_sources(inputs, encoding, format, max_bytes=max_text_bytes)
    for source in sources:
        _check(source, columns, nulls=not blank)
    extra = extra_columns(sources, columns.keep)
    return Texts(
        sources, columns, language if split else None, checked_limit, blank=blank, extra=extra
    )


def _check(source: Source, columns: Columns, *, nulls: bool) -> None:
    check_source(source, columns)
    if source.repeatable:
        first = next(text_rows(source.table(columns.keep), columns, nulls=nulls), None)
        if first is None:
            raise TextError(f"{source.label} holds no text")
