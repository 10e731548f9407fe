"""That no id comes twice among all parts, in bounded memory.

Ids are hashed into temporary files by their hash, so that equal ids meet in one file, which fits in
memory. An int64 id has a hash of its own; texts that share one are compared.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import IO

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
from numpy.typing import NDArray

from poolwise.errors import StoreError
from poolwise.jobs.targets.part_rows import row_groups
from poolwise.jobs.targets.target import PartFile

Hashes = NDArray[np.uint64]
_ROWS_A_FILE = 1 << 21
_MIX = np.uint64(0x9E3779B97F4A7C15)
"""Odd, so that a product with it, modulo 2^64, is one-to-one."""


class IdHashes:
    """Hashes of about ``rows`` ids, as a context; they are added, then read in ``buckets``."""

    def __init__(self, rows: int) -> None:
        self.n_buckets = min(256, 1 + rows // _ROWS_A_FILE)
        self._files: list[IO[bytes]] = []
        self._stack = ExitStack()

    def __enter__(self) -> IdHashes:
        for _ in range(self.n_buckets):
            self._files.append(self._stack.enter_context(tempfile.TemporaryFile()))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def add(self, hashes: Hashes) -> None:
        """Hashes [n] of ``id_hashes``."""
        places = (hashes >> np.uint64(40)) % np.uint64(self.n_buckets)
        for place, file in enumerate(self._files):
            file.write(hashes[places == place].tobytes())

    def buckets(self) -> Iterator[Hashes]:
        """All hashes, each bucket sorted; equal ones lie in one bucket."""
        for file in self._files:
            file.seek(0)
            yield np.sort(np.frombuffer(file.read(), np.uint64))


def id_hashes(ids: pa.Array) -> Hashes:
    """A hash [n] of each id, the same for equal ids in this process."""
    if pa.types.is_integer(ids.type):
        return np.asarray(ids.to_numpy()).astype(np.int64).view(np.uint64) * _MIX
    return np.fromiter(map(hash, ids.to_pylist()), np.int64, len(ids)).view(np.uint64)


def check_ids(parts: Sequence[PartFile]) -> bool:
    """Raise StoreError where an id is null or comes twice, naming it and its parts.

    Gives whether all ids are numbers from 0 on, which an index file takes as they are.
    """
    numbers = True
    with IdHashes(sum(part.rows for part in parts)) as spool:
        for part in parts:
            for batch in row_groups(part, ["id"]):
                ids = batch["id"]
                if ids.null_count:
                    raise StoreError(f"a row in {part.path} has no id; expected one in each row")
                numbers = numbers and _from_zero(ids)
                spool.add(id_hashes(ids))
        for hashes in spool.buckets():
            suspects = np.unique(hashes[1:][hashes[1:] == hashes[:-1]])
            if len(suspects):
                _refuse_duplicates(parts, suspects[:1000])
    return numbers


def _from_zero(ids: pa.Array) -> bool:
    return bool(pa.types.is_integer(ids.type) and np.asarray(ids.to_numpy()).min() >= 0)


def _refuse_duplicates(parts: Sequence[PartFile], suspects: Hashes) -> None:
    seen: dict[object, PartFile] = {}
    for part in parts:
        for batch in row_groups(part, ["id"]):
            # By sorting: the table that NumPy 2.0 may take instead overflows.
            for at in np.flatnonzero(np.isin(id_hashes(batch["id"]), suspects, kind="sort")):
                id_ = batch["id"][int(at)].as_py()
                if id_ in seen:
                    raise StoreError(
                        f"the id {id_!r:.60} comes twice, in {seen[id_].path} and {part.path}; a "
                        "target needs ids that differ: choose another column with --id"
                    )
                seen[id_] = part
