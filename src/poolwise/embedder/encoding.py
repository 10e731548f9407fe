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


def shortened(vectors: NDArray[Any], truncate_dim: int | None) -> NDArray[Any]:
    """The first ``truncate_dim`` dimensions, not normalised again."""
    width = vectors.shape[1]
    refuse(
        truncate_dim is not None and not 0 < truncate_dim <= width, f"{truncate_dim=} of {width}"
    )
    return vectors[:, :truncate_dim]


def normalised(vectors: NDArray[Any]) -> NDArray[Any]:
    """Each row of length 1, float32."""
    refuse(vectors.dtype == np.int8, "normalize_embeddings: the readout's last step gives integers")
    return l2(vectors.astype(np.float64)).astype(np.float32)


def quantised(vectors: NDArray[Any], precision: str) -> NDArray[Any]:
    """As ``quantize_embeddings`` does it; int8 and uint8 over the range of these very vectors."""
    refuse(precision not in _PRECISIONS, f"{precision=}: it is one of {', '.join(_PRECISIONS)}")
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
