"""Token F1, BLEU and exact matches of every system, paired by sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import t

from poolwise.selection.splits import RowIndices
from poolwise.statistics.bleu import bleu, ngram_counts, token_f1
from poolwise.statistics.bootstrap import percentiles, resampled_means
from poolwise.statistics.estimate import Estimate
from poolwise.statistics.paired import Difference, mean_differences, mean_estimates

Array = NDArray[np.float64]
Hypotheses = Sequence[Sequence[int]]

Metric = Literal["token F1", "BLEU", "exact match"]
METRICS: tuple[Metric, ...] = ("token F1", "BLEU", "exact match")


@dataclass(frozen=True, slots=True)
class System:
    """A decoder or a control, ``name``, on the vectors of ``readout``, empty where it has none.

    ``ordered`` is false for a bag of tokens, for which neither BLEU nor an exact match is defined.
    """

    name: str
    readout: str = ""
    control: bool = False
    ordered: bool = True

    @property
    def metrics(self) -> Sequence[Metric]:
        """The metrics that are defined for it."""
        return METRICS if self.ordered else METRICS[:1]

    @property
    def place(self) -> Mapping[str, str | int]:
        """Its place in a report."""
        readout = {"readout": self.readout} if self.readout else {}
        return {**readout, "answer": self.name}


@dataclass(frozen=True)
class SystemScores:
    """Scores on n sentences. For each system, ``counts`` [n, 10] are those of
    ``bleu.ngram_counts``, and ``exact`` [n] is 1 where the hypothesis is the sentence."""

    counts: Mapping[System, Array]
    exact: Mapping[System, Array]
    seed: int

    @classmethod
    def of(
        cls, hypotheses: Mapping[System, Hypotheses], references: Hypotheses, seed: int
    ) -> SystemScores:
        """Each system's hypotheses against the references."""
        counts = {system: ngram_counts(ids, references) for system, ids in hypotheses.items()}
        exact = {
            system: np.array([a == b for a, b in zip(ids, references, strict=True)], np.float64)
            for system, ids in hypotheses.items()
        }
        return cls(counts, exact, seed)

    def subset(self, rows: RowIndices) -> SystemScores:
        """The scores on these sentences."""
        counts = {system: counts[rows] for system, counts in self.counts.items()}
        exact = {system: exact[rows] for system, exact in self.exact.items()}
        return SystemScores(counts, exact, self.seed)

    def __len__(self) -> int:
        return len(next(iter(self.counts.values())))

    def by_sentence(self, metric: Metric, system: System) -> Array:
        """Token F1 or exact match of each sentence, [n]."""
        return self.exact[system] if metric == "exact match" else token_f1(self.counts[system])

    def estimate(self, metric: Metric, system: System) -> Estimate:
        """The score with its 95 % interval over sentences."""
        if metric == "BLEU":
            return _estimate(self._bleu(system), self._bleu_resamples[system])
        return mean_estimates(self.by_sentence(metric, system)[:, None])[0]

    def difference(self, metric: Metric, system: System, baseline: System) -> Difference:
        """One system's score less another's, on the same sentences."""
        if metric != "BLEU":
            columns = [self.by_sentence(metric, each) for each in (system, baseline)]
            return mean_differences(np.column_stack(columns), 1)[0]
        resamples = self._bleu_resamples[system] - self._bleu_resamples[baseline]
        return _difference(self._bleu(system) - self._bleu(baseline), resamples, len(self))

    def _bleu(self, system: System) -> float:
        return float(bleu(self.counts[system].sum(axis=0)))

    @cached_property
    def _bleu_resamples(self) -> Mapping[System, Array]:
        """BLEU on resamples of the sentences, the same resamples for all systems."""
        ordered = [system for system in self.counts if system.ordered]
        columns = np.concatenate([self.counts[system] for system in ordered], axis=1)
        means = np.split(resampled_means(columns, seed=self.seed), len(ordered), axis=1)
        return {
            system: bleu(counts.clip(min=0)) for system, counts in zip(ordered, means, strict=True)
        }


def perplexity(losses: ArrayLike, tokens: ArrayLike, seed: int) -> Estimate:
    """e to the mean loss per token, of sentences' losses [n] and lengths [n]."""
    columns = np.column_stack([np.asarray(losses), np.asarray(tokens)])
    means = resampled_means(columns, seed=seed)
    value = float(np.exp(columns[:, 0].sum() / columns[:, 1].sum()))
    return _estimate(value, np.exp(means[:, 0] / means[:, 1]))


def _difference(value: float, resamples: Array, n: int) -> Difference:
    """p is Student's, from the spread of the resampled differences: a share of the resamples could
    not be smaller than one of a thousand."""
    spread = float(resamples.std(ddof=1))
    ratio = abs(value) / spread if spread > 0 else np.inf if value else 0.0
    return Difference(_estimate(value, resamples), float(2 * t.sf(ratio, n - 1)))


def _estimate(value: float, resamples: Array) -> Estimate:
    low, high = percentiles(resamples)
    return Estimate(value, float(low), float(high))
