"""From floats to small integers, exactly as sentence-transformers' ``quantize_embeddings``."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from poolwise.transforms.linear import Doubles


def ranges(x: Doubles) -> Doubles:
    """The smallest and the largest value of each dimension, [2, d]."""
    return np.stack([x.min(axis=0), x.max(axis=0)])


def int8(x: Doubles, limits: Doubles) -> NDArray[np.int8]:
    """Which of 256 equal intervals between the limits [2, d] holds the value, from -128, [n, d].

    Values beyond the limits get the outermost interval. In float32, as the original is.
    """
    low, high = limits.astype(np.float32)
    widths = (high - low) / 255
    widths = np.where(widths == 0, np.float32(1), widths)
    with np.errstate(over="ignore"):
        intervals = np.floor((x.astype(np.float32) - low) / widths)
    return np.asarray(intervals.clip(0, 255) - 128, dtype=np.int8)


def binary(x: Doubles) -> NDArray[np.int8]:
    """One bit a dimension, set above zero; bytes less 128, [n, ceil(d / 8)]."""
    packed = np.packbits(x.astype(np.float32) > 0, axis=1)
    return (packed.astype(np.int16) - 128).astype(np.int8)
