"""tf_model.h5, as transformers wrote it for TensorFlow until its version 5: HDF5 by Keras.

A tensor lies at ``layer/model/bert/encoder/layer_._0/attention/self/query/kernel:0``, or, in a
shard, at the same without its first two levels. Only the process of ``conversion_worker`` reads it.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Mapping
from functools import partial
from math import prod
from pathlib import Path
from typing import Any

from poolwise.encoders.conversion.stored_tensors import PIECE, SIZES, Stored, StoredError
from poolwise.encoders.safetensors_file import MAX_RANK, MAX_TENSORS
from poolwise.errors import needs

_ENDS = {"kernel": "weight", "embeddings": "weight", "gamma": "weight", "beta": "bias"}

MAX_OBJECTS = 4 * MAX_TENSORS
"""Groups and datasets of one file."""

_KINDS = {"f": "F", "i": "I", "u": "U"}


def open_keras(path: Path) -> dict[str, Stored]:
    """The tensors of one file under the names that PyTorch's classes give them; no value of one
    has been read.

    Raises StoredError for a file that holds something else, or is no HDF5.
    """
    with needs("keras", "reading tf_model.h5"):
        import h5py  # noqa: PLC0415

    try:
        with h5py.File(path, "r") as file:
            # Groups of this file: what a link leads to, perhaps in another one, is not looked at.
            own = [name for name in file if type(file.get(name, getlink=True)) is h5py.HardLink]
            layered = {name for name in own if "weight_names" in file[name].attrs}
            return _tensors(_datasets(file, h5py.Dataset), layered, path)
    # HDF5's own errors are of every kind.
    except (OSError, RuntimeError, ValueError, LookupError, TypeError) as error:
        raise StoredError(f"not an HDF5 file that can be read: {str(error)[:200]!a}") from error


def _tensors(datasets: Mapping[str, Any], layered: Container[str], path: Path) -> dict[str, Stored]:
    tensors: dict[str, Stored] = {}
    for at, dataset in datasets.items():
        top, *levels = at.split("/")
        name = torch_name("/".join(levels[1:]) if top in layered else at)
        if not name or name in tensors:
            raise StoredError(f"{at[:100]!a} has no name of its own without its layer")
        tensors[name] = _stored(dataset, at, path)
    if not tensors:
        raise StoredError("it holds no tensors")
    return tensors


def torch_name(keras: str) -> str:
    """A variable's name in PyTorch: its list items, copies and last words are called otherwise."""
    path = re.sub(r"(^|/)[^/]*___([^/]*)/", r"\1\2/", keras.replace(":0", "")).replace("_._", "/")
    *levels, last = path.split("/")
    return ".".join((*levels, _ENDS.get(last, last)))


def _datasets(file: Any, kind: type[Any]) -> dict[str, Any]:
    """Every dataset by its path."""
    found: dict[str, Any] = {}
    seen = 0

    def collect(at: str, item: Any) -> None:
        nonlocal seen
        seen += 1
        if seen > MAX_OBJECTS:
            raise StoredError(f"refused, it has more than {MAX_OBJECTS:,} groups and tensors")
        if isinstance(item, kind):
            found[at] = item

    # Follows neither soft nor external links.
    file.visititems(collect)
    return found


def _stored(item: Any, at: str, path: Path) -> Stored:
    """A dataset whose values lie in this file, one behind the other, as Keras writes them."""
    if item.dtype.kind not in _KINDS or item.external or item.is_virtual or item.shape is None:
        raise StoredError(f"refused, {at[:100]!a} is more than numbers in this file")
    dtype = f"{_KINDS[item.dtype.kind]}{8 * item.dtype.itemsize}"
    if item.dtype.byteorder == ">" or dtype not in SIZES or len(item.shape) > MAX_RANK:
        raise StoredError(f"refused, {at[:100]!a} is of a type or shape that no tensor has")
    fault, stored = "", item.id.get_storage_size()
    if item.chunks is not None:
        fault = "its values are in chunks, perhaps compressed, as Keras never writes them"
    elif stored < item.nbytes:
        fault = f"its {item.nbytes:,} bytes would unfold from {stored:,}"
    # Kernels are transposed: Keras multiplies from the other side.
    kernel = at.removesuffix(":0").endswith("/kernel")
    shape = tuple(map(int, item.shape))[:: -1 if kernel else 1]
    return Stored(dtype, shape, partial(_pieces, path, at, kernel), fault)


def _pieces(path: Path, at: str, kernel: bool) -> Iterator[bytes]:
    import h5py  # noqa: PLC0415

    with h5py.File(path, "r") as file:
        item = file[at]
        if not item.ndim:
            yield item[()].tobytes()
            return
        rows = item.shape[-1 if kernel else 0]
        some = max(1, PIECE * rows // max(1, item.nbytes))
        for row in range(0, rows if prod(item.shape) else 0, some):
            span = slice(row, row + some)
            yield item[..., span].T.tobytes() if kernel else item[span].tobytes()
