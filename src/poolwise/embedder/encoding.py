"""The options of sentence-transformers' ``encode``, applied to vectors [n, d]."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from poolwise.errors import PoolwiseError, needs
from poolwise.inputs import CHOICES
from poolwise.transforms.linear import l2
from poolwise.transforms.quantization import binary, int8, ranges

NUMBER_TYPES = ("float32", "int8", "uint8", "binary", "ubinary")
"""The ``precision`` of ``encode``."""


class NotOfferedError(PoolwiseError, ValueError):
    """An option or value of sentence-transformers that poolwise does not offer."""


def refuse(condition: bool, message: str) -> None:
    """Raise NotOfferedError if ``condition`` holds."""
    if condition:
        raise NotOfferedError(f"not offered: {message}")


def number_type_hint(precision: object) -> str:
    """Where to ask for a number type, if ``precision`` is one in place of an arithmetic."""
    if not (isinstance(precision, str) and precision in NUMBER_TYPES):
        return ""
    return f", the arithmetic; for vectors of this number type: encode(…, {precision=})"


def arithmetic_hint(precision: object) -> str:
    """Where to ask for an arithmetic, if ``precision`` is one in place of a number type."""
    if not (isinstance(precision, str) and precision in CHOICES["precision"]):
        return ""
    return f", the number type; for this arithmetic: Embedder(…, {precision=})"


def vectors_of(vectors: Any, name: str) -> NDArray[Any]:
    """A caller's vectors as an array [n, d]; one vector is n = 1."""
    try:
        array = np.atleast_2d(np.asarray(vectors))
        numbers = array.ndim == 2 and np.issubdtype(array.dtype, np.number)
    except (TypeError, ValueError):  # rows of several lengths
        numbers = False
    refuse(not numbers, f"{name} is {vectors!r:.60}: vectors [n, d] or one [d] can be compared")
    return array


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
    """As ``quantize_embeddings`` does it; int8 and uint8 over the range of these vectors."""
    known = isinstance(precision, str) and precision in NUMBER_TYPES
    hint = "" if known else arithmetic_hint(precision)
    refuse(not known, f"{precision=!r:.60}: it is one of {', '.join(NUMBER_TYPES)}{hint}")
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
