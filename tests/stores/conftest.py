"""Batches of vectors, made from a seed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from poolwise.records import Sentence, VectorBatch

MEAN, BITS = "mean@weights(0.1,0.9)|l2", "cls@-1|int8"

MakeBatch = Callable[..., VectorBatch]


@pytest.fixture(scope="session")
def make_batch() -> MakeBatch:
    """``make_batch(n, start=0, width=4, ids=int)``: rows ``start`` … ``start + n``."""

    def make(n: int, start: int = 0, width: int = 4, ids: type = int) -> VectorBatch:
        rng = np.random.default_rng([n, start])
        return VectorBatch(
            sentences=[Sentence(f"text {row}\n“é”", ids(row)) for row in range(start, start + n)],
            vectors={
                MEAN: rng.normal(size=(n, width)).astype(np.float32),
                BITS: rng.integers(-128, 128, (n, 3)).astype(np.int8),
            },
            n_tokens=rng.integers(2, 512, n).astype(np.int32),
            truncated=rng.random(n) < 0.5,
            empty=rng.random(n) < 0.5,
            nonfinite=rng.random(n) < 0.5,
        )

    return make
