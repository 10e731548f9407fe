"""The choice made anew on halves of the rows: would other rows choose the same readout?

Rows drawn again from those that chose would answer too well: a bootstrap's rows, and half of the
rows compared with all of them, share with the choice the chance that made it. Two halves without a
row in common are independent samples, so the share of divisions in which both choose the same is an
unbiased estimate of how often two samples of that size do (pairs of complementary halves, as in
Shah & Samworth 2013, "Variable selection with error control: another look at stability selection").
benchmarks/results/repeats-2026-11-28.md has what both say of samples drawn by simulation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from poolwise.engines.workers import cores
from poolwise.progress import Progress
from poolwise.selection.folds import cluster_places
from poolwise.selection.outcome import Decision, Outcome
from poolwise.selection.row_samples import chosen_on
from poolwise.selection.selection import Selection
from poolwise.statistics.estimate import Estimate
from poolwise.statistics.paired import wilson_interval

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class HalfChoice:
    """What half of the rows choose: the index of the readout ``chosen``, the ``highest`` score's,
    and the ``decision``. ``loss``: the score of the readout chosen on all rows less that of
    ``chosen``, both on the other half."""

    chosen: int
    highest: int
    decision: Decision
    loss: float


Pair = tuple[HalfChoice, HalfChoice]


@dataclass(frozen=True)
class Repeats:
    """The choices of ``pairs`` of halves, one a division of the rows; ``equal_pairs``: the same of
    readouts that have equal scores by construction and the same noise."""

    selection: Selection
    pairs: Sequence[Pair]
    equal_pairs: Sequence[Pair]

    @property
    def n_rows(self) -> int:
        """Rows of a half."""
        return len(self.selection.choice_rows) // 2

    @cached_property
    def frequencies(self) -> dict[int, int]:
        """How many halves chose each readout that any chose, the most frequent first."""
        chosen = [half.chosen for pair in self.pairs for half in pair]
        counts = {i: chosen.count(i) for i in dict.fromkeys(chosen)}
        return dict(sorted(counts.items(), key=lambda item: -item[1]))

    @property
    def losses(self) -> Array:
        """Of every half, [2 N]."""
        return np.array([half.loss for pair in self.pairs for half in pair])


def agreement(pairs: Sequence[Pair], part: Callable[[HalfChoice], object]) -> int:
    """In how many pairs both halves agree in a part of their choice."""
    return sum(part(first) == part(second) for first, second in pairs)


def share(count: int, n: int) -> Estimate:
    """``count`` of ``n``, with Wilson's interval."""
    return wilson_interval(count / n, n, float(norm.ppf(0.975)))


def repeat_choice(
    selection: Selection, n: int, *, seed: int = 0, progress: bool = False
) -> Repeats:
    """Divide the rows chosen on into halves ``n`` times and choose on either half.

    Rows of a cluster stay in one half. What was fitted, probes and steps, stays as it is.
    """
    divisions = list(_halves(selection, n, seed))
    bar = Progress(f"choices on halves of {selection.task.name}", 2 * n, show=progress)

    def pair(candidates: Selection, halves: tuple[NDArray[np.bool_], ...]) -> Pair:
        first, second = (_choice(candidates, *rows) for rows in (halves, halves[::-1]))
        return first, second

    with bar, ThreadPoolExecutor(cores()) as workers:
        jobs = [(selection, halves) for halves in divisions]
        jobs += [(_equal(selection, seed + k), halves) for k, halves in enumerate(divisions)]
        pairs = []
        for result in workers.map(lambda job: pair(*job), jobs):
            pairs.append(result)
            bar.advance(1)
    return Repeats(selection, pairs[:n], pairs[n:])


def _halves(
    selection: Selection, n: int, seed: int
) -> Iterator[tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
    rows = selection.choice_rows
    clusters = selection.task.folds.clusters[rows]
    codes = np.unique(clusters, return_inverse=True)[1]
    for repeat in range(n):
        first = np.zeros(len(selection.row_scores), np.bool_)
        second = first.copy()
        lower = cluster_places(codes, seed + SEEDS + repeat) < len(rows) / 2
        first[rows[lower]], second[rows[~lower]] = True, True
        yield first, second


SEEDS = 1000
"""Between the seeds of folds and those of halves, which would else be unions of folds."""


def _choice(selection: Selection, rows: NDArray[np.bool_], others: NDArray[np.bool_]) -> HalfChoice:
    half = chosen_on(selection, rows)
    scores = selection.row_scores[others]
    loss = scores[:, selection.chosen_index].mean() - scores[:, half.chosen_index].mean()
    return HalfChoice(half.chosen_index, half.best_index, Outcome(half).decision, float(loss))


def _equal(selection: Selection, seed: int) -> Selection:
    """Candidates whose scores are equal by construction: each row's differences from the
    candidates' means get a sign drawn for its cluster, so the noise stays what it is."""
    codes = np.unique(selection.task.folds.clusters, return_inverse=True)[1]
    signs = np.random.default_rng(seed).choice([-1.0, 1.0], codes.max() + 1)[codes][:, None]
    rows = selection.choice_rows

    def flipped(scores: Array) -> Array:
        means = scores[rows].mean(axis=0)
        return np.asarray(means[selection.chosen_index] + signs * (scores - means))

    screen = None if selection.screen is None else flipped(selection.screen)
    return replace(selection, row_scores=flipped(selection.row_scores), screen=screen)
