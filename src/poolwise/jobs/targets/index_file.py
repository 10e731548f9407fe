"""An index in one file, for FAISS or usearch: of one readout, written whole or not at all.

Beside FILE lies FILE.json: which parts and readout it is of, its metric, its SHA-256, and whether
its numbers are the ids of rows. They are where all ids are integers from 0 on. Otherwise they are
positions, from 0, and line n of FILE.ids is the id of position n as JSON. Rows without a vector, or
with one that is not finite, are left out.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import numpy as np
from numpy.typing import NDArray

from poolwise.errors import StoreError
from poolwise.files import AtomicFile, os_errors_as, publish_pair
from poolwise.jobs.targets.part_rows import VectorColumn, good_vectors, part_schema, row_groups
from poolwise.jobs.targets.target import PartFile, TargetResult
from poolwise.jobs.targets.unique_ids import check_ids
from poolwise.progress import Progress

Keys = NDArray[np.int64]


class VectorIndex(Protocol):
    """An index in memory, of about ``rows`` vectors."""

    kind: str

    def __init__(self, vector: VectorColumn, rows: int) -> None: ...

    def add(self, keys: Keys, vectors: NDArray[Any]) -> None:
        """Vectors [n, width] as they are in the parts, under keys [n] of 0 or more."""

    def save(self, file: BinaryIO) -> None:
        """Write all into an open file, which has a name."""

    @staticmethod
    def wrote(path: Path) -> bool:
        """Whether the file looks like one of these."""


class IndexFileTarget:
    """``file``, an index of the ``readout``, which may be None where the parts have one.

    The index is built in memory, which has to hold all its vectors; the parts are read a row group
    at a time.
    """

    def __init__(self, file: Path, readout: str | None, index: type[VectorIndex]) -> None:
        self._file, self._readout, self._index = file, readout, index

    def load(self, parts: Sequence[PartFile], progress: Progress) -> TargetResult:
        began = time.monotonic()
        vector = part_schema(parts).vector(self._readout)
        total = sum(part.rows for part in parts)
        about = {
            "kind": self._index.kind,
            "readout": vector.spec,
            "dtype": vector.dtype,
            "dimensions": vector.dimensions,
            "metric": "hamming" if vector.dtype == "binary" else "cosine",
            "parts": {part.name: part.sha256 for part in parts},
        }
        with os_errors_as(self._file):
            old = self._read_about()
            if self._current(old, about):
                progress.advance(total)
                rows, added, deleted = int(old["rows"]), 0, 0
            else:
                self._check_file()
                rows = added = self._write(parts, vector, about, progress)
                deleted = int(old.get("rows", 0))
        notes = (f"rows without a vector, left out: {total - rows:,}",) if rows < total else ()
        return TargetResult(rows, added, 0, deleted, time.monotonic() - began, notes)

    def _write(
        self,
        parts: Sequence[PartFile],
        vector: VectorColumn,
        about: dict[str, Any],
        progress: Progress,
    ) -> int:
        ids_are_keys = check_ids(parts)
        index = self._index(vector, sum(part.rows for part in parts))
        with ExitStack() as stack:

            def opened(path: Path) -> AtomicFile:
                file = AtomicFile(path, overwrite=True)
                stack.callback(file.discard)
                return file

            content, description = opened(self._file), opened(self._beside(".json"))
            ids = None if ids_are_keys else opened(self._beside(".ids"))
            rows = 0
            for keys, vectors, names in _vectors(parts, vector, ids_are_keys, progress):
                index.add(keys, vectors)
                rows += len(keys)
                if ids is not None:
                    ids.file.writelines(f"{json.dumps(name)}\n".encode() for name in names)
            index.save(content.file)
            about |= {"rows": rows, "numbers": "ids" if ids_are_keys else "positions"}
            about["sha256"] = {"index": _sha256_of(content)}
            if ids is not None:
                about["sha256"]["ids"] = _sha256_of(ids)
            description.file.write(json.dumps(about, indent=2).encode() + b"\n")
            publish_pair(content, *([] if ids is None else [ids]), description)
        if ids is None:
            self._beside(".ids").unlink(missing_ok=True)
        return rows

    def _current(self, old: dict[str, Any], about: dict[str, Any]) -> bool:
        """Whether the files are of these parts, and as they were written."""
        if any(old.get(key) != value for key, value in about.items()):
            return False
        hashes = old.get("sha256", {})
        files = {"index": self._file, "ids": self._beside(".ids")}
        return "index" in hashes and all(
            name in files and files[name].is_file() and _sha256(files[name]) == wanted
            for name, wanted in hashes.items()
        )

    def _read_about(self) -> dict[str, Any]:
        """What FILE.json says; nothing where it is absent, or is not ours."""
        try:
            about = json.loads(self._beside(".json").read_bytes())
        except (FileNotFoundError, ValueError):
            return {}
        return about if isinstance(about, dict) else {}

    def _check_file(self) -> None:
        if self._file.is_file() and not self._index.wrote(self._file):
            raise StoreError(
                f"{self._file} is there and is no index of {self._index.kind}; choose another name"
            )

    def _beside(self, ending: str) -> Path:
        return self._file.with_name(self._file.name + ending)


def _vectors(
    parts: Sequence[PartFile], vector: VectorColumn, ids_are_keys: bool, progress: Progress
) -> Iterator[tuple[Keys, NDArray[Any], list[object]]]:
    """Keys [m], vectors [m, width], and the ids where they are not the keys."""
    count = 0
    for part in parts:
        for batch in row_groups(part, ["id", vector.name]):
            vectors, good = good_vectors(batch[vector.name], vector)
            ids = batch["id"].filter(good)
            if ids_are_keys:
                yield np.asarray(ids.to_numpy(), np.int64), vectors, []
            else:
                yield np.arange(count, count + len(ids)), vectors, ids.to_pylist()
            count += len(ids)
            progress.advance(len(batch))


def _sha256_of(output: AtomicFile) -> str:
    output.file.flush()
    return _sha256(Path(output.file.name))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
