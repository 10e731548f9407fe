"""Which reader an input gets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Protocol

from poolwise.errors import TextError
from poolwise.texts.columns import Table
from poolwise.texts.delimited import read_csv, read_tsv
from poolwise.texts.files import DECOMPRESS, TextFile
from poolwise.texts.hub import PREFIX, HubDataset
from poolwise.texts.jsonl import read_jsonl
from poolwise.texts.lines import read_lines
from poolwise.texts.parquet import count_parquet, read_parquet

TABLES: dict[str, Callable[[TextFile], Table]] = {
    "lines": read_lines,
    "csv": read_csv,
    "tsv": read_tsv,
    "jsonl": read_jsonl,
    "parquet": read_parquet,
}

FORMATS = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
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

    def table(self) -> Table:
        """Its columns and rows; TextError where they cannot be read."""

    def count(self) -> int | None:
        """The number of its rows, exactly or nearly; None if unknown."""


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

    def table(self) -> Table:
        return TABLES[self.format](self.file)

    def count(self) -> int | None:
        if self.format == "parquet":
            return count_parquet(self.file)
        lines = self.file.count_lines()
        return lines and max(lines - _HEADER.get(self.format, 0), 0)


def find_source(name: str, encoding: str, file_format: str | None = None) -> Source:
    """The source that ``name`` means: ``-``, ``hf:…`` or a file's path."""
    if name.startswith(PREFIX):
        return HubDataset(name)
    return FileSource(TextFile(name, encoding), file_format or _format_of(name))


def short_name(label: str) -> str:
    """What a report calls a source: the file's name without its folder."""
    return label if label.startswith(PREFIX) else PurePath(label).name


def _format_of(name: str) -> str:
    path = Path(name)
    if path.suffix.lower() in DECOMPRESS:
        path = path.with_suffix("")
    if path.suffix.lower() == ".json":
        raise TextError(
            f"{name}: one large JSON document is not read; write one object a line, "
            "or say --format jsonl if it is that already"
        )
    return FORMATS.get(path.suffix.lower(), "lines")
