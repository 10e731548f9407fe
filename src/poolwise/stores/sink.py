"""What a file format must offer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Protocol

from poolwise.records import VectorBatch

PREFIX = "poolwise."
"""Of the keys in a file's own metadata."""


MARKS = ("n_tokens", "truncated", "empty", "nonfinite")
"""What a VectorBatch says about each row; columns and tensors carry the same names."""


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
    return {PREFIX + key: _as_string(value) for key, value in metadata.items()}


def _as_string(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)
