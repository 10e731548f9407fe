"""What sentence-transformers' ``encode`` may be asked to make of vectors [n, d]."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from poolwise.errors import PoolwiseError, needs
from poolwise.transforms.linear import l2
from poolwise.transforms.quantization import binary, int8, ranges

_PRECISIONS = ("float32", "int8", "uint8", "binary", "ubinary")


class NotOfferedError(PoolwiseError, ValueError):
    """An embedder was asked for what poolwise does not give."""


def refuse(asked: bool, message: str) -> None:
    """Raise NotOfferedError if it was ``asked``."""
    if asked:
        raise NotOfferedError(f"not offered: {message}")


def vectors_of(given: Any, name: str) -> NDArray[Any]:
    """What a caller gives as vectors, [n, d]; one vector is n = 1."""
    try:
        found = np.atleast_2d(np.asarray(given))
        numbers = found.ndim == 2 and np.issubdtype(found.dtype, np.number)
    except (TypeError, ValueError):  # rows of several lengths
        numbers = False
    refuse(not numbers, f"{name} is {given!r:.60}: vectors [n, d] or one [d] can be compared")
    return found


def shortened(vectors: NDArray[Any], truncate_dim: int | None) -> NDArray[Any]:
    """The first ``truncate_dim`` dimensions, not normalised again."""
    width = vectors.shape[1]
    fits = isinstance(truncate_dim, int | np.integer | None) and 0 < (truncate_dim or 1) <= width
    refuse(not fits or truncate_dim == 0, f"truncate_dim={truncate_dim!r:.60} of {width}")
    return vectors[:, :truncate_dim]


def normalised(vectors: NDArray[Any]) -> NDArray[Any]:
    """Each row of length 1, float32."""
    refuse(vectors.dtype == np.int8, "normalize_embeddings: the readout's last step gives integers")
    return l2(vectors.astype(np.float64)).astype(np.float32)


def quantised(vectors: NDArray[Any], precision: str) -> NDArray[Any]:
    """As ``quantize_embeddings`` does it; int8 and uint8 over the range of these very vectors."""
    known = isinstance(precision, str) and precision in _PRECISIONS
    refuse(not known, f"{precision=!r:.60}: it is one of {', '.join(_PRECISIONS)}")
    if precision == "float32":
        return vectors
    refuse(vectors.dtype == np.int8, f"{precision=}: the readout's last step gives integers")
    x = vectors.astype(np.float64)
    if precision.endswith("int8"):
        signed = int8(x, ranges(x) if len(x) else np.zeros((2, x.shape[1])))
    else:
        signed = binary(x)
    return (signed.astype(np.int16) + 128).astype(np.uint8) if precision[0] == "u" else signed


def tensor(vectors: NDArray[Any]) -> Any:
    """The same values as a torch tensor. Raises MissingExtraError."""
    with needs("torch", "encode to tensors"):
        import torch  # noqa: PLC0415 - takes seconds

    return torch.from_numpy(vectors)
