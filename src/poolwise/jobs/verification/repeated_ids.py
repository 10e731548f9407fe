"""Ids that several rows of a job have: a part is not wrong for them, and who searches by id must
know."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
from numpy.typing import NDArray

from poolwise.errors import StoreError
from poolwise.jobs.folder import JobFolder
from poolwise.jobs.part_table import text_hash

MAX_IDS = 50_000_000
"""Ids that are compared; each takes 8 bytes, twice."""

_TRIED = 3
"""Equal keys whose ids are looked at: 64 bits of a hash are the same for other ids once in 10^4
jobs of so many rows."""


def id_keys(ids: pa.Array) -> NDArray[np.int64]:
    """For each id that is not null a number, int64 [n]: itself, or the hash of a text."""
    ids = ids.drop_null()
    if pa.types.is_integer(ids.type):
        return np.asarray(ids.to_numpy(zero_copy_only=False), np.int64)
    return np.fromiter(map(text_hash, ids.to_pylist()), np.int64, len(ids))


@dataclass(slots=True)
class RepeatedIds:
    """Gathers the keys of the parts that are read, at most ``MAX_IDS``."""

    parts: list[int] = field(default_factory=list)
    _keys: list[NDArray[np.int64]] = field(default_factory=list)
    _count: int = 0

    def add(self, part: int, keys: NDArray[np.int64]) -> None:
        self._count += len(keys)
        if self._count > MAX_IDS:
            self._keys.clear()
            return
        self.parts.append(part)
        self._keys.append(keys)

    def note(self, folder: JobFolder) -> str:
        """What is to be said of them, with an example; empty if every row has an id of its own."""
        if self._count > MAX_IDS:
            return (
                f"ids were not compared with each other: there are {self._count:,}, and memory is "
                f"used for {MAX_IDS:,}"
            )
        if not self._count:
            return ""
        keys = np.sort(np.concatenate(self._keys))
        repeated = np.unique(keys[1:][keys[1:] == keys[:-1]])
        for key in repeated[:_TRIED]:
            places: dict[int | str, str] = {}
            for name, place in self._places(folder, int(key)):
                if name in places:
                    ids = "1 id is" if len(repeated) == 1 else f"{len(repeated):,} ids are"
                    return (
                        f"{ids} that of several rows, as in the input: {name!r:.60} is in "
                        f"{places[name]} and in {place}"
                    )
                places[name] = place
        return ""

    def _places(self, folder: JobFolder, key: int) -> Iterator[tuple[int | str, str]]:
        """Ids with this key, and where each is."""
        for part in sorted(self.parts):
            path, row = folder.part(part), 0
            try:
                with pq.ParquetFile(path) as parquet:
                    for batch in parquet.iter_batches(1 << 16, columns=["id"], use_threads=False):
                        for at in self._rows(batch["id"], key):
                            yield (
                                batch["id"][at].as_py(),
                                f"{path.name} row {row + at:,}",
                            )
                        row += batch.num_rows
            except (pa.ArrowException, OSError) as error:
                raise StoreError(f"{path} cannot be read: {error}") from error

    def _rows(self, ids: pa.Array, key: int) -> list[int]:
        present = np.flatnonzero(ids.is_valid().to_numpy(zero_copy_only=False))
        rows: list[int] = present[id_keys(ids) == key].tolist()
        return rows
