"""The protocol of a file format, and what is written to it."""

from __future__ import annotations

import json
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


@dataclass(frozen=True, slots=True)
class Layout:
    """What is written of each row: vectors, the text if ``with_text``, and ``Sentence.extra``
    in ``extra_columns``, by name their Arrow types.

    Raises StoreError where a column that is kept has another's name.
    """

    readouts: Sequence[str]
    with_text: bool = False
    extra_columns: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in self.extra_columns:
            if unicode(name) != name:
                raise StoreError(
                    f"the column {name!r} cannot be kept under that name, which has half of a "
                    "surrogate pair; rename it"
                )
        own = {"id", "text", *ROW_COLUMNS, *self.readouts}
        if clashes := sorted(own & self.extra_columns.keys()):
            raise StoreError(
                f"the column {clashes[0]!r} cannot be kept under that name, which the output has "
                f"for its own; rename it ({listed(sorted(own))} are taken)"
            )

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
