"""npy: one readout, one array; its metadata in a JSON file beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy_format

from poolwise.errors import StoreError
from poolwise.files import AtomicFile, leftovers, publish_pair, real_path
from poolwise.records import VectorBatch
from poolwise.stores.sink import Layout


class NpySink:
    """An array [n, d], rows in the order of the texts, and ``NAME.npy.json``.

    The JSON always describes the array beside it. A process killed between the two leaves an array
    that is whole and has no JSON; the next run takes its place.
    """

    def __init__(self, target: Path, layout: Layout, overwrite: bool) -> None:
        if len(layout.readouts) != 1:
            raise StoreError(
                f"found {len(layout.readouts)} readouts for {target}, expected one: an npy file "
                "holds one array; write a .parquet or .safetensors file instead"
            )
        layout.check_vectors_only(target, "an npy")
        self._readout = layout.readouts[0]
        self._rows = 0
        self._width = 0
        self._dtype = np.dtype(np.float32)
        described = target.with_name(f"{target.name}.json")
        if not overwrite and not described.exists():
            _withdraw_half(real_path(target))
        self._output = AtomicFile(target, overwrite)
        try:
            self._sidecar = AtomicFile(described, overwrite)
        except BaseException:
            self._output.discard()
            raise

    def write(self, batch: VectorBatch) -> None:
        vectors = batch.vectors[self._readout]
        if not self._rows:
            self._dtype, self._width = vectors.dtype, vectors.shape[1]
            self._write_header()
        self._rows += len(vectors)
        self._output.file.write(np.ascontiguousarray(vectors).data)

    def commit(self, metadata: Mapping[str, Any]) -> None:
        self._output.file.seek(0)
        self._write_header()
        described = json.dumps(dict(metadata), indent=2, ensure_ascii=False, default=str)
        self._sidecar.file.write(f"{described}\n".encode("utf-8", "backslashreplace"))
        publish_pair(self._output, self._sidecar)

    def discard(self) -> None:
        self._sidecar.discard()
        self._output.discard()

    def _write_header(self) -> None:
        """NumPy pads the header so that it keeps its size whatever the number of rows."""
        header = {
            "descr": npy_format.dtype_to_descr(self._dtype),
            "fortran_order": False,
            "shape": (self._rows, self._width),
        }
        npy_format.write_array_header_1_0(self._output.file, header)


def _withdraw_half(target: Path) -> None:
    """Of a run that was killed before the JSON had its name, the array still has its other one."""
    for left in leftovers(target.parent, target.name):
        if target.is_file() and left.samefile(target):
            target.unlink()
