"""A comparison's trainings and their results, as plain data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class TrainingOptions:
    """The hyperparameters of every training of a comparison, the same for all readouts.

    ``rates`` are the peak learning rates of the encoder to choose from, on dev; that of the head is
    ``head_factor`` times as high. A training lasts ``epochs``; an epoch passes over its rows as
    often as it takes to make about ``steps`` steps of ``batch_size`` texts in all epochs: once,
    unless rows are few. It stops early when dev has not improved for ``patience`` epochs.
    ``warmup`` is a share of the steps. ``reinit``: the last so many blocks start from new weights
    (Zhang et al. 2021).
    """

    epochs: int = 3
    batch_size: int = 16
    rates: Sequence[float] = (1e-4, 3e-4)
    head_factor: float = 10.0
    steps: int = 150
    patience: int = 2
    warmup: float = 0.1
    weight_decay: float = 0.01
    reinit: int = 0

    def to_json(self) -> dict[str, Any]:
        """Under the keys of run files, checkpoints and findings."""
        return {
            "epochs": self.epochs,
            "batch": self.batch_size,
            "rates": self.rates,
            "head": self.head_factor,
            "steps": self.steps,
            "patience": self.patience,
            "warmup": self.warmup,
            "decay": self.weight_decay,
            "reinitialise": self.reinit,
        }


@dataclass(frozen=True, slots=True)
class TrainingRun:
    """One training: over ``readout``, on ``n`` rows drawn by ``seed``, at the peak rate ``rate``.

    ``readout`` is the spec of a ``TrainableReadout``. A ``rate_trial`` makes only the first third
    of the steps; its score on dev decides whether the rate is used.
    """

    readout: str
    n: int
    seed: int
    rate: float
    rate_trial: bool = False

    def to_json(self) -> dict[str, Any]:
        """Under the keys of run files and checkpoints."""
        return {
            "readout": self.readout,
            "n": self.n,
            "seed": self.seed,
            "rate": self.rate,
            "tried": self.rate_trial,
        }


@dataclass(frozen=True, slots=True, eq=False)
class TrainingResult:
    """The result of ``run``.

    ``dev_score``: the mean score on dev after ``best_epoch``, of ``epochs`` made. ``test_scores``
    [m]: the score of each row of test with the weights of that epoch; empty for a rate trial.
    ``learned_readout`` holds the learned layer weights (``cls@weights(…)``).
    """

    run: TrainingRun
    dev_score: float
    test_scores: Scores
    learned_readout: str
    best_epoch: int
    epochs: int
    seconds: float


@dataclass(frozen=True, slots=True, eq=False)
class FrozenProbe:
    """The control: a linear probe on frozen vectors of the readout where training begins.

    ``test_scores`` [m]: the score of each row of test.
    """

    readout: str
    n: int
    seed: int
    test_scores: Scores


@dataclass(frozen=True, slots=True, eq=False)
class TuningRuns:
    """All trainings and probes of a comparison.

    ``results``: of each readout, size and seed, at the chosen rate. ``rate_trials``: of each
    readout, size and rate. ``checkpoints``: by readout, the folder of its training on the most rows
    that scored best on dev.
    """

    results: Sequence[TrainingResult]
    rate_trials: Sequence[TrainingResult]
    probes: Sequence[FrozenProbe]
    checkpoints: Mapping[str, Path]
