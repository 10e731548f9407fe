"""What protocols make of vectors: fewer dimensions, length one, base64, JSON in pieces."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterable
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from poolwise.serving.errors import InvalidRequestError
from poolwise.transforms.linear import l2


def shortened(
    vectors: NDArray[Any], dimensions: int | None, *, param: str = "dimensions"
) -> NDArray[Any]:
    """The first ``dimensions`` of vectors [n, d]. Raises InvalidRequestError beyond 1 to d."""
    if dimensions is None:
        return vectors
    width = vectors.shape[1]
    if not 1 <= dimensions <= width:
        raise InvalidRequestError(
            f"{param} is {dimensions}; these vectors have from 1 to {width}", param=param
        )
    return vectors[:, :dimensions]


def normalised(vectors: NDArray[Any]) -> NDArray[Any]:
    """Each row of Euclidean length 1, float32; integers, which no length suits, as they are.

    Rows that have it already, as after the step l2, keep their bits.
    """
    if vectors.dtype != np.float32:
        return vectors
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=1)
    has_it = (np.abs(lengths - 1) < 1e-6)[:, None]  # by rows: whatever stands beside them
    return np.where(has_it, vectors, l2(vectors.astype(np.float64)).astype(np.float32))


def as_base64(vectors: NDArray[Any]) -> str:
    """Little-endian float32, row after row."""
    return base64.b64encode(np.ascontiguousarray(vectors, "<f4").tobytes()).decode()


async def json_fragments(arrays: Iterable[NDArray[Any]]) -> list[orjson.Fragment]:
    """Each array as JSON; other requests have their turn in between, as a text's tokens are many
    numbers."""
    fragments = []
    for array in arrays:
        content = orjson.dumps(np.ascontiguousarray(array), option=orjson.OPT_SERIALIZE_NUMPY)
        fragments.append(orjson.Fragment(content))
        await asyncio.sleep(0)
    return fragments
