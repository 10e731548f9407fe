"""Which reader an input gets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from poolwise.errors import TextError
from poolwise.texts.columns import Columns, Row
from poolwise.texts.delimited import read_csv, read_tsv
from poolwise.texts.files import DECOMPRESS, TextFile
from poolwise.texts.hub import PREFIX, HubDataset
from poolwise.texts.jsonl import read_jsonl
from poolwise.texts.lines import read_lines
from poolwise.texts.parquet import count_parquet, read_parquet

READERS: dict[str, Callable[[TextFile, Columns], Iterator[Row]]] = {
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

    def rows(self) -> Iterator[Row]:
        """Its rows; TextError where one cannot be read."""

    def count(self) -> int | None:
        """The number of its rows, exactly or nearly; None if unknown."""


@dataclass(frozen=True, slots=True)
class FileSource:
    """A file (or standard input) in one of the formats."""

    file: TextFile
    format: str
    columns: Columns

    @property
    def label(self) -> str:
        return self.file.label

    @property
    def repeatable(self) -> bool:
        return self.file.repeatable

    def check(self) -> None:
        self.file.check()
        if self.format not in READERS:
            raise TextError(f"unknown format {self.format!r}; expected one of {', '.join(READERS)}")

    def rows(self) -> Iterator[Row]:
        return READERS[self.format](self.file, self.columns)

    def count(self) -> int | None:
        if self.format == "parquet":
            return count_parquet(self.file)
        lines = self.file.count_lines()
        return lines and max(lines - _HEADER.get(self.format, 0), 0)


def find_source(name: str, columns: Columns, encoding: str, file_format: str | None) -> Source:
    """The source that ``name`` means: ``-``, ``hf:…`` or a file's path."""
    if name.startswith(PREFIX):
        return HubDataset(name, columns)
    return FileSource(TextFile(name, encoding), file_format or _format_of(name), columns)


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
