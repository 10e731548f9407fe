"""The rows of a corpus, one for each row of its inputs, those without a text included."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from poolwise.errors import TextError
from poolwise.records import Sentence
from poolwise.texts.bad_values import BadValue
from poolwise.texts.columns import Columns, text_columns
from poolwise.texts.extra_columns import ExtraColumns, extra_columns
from poolwise.texts.input_names import find_sources
from poolwise.texts.limits import MAX_TEXT_BYTES
from poolwise.texts.row_problems import id_of, text_problem
from poolwise.texts.sentence_rows import check_source
from poolwise.texts.sources import Source


@dataclass(frozen=True, slots=True)
class CorpusRow:
    """One row of an input; ``problem`` says why it has no text, empty where it has one.

    The first word of a problem is its kind: ``null``, ``empty``, ``type``, … A sentence with a
    problem has the text "".
    """

    sentence: Sentence
    problem: str = ""

    @property
    def text(self) -> str:
        """The sentence's."""
        return self.sentence.text


@dataclass(frozen=True, slots=True)
class Corpus:
    """Everything that is needed to read the inputs: plain data, which another process can have.

    ``encoding`` and ``max_text_bytes`` are those that the sources were opened with; ``labels`` what
    the rows' locations call them, if not by their own labels.
    """

    sources: Sequence[Source]
    columns: Columns
    extra: ExtraColumns
    encoding: str = "utf-8"
    max_text_bytes: int = MAX_TEXT_BYTES
    labels: tuple[str, ...] = ()

    def rows(self, source: int, first: int = 0) -> Iterator[CorpusRow]:
        """The rows of ``sources[source]`` from row ``first`` on, counted from 0 in that source.

        Without an id column a sentence's id is its row's number in the source. Raises TextError
        where the source cannot be read on.
        """
        table = self.sources[source].table(self.columns.keep, lenient=True)
        if not table.names:
            return
        names, has_id = text_columns(table, self.columns), self.columns.id is not None
        rows = table.rows_after(names, first)
        if self.labels:
            table = replace(table, label=self.labels[source])
        for row, (number, (value, *others)) in enumerate(rows, first):
            problem = text_problem(value)
            row_id, id_problem = id_of(others.pop(0)) if has_id else (row, "")
            extra, extra_problem = self._kept(others) if others else ((), "")
            problem = problem or id_problem or extra_problem
            text = "" if problem or not isinstance(value, str) else value
            yield CorpusRow(Sentence(text, row_id, "", table.location(number), extra), problem)

    def count(self, source: int) -> int:
        """The exact number of rows of ``sources[source]``, which reads it unless it says it."""
        return self.sources[source].table(self.columns.keep, lenient=True).count()

    def _kept(self, values: Sequence[object]) -> tuple[tuple[object, ...], str]:
        """A row's values in the columns to keep, null where there is a problem, and the first."""
        kept: list[object] = []
        problems = []
        for name, value in zip(self.extra.types, values, strict=True):
            if isinstance(value, BadValue):
                kept_value, found = None, value.problem
            else:
                kept_value, found = self.extra.value(name, value)
            kept.append(None if found else kept_value)
            problems += [f"column: {name!r}, {found}"] if found else []
        return tuple(kept), problems[0] if problems else ""


def open_corpus(
    inputs: Sequence[str | Source],
    *,
    column: str | None = None,
    id_column: str | None = None,
    keep: Sequence[str] = (),
    encoding: str = "utf-8",
    max_text_bytes: int = MAX_TEXT_BYTES,
) -> Corpus:
    """The corpus that ``inputs`` hold, one after another; inputs and options as of ``open_texts``.

    Inputs without rows are left out. Raises TextError at once where an input or its column is not
    there, or it can be read only once, or none has a row.
    """
    if isinstance(inputs, str) or not inputs:
        raise TextError("no input: name files, or hf:NAME")
    columns = Columns(column, id_column, tuple(dict.fromkeys(keep)))
    sources = find_sources(inputs, encoding, max_bytes=max_text_bytes)
    for source in sources:
        check_source(source, columns)
        if not source.repeatable:
            raise TextError(
                f"{source.label} can be read only once, and a job reads its inputs again; "
                "write it to a file and name that"
            )
    filled = [source for source in sources if not _is_empty(source, columns)]
    if not filled:
        raise TextError(f"{sources[0].label} holds no text")
    extra = extra_columns(filled, columns.keep, lenient=True)
    return Corpus(filled, columns, extra, encoding, max_text_bytes)


def _is_empty(source: Source, columns: Columns) -> bool:
    """Whether it has no row. Raises TextError where it lacks a column."""
    table = source.table(columns.keep, lenient=True)
    names = text_columns(table, columns) if table.names else []
    return not names or next(table.rows(names), None) is None
