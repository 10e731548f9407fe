"""How much came back: token F1, BLEU and exact matches of every contender, paired by sentence."""

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
    """Who answers: ``name``, from the vectors of ``readout``, empty where none is read.

    ``ordered`` is false for a bag, of which neither BLEU nor an exact match can be asked.
    """

    name: str
    readout: str = ""
    control: bool = False
    ordered: bool = True

    @property
    def measures(self) -> Sequence[Metric]:
        return METRICS if self.ordered else METRICS[:1]

    @property
    def where(self) -> Mapping[str, str | int]:
        read = {"readout": self.readout} if self.readout else {}
        return {**read, "answer": self.name}


@dataclass(frozen=True)
class SystemScores:
    """Of c contenders on n sentences: ``counts`` [n, 10] each (see ``bleu.ngram_counts``), and
    ``exact`` [n] each, whether the answer is the sentence."""

    counts: Mapping[System, Array]
    exact: Mapping[System, Array]
    seed: int

    @classmethod
    def of(
        cls, answers: Mapping[System, Hypotheses], references: Hypotheses, seed: int
    ) -> SystemScores:
        """Answers beside what was asked for."""
        counts = {who: ngram_counts(own, references) for who, own in answers.items()}
        exact = {
            who: np.array([a == b for a, b in zip(own, references, strict=True)], np.float64)
            for who, own in answers.items()
        }
        return cls(counts, exact, seed)

    def among(self, rows: RowIndices) -> SystemScores:
        """The same of some of the sentences."""
        counts = {who: own[rows] for who, own in self.counts.items()}
        return SystemScores(counts, {who: own[rows] for who, own in self.exact.items()}, self.seed)

    def __len__(self) -> int:
        return len(next(iter(self.counts.values())))

    def rows(self, measure: Metric, who: System) -> Array:
        """Token F1 or exact match of each sentence, [n]."""
        return self.exact[who] if measure == "exact match" else token_f1(self.counts[who])

    def estimate(self, measure: Metric, who: System) -> Estimate:
        """The score with its 95 % interval over sentences."""
        if measure == "BLEU":
            return _estimate(float(bleu(self.counts[who].sum(axis=0))), self._draws[who])
        return mean_estimates(self.rows(measure, who)[:, None])[0]

    def difference(self, measure: Metric, who: System, against: System) -> Difference:
        """One contender's score less another's, on the same sentences."""
        if measure != "BLEU":
            both = [self.rows(measure, one) for one in (who, against)]
            return mean_differences(np.column_stack(both), 1)[0]
        values = [float(bleu(self.counts[one].sum(axis=0))) for one in (who, against)]
        draws = self._draws[who] - self._draws[against]
        return _difference(values[0] - values[1], draws, len(self))

    @cached_property
    def _draws(self) -> Mapping[System, Array]:
        """BLEU in resamples of the sentences, the same for all."""
        ordered = [who for who in self.counts if who.ordered]
        columns = np.concatenate([self.counts[who] for who in ordered], axis=1)
        means = resampled_means(columns, seed=self.seed)
        drawn = np.split(means, len(ordered), axis=1)
        return {who: bleu(own.clip(min=0)) for who, own in zip(ordered, drawn, strict=True)}


def perplexity(losses: ArrayLike, tokens: ArrayLike, seed: int) -> Estimate:
    """e to the loss a token, of sentences' losses [n] and lengths [n], over the sentences."""
    columns = np.column_stack([np.asarray(losses), np.asarray(tokens)])
    drawn = resampled_means(columns, seed=seed)
    value = float(np.exp(columns[:, 0].sum() / columns[:, 1].sum()))
    return _estimate(value, np.exp(drawn[:, 0] / drawn[:, 1]))


def _difference(value: float, draws: Array, n: int) -> Difference:
    """p is Student's, from the spread of the resampled differences: counted among them it could not
    be smaller than one of a thousand."""
    spread = float(draws.std(ddof=1))
    ratio = abs(value) / spread if spread > 0 else np.inf if value else 0.0
    return Difference(_estimate(value, draws), float(2 * t.sf(ratio, n - 1)))


def _estimate(value: float, draws: Array) -> Estimate:
    low, high = percentiles(draws)
    return Estimate(value, float(low), float(high))
