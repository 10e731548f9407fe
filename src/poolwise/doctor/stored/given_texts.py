"""The texts of stored vectors, where they lie apart from them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from poolwise.doctor.stored.column_choice import given_text_column
from poolwise.errors import TextError
from poolwise.texts.columns import Table, known_column
from poolwise.texts.fields import as_text
from poolwise.texts.input_names import find_sources
from poolwise.texts.limits import MAX_TEXT_BYTES
from poolwise.texts.memory_source import MemorySource
from poolwise.texts.python_data import paths_of
from poolwise.texts.sources import Source


@dataclass(frozen=True, slots=True)
class GivenTexts:
    """Texts in the column ``column`` of sources with the columns ``names``, one after another;
    they are read as often as they are asked for."""

    label: str
    sources: Sequence[Source]
    names: Sequence[str]
    column: str

    def texts(self) -> Iterator[str | None]:
        """The texts in their order; None where there is none."""
        return (text for text, *_ in self._rows([self.column]))

    def with_ids(self, id_column: str) -> Iterator[tuple[str | None, Any]]:
        """Each text with its id."""
        return ((text, name) for text, name in self._rows([self.column, id_column]))

    def _rows(self, names: Sequence[str]) -> Iterator[Sequence[Any]]:
        return chain.from_iterable(_rows_of(source.table(), names) for source in self.sources)


def given_texts(texts: Any, text_column: str | None) -> GivenTexts:
    """``texts`` by the name of a file or several, or from memory.

    A string is a file's path, a glob, a folder or a URL, as ``texts.open_texts`` takes it; a list
    of strings, an array, a Series or a frame holds the texts. Raises TextError where they cannot be
    read, ColumnError where their column is unclear.
    """
    paths = paths_of(texts) if not isinstance(texts, list | tuple) else None
    if paths is None:
        sources: list[Source] = [MemorySource(texts, "texts", MAX_TEXT_BYTES)]
        label = "texts"
    else:
        sources = [*find_sources(paths, "utf-8", max_bytes=MAX_TEXT_BYTES)]
        label = sources[0].label if len(sources) == 1 else paths[0]
    for source in sources:
        source.check()
        if not source.repeatable:
            raise TextError(f"{source.label} can be read only once; write the texts into a file")
    names = sources[0].table().names
    if not names:
        raise TextError(f"{label} holds no texts")
    return GivenTexts(label, sources, names, given_text_column(names, label, text_column))


def _rows_of(table: Table, names: Sequence[str]) -> Iterator[Sequence[Any]]:
    """Fields of the rows, of which the first is a text or null."""
    columns = [known_column(table.names, name, table.label) for name in names]
    for number, (value, *others) in table.rows(columns):
        text = None if value is None else as_text(value, columns[0], table.location(number))
        yield text, *others
