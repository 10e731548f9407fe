"""The protocol of a file format, and what is written to it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from poolwise.errors import StoreError, listed
from poolwise.json_values import unicode
from poolwise.records import ROW_FLAGS, VectorBatch

PREFIX = "poolwise."
"""Of the keys in a file's own metadata."""


ROW_COLUMNS = ("n_tokens", *ROW_FLAGS)
"""What a VectorBatch says about each row; columns and tensors carry the same names."""

_OWN_COLUMNS = ("id", "text", *ROW_COLUMNS)

_SQL_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Layout:
    """What is written of each row: vectors, the text if ``with_text``, and ``Sentence.extra``
    in ``extra_columns``, by name their Arrow types.

    ``column_names`` are those of readouts whose columns are not called as they are, by readout.
    Raises StoreError where one would need quotes in SQL, and where two columns have one name.
    """

    readouts: Sequence[str]
    with_text: bool = False
    extra_columns: Mapping[str, Any] = field(default_factory=dict)
    column_names: Mapping[str, str] = field(default_factory=dict)

    def column_of(self, readout: str) -> str:
        """What the column of a readout is called."""
        return self.column_names.get(readout, readout)

    def __post_init__(self) -> None:
        self._check_column_names()
        for name in self.extra_columns:
            if unicode(name) != name:
                raise StoreError(
                    f"the column {name!r} cannot be kept under that name, which has half of a "
                    "surrogate pair; rename it"
                )
        own = {*_OWN_COLUMNS, *map(self.column_of, self.readouts)}
        if clashes := sorted(own & self.extra_columns.keys()):
            raise StoreError(
                f"the column {clashes[0]!r} cannot be kept under that name, which the output has "
                f"for its own; rename it ({listed(sorted(own))} are taken)"
            )

    def _check_column_names(self) -> None:
        taken = {name.casefold() for name in _OWN_COLUMNS}  # SQL does not tell cases apart
        for readout, name in self.column_names.items():
            if not (isinstance(name, str) and _SQL_NAME.fullmatch(name)):
                raise StoreError(
                    f"found the column name {name!r:.60} for {readout}, expected letters, digits "
                    "and _, which SQL takes without quotes: embedding"
                )
            if name.casefold() in taken:
                raise StoreError(
                    f"the column of {readout} cannot be called {name!r}: another one is; choose "
                    "another name"
                )
            taken.add(name.casefold())

    def check_vectors_only(self, target: Path, form: str) -> None:
        """Raise StoreError where more than vectors is asked of a format that holds nothing else."""
        if self.with_text or self.extra_columns:
            content = (
                "texts" if self.with_text else f"columns such as {next(iter(self.extra_columns))!r}"
            )
            raise StoreError(
                f"{form} file holds no {content}: {target}; write a .parquet file instead"
            )


class Sink(Protocol):
    """Rows into one file. All batches have the same vectors, with the same widths and types."""

    def write(self, batch: VectorBatch) -> None:
        """Take at least one row."""

    def commit(self, metadata: Mapping[str, Any]) -> None:
        """Put the file under its name."""

    def discard(self) -> None:
        """Leave nothing, whatever has happened before."""


def as_strings(metadata: Mapping[str, Any]) -> dict[str, str]:
    """For formats whose metadata is text: prefixed keys, values as JSON unless they are text."""
    return {PREFIX + unicode(key): _as_string(value) for key, value in metadata.items()}


def _as_string(value: object) -> str:
    return unicode(value) if isinstance(value, str) else json.dumps(value, default=str)
