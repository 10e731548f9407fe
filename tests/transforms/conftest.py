from __future__ import annotations

import numpy as np
import pytest

from poolwise.records import Floats


@pytest.fixture
def vectors() -> tuple[Floats, Floats]:
    """Vectors to fit on [400, 24] and held out [50, 24], correlated, off centre, as encoders'."""
    rng = np.random.default_rng(0)
    mixing = rng.normal(size=(24, 24)) * np.geomspace(5, 0.05, 24)[:, None]
    x = rng.normal(size=(450, 24)) @ mixing + rng.normal(size=24) * 3
    x = x.astype(np.float32)
    return x[:400], x[400:]
