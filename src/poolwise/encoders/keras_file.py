"""tf_model.h5, as transformers wrote it for TensorFlow until its version 5: HDF5 by Keras.

A tensor lies at ``layer/model/bert/encoder/layer_._0/attention/self/query/kernel:0``, or, in a
shard, at the same without its first two levels. Only the process of ``conversion_worker`` reads it.
"""

from __future__ import annotations

import os
import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poolwise.errors import needs

Array = NDArray[np.generic]

_ENDS = {"kernel": "weight", "embeddings": "weight", "gamma": "weight", "beta": "bias"}

MAX_RATIO = 8
"""Bytes that a byte of the file may unfold to."""


def read_keras(path: str) -> dict[str, Array]:
    """The tensors of one file under the names that PyTorch's classes give them.

    Raises ValueError for a file that holds something else, OSError for one that is no HDF5.
    """
    with needs("keras", "reading tf_model.h5"):
        import h5py  # noqa: PLC0415

    tensors: dict[str, Array] = {}
    with h5py.File(path, "r") as file:
        datasets: dict[str, Any] = {}
        # Follows neither soft nor external links.
        file.visititems(lambda at, item: _collect(datasets, at, item, h5py.Dataset))
        _check_size(datasets, path)
        layered = {name for name, item in file.items() if "weight_names" in item.attrs}
        for at, dataset in datasets.items():
            top, *levels = at.split("/")
            name = torch_name("/".join(levels[1:]) if top in layered else at)
            if not name or name in tensors:
                raise ValueError(f"{at!r} has no name of its own without its layer")
            tensors[name] = _as_torch(dataset[()], at)
    if not tensors:
        raise ValueError("it holds no tensors")
    return tensors


def torch_name(keras: str) -> str:
    """A variable's name in PyTorch: its list items, copies and last words are called otherwise."""
    path = re.sub(r"(^|/)[^/]*___([^/]*)/", r"\1\2/", keras.replace(":0", "")).replace("_._", "/")
    *levels, last = path.split("/")
    return ".".join((*levels, _ENDS.get(last, last)))


def _as_torch(array: Array, at: str) -> Array:
    """Kernels are transposed: Keras multiplies from the other side."""
    kernel = at.removesuffix(":0").endswith("/kernel")
    return np.ascontiguousarray(array.T if kernel else array)


def _collect(datasets: dict[str, Any], at: str, item: Any, kind: type[Any]) -> None:
    if not isinstance(item, kind):
        return
    if item.dtype.kind not in "fiu" or item.external or item.is_virtual:
        raise ValueError(f"refused, {at[:100]!r} is more than numbers in this file")
    datasets[at] = item


def _check_size(datasets: dict[str, Any], path: str) -> None:
    size, unfolded = os.path.getsize(path), sum(int(item.nbytes) for item in datasets.values())  # noqa: PTH202
    if unfolded > MAX_RATIO * size:
        raise ValueError(f"refused, its {size:,} bytes would unfold to {unfolded:,}")
