"""The order of a comparison's trainings: rate trials first, then all seeds at the best rate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product

from poolwise.tuning.records import TrainingResult, TrainingRun


class Schedule:
    """Every readout and size at every rate, with seed 0; then all seeds at the best rate.

    The best rate has the highest score on dev, the smallest of equals. A single rate needs no
    trial. ``cost(run)`` estimates what a training takes: the dearest go first, so that all workers
    are busy to the end.
    """

    def __init__(
        self,
        readouts: Sequence[str],
        sizes: Sequence[int],
        seeds: int,
        rates: Sequence[float],
        cost: Callable[[TrainingRun], float],
    ) -> None:
        self.pending: list[TrainingRun] = []
        self._cells, self._seeds, self._rates = [*product(readouts, sizes)], seeds, rates
        self._cost = cost
        self._results: dict[TrainingRun, TrainingResult] = {}
        for readout, n in self._cells:
            self.pending += self._rate_trials(readout, n) or self._runs(readout, n)

    def next(self) -> TrainingRun | None:
        """Takes the next training to start; None while all others depend on unfinished ones."""
        if not self.pending:
            return None
        i = max(range(len(self.pending)), key=lambda i: (self._cost(self.pending[i]), -i))
        return self.pending.pop(i)

    def record(self, result: TrainingResult) -> None:
        run = result.run
        self._results[run] = result
        if run.rate_trial:
            self.pending += self._runs(run.readout, run.n)

    def skip_finished(self, lookup: Callable[[TrainingRun], TrainingResult | None]) -> None:
        """Record the results that ``lookup`` has; the trainings that depend on them follow."""
        looked_up: set[TrainingRun] = set()
        while new := [run for run in self.pending if run not in looked_up]:
            looked_up |= {*new}
            for run in new:
                if (result := lookup(run)) is not None:
                    self.pending.remove(run)
                    self.record(result)

    def __len__(self) -> int:
        """The number of trainings that have not started."""
        return len(self.pending) + len(self._undecided) * self._seeds

    @property
    def remaining_cost(self) -> float:
        """The cost of all trainings that have not started."""
        later = [TrainingRun(readout, n, 0, 0.0) for readout, n in self._undecided]
        return sum(map(self._cost, self.pending)) + self._seeds * sum(map(self._cost, later))

    @property
    def results(self) -> list[TrainingResult]:
        """At the chosen rates: of each readout, size and seed, in that order."""
        return [self._results[run] for cell in self._cells for run in self._runs(*cell)]

    @property
    def rate_trials(self) -> list[TrainingResult]:
        """Of each readout, size and rate, in that order."""
        return [self._results[run] for cell in self._cells for run in self._rate_trials(*cell)]

    @property
    def _undecided(self) -> list[tuple[str, int]]:
        """The readouts and sizes whose rate is not chosen yet."""
        return [cell for cell in self._cells if not self._runs(*cell)]

    def _rate_trials(self, readout: str, n: int) -> list[TrainingRun]:
        if len(self._rates) == 1:
            return []
        return [TrainingRun(readout, n, 0, rate, rate_trial=True) for rate in self._rates]

    def _runs(self, readout: str, n: int) -> list[TrainingRun]:
        """One a seed, at the chosen rate; none before it is chosen."""
        trials = self._rate_trials(readout, n)
        if not all(run in self._results for run in trials):
            return []
        best = max(trials, key=lambda run: (self._results[run].dev_score, -run.rate), default=None)
        rate = best.rate if best else self._rates[0]
        return [TrainingRun(readout, n, seed, rate) for seed in range(self._seeds)]
