"""safetensors: a tensor a readout, beside the row flags."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from poolwise.errors import StoreError
from poolwise.files import AtomicFile, real_path
from poolwise.records import VectorBatch
from poolwise.stores.sink import ROW_COLUMNS, Layout, as_strings

_DTYPES = {"int64": "I64", "float32": "F32", "int32": "I32", "int8": "I8", "bool": "BOOL"}
_ALIGNMENT = 8
_CHUNK = 1 << 20


class SafetensorsSink:
    """Tensors [n, d] named as their columns; ``n_tokens``, ``truncated``, ``empty``,
    ``nonfinite`` and ``id`` (where ids are integers) [n].

    The format puts sizes first and each tensor in one piece, and the number of rows is known
    last: each tensor is spooled to an unnamed file in the target's folder.
    """

    def __init__(self, target: Path, layout: Layout, overwrite: bool) -> None:
        layout.check_vectors_only(target, "a safetensors")
        self._layout = layout
        self._output = AtomicFile(target, overwrite)
        self._folder = real_path(target).parent
        self._spools: dict[str, _Spool] = {}

    def write(self, batch: VectorBatch) -> None:
        arrays = {
            self._layout.column_of(name): batch.vectors[name] for name in self._layout.readouts
        }
        arrays |= {name: getattr(batch, name) for name in ROW_COLUMNS}
        arrays |= _integer_ids(batch)
        if not self._spools:
            for name, array in arrays.items():
                self._spools[name] = _Spool(array, self._folder)
        if arrays.keys() != self._spools.keys():
            raise StoreError("some ids are integers and some are texts; they must be all alike")
        for name, array in arrays.items():
            self._spools[name].append(array)

    def commit(self, metadata: Mapping[str, Any]) -> None:
        # Widest type first, as the reference library writes: every tensor is then aligned.
        spools = sorted(self._spools.items(), key=lambda item: (-item[1].dtype.itemsize, item[0]))
        output = self._output.file
        output.write(_header(dict(spools), as_strings(metadata)))
        for _, spool in spools:
            spool.move_to(output)
        self._output.commit()

    def discard(self) -> None:
        for spool in self._spools.values():
            spool.close()
        self._output.discard()


class _Spool:
    """The rows of one tensor so far."""

    def __init__(self, like: NDArray[Any], folder: Path) -> None:
        self.dtype = like.dtype
        self.width = like.shape[1:]
        self.rows = 0
        self._file: IO[bytes] = TemporaryFile(dir=folder)  # noqa: SIM115

    @property
    def shape(self) -> list[int]:
        return [self.rows, *self.width]

    @property
    def size(self) -> int:
        return int(np.prod(self.shape)) * self.dtype.itemsize

    def append(self, array: NDArray[Any]) -> None:
        self.rows += len(array)
        self._file.write(np.ascontiguousarray(array).data)

    def move_to(self, output: IO[bytes]) -> None:
        self._file.seek(0)
        shutil.copyfileobj(self._file, output, _CHUNK)
        self._file.close()

    def close(self) -> None:
        with suppress(OSError):  # closing flushes, and the disk may be full
            self._file.close()


def _header(spools: Mapping[str, _Spool], metadata: Mapping[str, str]) -> bytes:
    header: dict[str, Any] = {"__metadata__": metadata}
    end = 0
    for name, spool in spools.items():
        start, end = end, end + spool.size
        dtype = _DTYPES[spool.dtype.name]
        header[name] = {"dtype": dtype, "shape": spool.shape, "data_offsets": [start, end]}
    encoded = json.dumps(header, ensure_ascii=False).encode()
    encoded += b" " * (-len(encoded) % _ALIGNMENT)
    return len(encoded).to_bytes(8, "little") + encoded


def _integer_ids(batch: VectorBatch) -> dict[str, NDArray[np.int64]]:
    ids = [row.id for row in batch.sentences]
    if any(isinstance(name, str) for name in ids):
        return {}
    try:
        return {"id": np.array(ids, np.int64)}
    except OverflowError:
        raise StoreError(
            "an id does not fit 64 bits; write a .parquet file with text ids"
        ) from None
