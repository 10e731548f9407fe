"""Inputs by their names: files in each format, hub datasets."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Protocol

from poolwise.errors import TextError
from poolwise.json_values import unicode
from poolwise.texts.columns import Table
from poolwise.texts.compression import COMPRESSED
from poolwise.texts.delimited import read_csv, read_tsv
from poolwise.texts.extra_columns import ValueKind
from poolwise.texts.file_identity import file_identity
from poolwise.texts.files import TextFile
from poolwise.texts.hub import HubDataset
from poolwise.texts.hub_address import is_dataset
from poolwise.texts.jsonl import json_kinds, read_jsonl
from poolwise.texts.limits import MAX_TEXT_BYTES
from poolwise.texts.lines import read_lines
from poolwise.texts.parquet import count_parquet, parquet_types, read_parquet

if TYPE_CHECKING:
    import pyarrow as pa  # type: ignore[import-untyped]

TABLES: dict[str, Callable[..., Table]] = {
    "lines": read_lines,
    "csv": read_csv,
    "tsv": read_tsv,
    "jsonl": read_jsonl,
    "parquet": read_parquet,
}

JSON_SUFFIXES = (".jsonl", ".ndjson", ".json")

FORMATS = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".parquet": "parquet",
    **dict.fromkeys(JSON_SUFFIXES, "jsonl"),
}
"""By suffix; any other is plain lines."""

_HEADER = {"csv": 1, "tsv": 1}


class Source(Protocol):
    """One input."""

    @property
    def label(self) -> str:
        """How an error names it."""

    @property
    def repeatable(self) -> bool:
        """Can it be read twice?"""

    def check(self) -> None:
        """Raise TextError if it is not there."""

    def table(self, optional: Sequence[str] = (), *, lenient: bool = False) -> Table:
        """Its columns and rows; TextError where they cannot be read. A row may lack ``optional``
        columns, which are null then. If it is ``lenient``, a row that cannot be read is one of bad
        values."""

    def types(
        self, names: Sequence[str], *, lenient: bool = False
    ) -> Mapping[str, pa.DataType | frozenset[ValueKind]]:
        """The types of columns; or where it has none, the kinds of their values."""

    def count(self) -> int | None:
        """The number of its rows, exactly or nearly; None if unknown."""

    def identity(self) -> Mapping[str, Any]:
        """What tells it from another, and from itself after a change, in values of JSON; TextError
        if it can be read only once."""


@dataclass(frozen=True, slots=True)
class FileSource:
    """A file (or standard input) in one of the formats."""

    file: TextFile
    format: str

    @property
    def label(self) -> str:
        return self.file.label

    @property
    def repeatable(self) -> bool:
        return self.file.repeatable

    def check(self) -> None:
        self.file.check()
        if self.format not in TABLES:
            raise TextError(f"unknown format {self.format!r}; expected one of {', '.join(TABLES)}")

    def table(self, optional: Sequence[str] = (), *, lenient: bool = False) -> Table:
        if self.format == "jsonl":
            return read_jsonl(self.file, optional, lenient=lenient)
        return TABLES[self.format](self.file, lenient=lenient)

    def types(
        self, names: Sequence[str], *, lenient: bool = False
    ) -> Mapping[str, pa.DataType | frozenset[ValueKind]]:
        if self.format == "parquet":
            return parquet_types(self.file, names)
        if self.format != "jsonl":
            return dict.fromkeys(names, frozenset({"text"}))
        # What is read once may hold anything.
        unknown_kinds = dict.fromkeys(names, frozenset({"other"}))
        return json_kinds(self.file, names, lenient=lenient) if self.repeatable else unknown_kinds

    def count(self) -> int | None:
        if self.format == "parquet":
            return count_parquet(self.file)
        lines = self.file.count_lines()
        return lines and max(lines - _HEADER.get(self.format, 0), 0)

    def identity(self) -> Mapping[str, Any]:
        return file_identity(self.file)


def find_source(
    name: str, encoding: str, file_format: str | None = None, *, max_bytes: int = MAX_TEXT_BYTES
) -> Source:
    """The source that ``name`` means: ``-``, ``hf:…``, a file's path or URL. A row may have
    ``max_bytes`` bytes."""
    if is_dataset(name):
        return HubDataset(name, max_bytes)
    file = TextFile(name, encoding, max_bytes)
    return FileSource(file, file_format or FORMATS.get(format_suffix(file.label), "lines"))


def short_name(label: str) -> str:
    """What a report calls a source: the file's name without its folder."""
    return unicode(label if is_dataset(label) else PurePath(label).name)


def format_suffix(name: str) -> str:
    """The suffix that tells a file's format, in lower case: ``.csv`` of ``a.CSV.gz``."""
    path = PurePath(name)
    if path.suffix.lower() in COMPRESSED:
        path = path.with_suffix("")
    return path.suffix.lower()
