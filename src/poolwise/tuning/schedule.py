"""Which trainings a comparison needs: each readout's learning rate is found on the way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product

from poolwise.tuning.records import Setting, Trial


class ToDo:
    """Every readout and size at every rate, tried with seed 0; then all seeds at the best rate.

    The best is that of the highest score on dev, the smallest of equals; a single one need not be
    tried. ``cost(setting)`` says what a training takes: the dearest go first, so that all workers
    stay busy to the end.
    """

    def __init__(
        self,
        readouts: Sequence[str],
        sizes: Sequence[int],
        seeds: int,
        rates: Sequence[float],
        cost: Callable[[Setting], float],
    ) -> None:
        self.waiting: list[Setting] = []
        self._asked, self._seeds, self._rates = [*product(readouts, sizes)], seeds, rates
        self._cost = cost
        self._ended: dict[Setting, Trial] = {}
        for readout, n in self._asked:
            self.waiting += self._tries(readout, n) or self._trials(readout, n)

    def next(self) -> Setting | None:
        """What to begin next; None when nothing can begin before something else has ended."""
        if not self.waiting:
            return None
        at = max(range(len(self.waiting)), key=lambda i: (self._cost(self.waiting[i]), -i))
        return self.waiting.pop(at)

    def ended(self, trial: Trial) -> None:
        setting = trial.setting
        self._ended[setting] = trial
        if setting.tried:
            self.waiting += self._trials(setting.readout, setting.n)

    def skip(self, known: Callable[[Setting], Trial | None]) -> None:
        """Leave out what has ended before, and what that decides."""
        looked_up: set[Setting] = set()
        while fresh := [setting for setting in self.waiting if setting not in looked_up]:
            looked_up |= {*fresh}
            for setting in fresh:
                if (trial := known(setting)) is not None:
                    self.waiting.remove(setting)
                    self.ended(trial)

    def __len__(self) -> int:
        """Trainings that have not begun yet."""
        return len(self.waiting) + len(self._undecided) * self._seeds

    @property
    def left(self) -> float:
        """The cost of all that has not begun yet."""
        later = [Setting(readout, n, 0, 0.0) for readout, n in self._undecided]
        return sum(map(self._cost, self.waiting)) + self._seeds * sum(map(self._cost, later))

    @property
    def trials(self) -> list[Trial]:
        """At the chosen rates: of each readout, size and seed, in that order."""
        return [self._ended[s] for readout, n in self._asked for s in self._trials(readout, n)]

    @property
    def tried(self) -> list[Trial]:
        """Of each readout, size and rate, in that order."""
        return [self._ended[s] for readout, n in self._asked for s in self._tries(readout, n)]

    @property
    def _undecided(self) -> list[tuple[str, int]]:
        """The readouts and sizes whose rate is not chosen yet."""
        return [(readout, n) for readout, n in self._asked if not self._trials(readout, n)]

    def _tries(self, readout: str, n: int) -> list[Setting]:
        several = len(self._rates) > 1
        return [Setting(readout, n, 0, rate, tried=True) for rate in self._rates] if several else []

    def _trials(self, readout: str, n: int) -> list[Setting]:
        """With every seed at the chosen rate; none while it is not chosen."""
        tries = self._tries(readout, n)
        if not all(setting in self._ended for setting in tries):
            return []
        best = max(tries, key=lambda s: (self._ended[s].dev, -s.rate), default=None)
        rate = best.rate if best else self._rates[0]
        return [Setting(readout, n, seed, rate) for seed in range(self._seeds)]
