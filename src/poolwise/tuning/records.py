"""What is tried, and what came of it: plain data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Recipe:
    """How every training of a comparison goes; the same for all readouts.

    ``rates`` are the peak learning rates to choose from, on dev; the head's is ``head`` times as
    high. A training lasts ``epochs``, each as many passes over its rows as it takes to make about
    ``steps`` steps of ``batch`` texts in all of them: one, unless rows are few. It ends earlier
    when dev has not improved for ``patience`` epochs. ``reinitialise`` draws the
    last so many blocks anew (Zhang et al. 2021).
    """

    epochs: int = 3
    batch: int = 16
    rates: Sequence[float] = (1e-4, 3e-4)
    head: float = 10.0
    steps: int = 150
    patience: int = 2
    warmup: float = 0.1
    decay: float = 0.01
    reinitialise: int = 0


@dataclass(frozen=True, slots=True)
class Setting:
    """One training: ``readout`` as asked, on ``n`` rows drawn by ``seed``, at ``rate``.

    ``tried``: only the first third of its steps, to see on dev what the rate promises.
    """

    readout: str
    n: int
    seed: int
    rate: float
    tried: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """``dev``: the score of the best epoch, on dev. ``scores`` [m]: each row of test on its own.

    ``final`` is the readout with what it has learned (``cls@weights(…)``), ``epoch`` the best one
    of ``epochs``. ``scores`` is empty where a rate was only tried.
    """

    setting: Setting
    dev: float
    scores: Scores
    final: str
    epoch: int
    epochs: int
    seconds: float


@dataclass(frozen=True, slots=True, eq=False)
class Frozen:
    """A linear probe on the frozen vectors of the readout where training began: the control."""

    readout: str
    n: int
    seed: int
    scores: Scores


@dataclass(frozen=True, slots=True, eq=False)
class Runs:
    """All trainings of a comparison.

    ``trials``: each readout, size and seed at the rate chosen for it. ``tried``: the rates tried
    before, a part of a training each. ``checkpoints``: of each readout as asked, the folder of its
    trial of the most rows that was best on dev.
    """

    trials: Sequence[Trial]
    tried: Sequence[Trial]
    frozen: Sequence[Frozen]
    checkpoints: Mapping[str, Path]
