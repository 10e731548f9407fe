"""Scores of every readout and baseline as Parquet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

from poolwise.files import atomic_write


def score_table(rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Rows of equal keys as an Arrow table."""
    return pa.Table.from_pylist([dict(row) for row in rows])


def write_scores(table: pa.Table, path: Path) -> None:
    """Write the table as Parquet, whole or not at all. Raises StoreError."""
    with atomic_write(path) as file:
        pq.write_table(table, file)
