"""A part, read from its first byte to its last."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
from numpy.typing import NDArray

from poolwise.jobs.column_types import types_in_file
from poolwise.jobs.part_maker import id_lines
from poolwise.jobs.plan import Part, Plan
from poolwise.jobs.sidecar import METADATA, PartFacts
from poolwise.jobs.verification.rejected_list import RejectedRows
from poolwise.jobs.verification.repeated_ids import id_keys
from poolwise.jobs.verification.rows import RowFaults, Rows
from poolwise.records import ROW_FLAGS
from poolwise.stores.sink import PREFIX

_BATCH = 1 << 23
"""Bytes of vectors, some, that are decoded at once."""

_DECODING = (pa.ArrowException, OSError, ValueError, OverflowError)


@dataclass(slots=True)
class PartReading:
    """What a part's file holds.

    ``bytes`` and ``sha256`` of the file, what its footer says (``metadata``, ``facts`` of the part
    in it, None where there are none, and the columns' ``types``), and what its rows say: their
    number, ``ids_sha256``, how many have each of ``flags``, those that are ``rejected``, ``wrong``
    ones, and ``keys`` of their ids (see ``id_keys``). ``unreadable`` says why there are no more.
    """

    bytes: int = 0
    sha256: str = ""
    unreadable: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    facts: PartFacts | None = None
    types: Mapping[str, str] = field(default_factory=dict)
    rows: int = 0
    ids_sha256: str = ""
    flags: Counter[str] = field(default_factory=Counter)
    rejected: RejectedRows = field(default_factory=RejectedRows)
    wrong: RowFaults = field(default_factory=RowFaults)
    keys: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))


def read_part(path: Path, part: Part, plan: Plan, listed: RejectedRows) -> PartReading:
    """Read a part; ``listed`` are its rejected rows.

    Memory depends on the rows of a part by some bytes for each, and not on its vectors.
    """
    reading = PartReading()
    try:
        with path.open("rb") as file:
            reading.sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            reading.bytes = file.tell()
        with pq.ParquetFile(path, page_checksum_verification=True) as parquet:
            _read_footer(parquet, reading)
            if reading.types == plan.request["columns"]:
                _read_rows(parquet, reading, part, plan, listed)
            else:
                reading.rows = parquet.metadata.num_rows
    except _DECODING as error:
        reading.unreadable = f"no Parquet file that can be read ({str(error).splitlines()[0]:.200})"
    return reading


def _read_footer(parquet: pq.ParquetFile, reading: PartReading) -> None:
    footer = parquet.metadata.metadata or {}
    reading.metadata = {
        key.decode(errors="replace").removeprefix(PREFIX): value.decode(errors="replace")
        for key, value in footer.items()
    }
    reading.types = types_in_file(parquet.schema_arrow)
    try:
        reading.facts = PartFacts(**json.loads(reading.metadata[METADATA]))
    except (KeyError, TypeError, ValueError):
        reading.facts = None


def _read_rows(
    parquet: pq.ParquetFile, reading: PartReading, part: Part, plan: Plan, listed: RejectedRows
) -> None:
    vectors = list(plan.request["readouts"])
    has_ids = plan.fingerprint["id_column"] is not None
    policy = plan.fingerprint["on_bad_row"]
    numbers = None if has_ids else _numbers(part, listed if policy == "skip" else None)
    ids = hashlib.sha256()
    keys = []
    for batch in _batches(parquet, vectors, reading):
        first = reading.rows
        expected = None if numbers is None else numbers[first : first + batch.num_rows]
        rows = Rows(batch, vectors, expected, policy == "null")
        reading.rows += len(rows)
        reading.wrong.check(rows, first)
        ids.update(id_lines(batch["id"]))
        for flag in ROW_FLAGS:
            reading.flags[flag] += pc.sum(batch[flag]).as_py() or 0
        bad = batch.filter(batch["problem"].is_valid())
        for name, problem in zip(bad["id"].to_pylist(), bad["problem"].to_pylist(), strict=True):
            reading.rejected.add(name, problem)
        if has_ids:
            keys.append(id_keys(batch["id"]))
    reading.ids_sha256 = ids.hexdigest()
    if keys:
        reading.keys = np.concatenate(keys)


def _numbers(part: Part, left_out: RejectedRows | None) -> NDArray[np.int64]:
    """The numbers of the rows that are to be in the part, int64 [n]."""
    numbers = np.arange(part.first_row, part.first_row + part.rows, dtype=np.int64)
    if left_out is None:
        return numbers
    gone = [number for number in left_out.ids if type(number) is int and abs(number) < 1 << 62]
    return numbers[~np.isin(numbers, np.array(gone, np.int64))]


def _batches(
    parquet: pq.ParquetFile, vectors: list[str], reading: PartReading
) -> Iterator[pa.RecordBatch]:
    """All rows, until a column chunk cannot be decoded: ``reading.unreadable`` then says which."""
    schema = parquet.schema_arrow
    row_bytes = sum(
        schema.field(name).type.list_size * schema.field(name).type.value_type.bit_width // 8
        for name in vectors
    )
    size = max(_BATCH // max(row_bytes, 1), 16)
    for group in range(parquet.num_row_groups):
        try:
            yield from parquet.iter_batches(size, row_groups=[group], use_threads=False)
        except _DECODING as error:
            column = _broken_column(parquet, group)
            reading.unreadable = (
                f"{column} of row group {group} that cannot be decoded "
                f"({str(error).splitlines()[0]:.200})"
            )
            return


def _broken_column(parquet: pq.ParquetFile, group: int) -> str:
    for name in parquet.schema_arrow.names:
        try:
            for _ in parquet.iter_batches(1024, [group], [name], use_threads=False):
                pass
        except _DECODING:
            return f"the column {name}"
    return "columns"
