"""Arrays of another type, layout or length than a good one."""

from __future__ import annotations

import random

import numpy as np

SIZES = [-1, 0, 2**31 - 1, 2**31, -(2**31), 2**62, 2**70, 1.5, "1", None, [1], np.zeros(2)]
"""Values that are no size."""


def wrong_array(rng: random.Random, array: np.ndarray, axes: tuple[int, ...] = ()):
    """An array of another type, layout or, along ``axes``, length; or a value that is no array."""
    axis = rng.choice(axes or range(array.ndim))
    longer = np.concatenate([array, array.take([0], axis)], axis)
    dtypes = ["f8", "f2", "i8", "u4", "i2", "?", "c8", "O", "S4", array.dtype.newbyteorder()]
    strided = [slice(None)] * array.ndim
    strided[axis] = slice(None, None, 2)
    values = [
        *(array.astype(dtype) for dtype in dtypes),
        longer,
        longer.repeat(1000, axis),
        np.delete(array, 0, axis),
        array.take([], axis),
        array[None],
        array.sum(),
        np.concatenate([array, array], axis)[tuple(strided)],
        np.broadcast_to(array.flat[0], (2**20,) * array.ndim),
        memoryview(array.tobytes()),
        array.tolist(),
        object(),
        "array",
        {},
        7,
    ]
    if array.shape[0] > 1:
        values.append(np.flip(array, 0))
    if array.ndim == 2:
        values += [np.asfortranarray(array), array.T, array.ravel()]
    return rng.choice(values)


def with_value(rng: random.Random, array: np.ndarray, values: list[int]) -> np.ndarray:
    changed = array.copy()
    changed[rng.randrange(len(changed))] = rng.choice(values)
    return changed


def unaligned(array: np.ndarray) -> np.ndarray:
    return np.frombuffer(b"x" + array.tobytes(), array.dtype, offset=1).reshape(array.shape)
