"""Which way of asking agrees with what really changes [CLS]."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from poolwise.model import Model
from poolwise.selection.comparisons import Comparison, ComparisonFamily
from poolwise.statistics.blas import single_blas_thread
from poolwise.statistics.estimate import Estimate
from poolwise.statistics.paired import mean_differences, not_significantly_worse
from poolwise.studies.attention.attributions import NORMS, RAW, ROLLOUT, ZEROING, Place, ways
from poolwise.studies.attention.deletion import LEFT_OUT, MASKED, Deleted
from poolwise.studies.attention.ranks import FEWEST_ROWS, means, spearmans

Array = NDArray[np.float64]
Column = tuple[str, Place]

LETTERS: Column = ("letters of the word", "")
SHUFFLED: Column = ("shuffled shares", "")
BLIND = (LETTERS, SHUFFLED)
"""What looks into no encoder; only the second must be 0, for long words do matter more."""

YARDSTICKS = (LEFT_OUT, MASKED)


@dataclass(frozen=True)
class Agreement:
    """``scores``: for each yardstick, and each way at each place, the rank correlation of shares
    and distances over the words of each sentence, [n]; NaN where a sentence has none."""

    depth: int
    scores: Mapping[str, Mapping[Column, Array]]

    def mean(self, yardstick: str, column: Column) -> Estimate:
        """Over sentences."""
        return means(self.scores[yardstick][column][:, None])[0]

    @property
    def contenders(self) -> Sequence[Column]:
        """Set before anything was measured: every way at the last block, and the rollouts."""
        last = self.depth
        asked = ((RAW, last), (NORMS, last), (ZEROING, last), (RAW, ROLLOUT), (NORMS, ROLLOUT))
        known = next(iter(self.scores.values()), {})
        return [column for column in asked if column in known]

    def best(self, yardstick: str) -> Sequence[Column]:
        """The contender that agrees best, and behind it those that cannot be told from it.

        Empty where no word moves [CLS], or in too few sentences.
        """
        table = self._table(yardstick, self.contenders)
        if len(table) < FEWEST_ROWS:
            return []
        first = int(table.mean(axis=0).argmax())
        alike = not_significantly_worse(mean_differences(table, first))
        others = [c for c, tied in zip(self.contenders, alike, strict=True) if tied]
        return list(dict.fromkeys([self.contenders[first], *others]))

    @cached_property
    def family(self) -> ComparisonFamily:
        """Every contender, and the word's letters, less raw attention in the last block."""
        return ComparisonFamily(list(self._comparisons()))

    def _comparisons(self) -> Iterator[Comparison]:
        columns = [*self.contenders, LETTERS]
        for yardstick in self.scores:
            table = self._table(yardstick, columns)
            if len(table) < FEWEST_ROWS:
                continue
            found = mean_differences(table, 0)
            for column, difference in list(zip(columns, found, strict=True))[1:]:
                yield Comparison(
                    told(yardstick, column),
                    difference,
                    {"way": named(column), "against": named(columns[0]), "yardstick": yardstick},
                    control=column in BLIND,
                )

    def _table(self, yardstick: str, columns: Sequence[Column]) -> Array:
        """The sentences that have all of these, [n, c]."""
        table = np.column_stack([self.scores[yardstick][column] for column in columns])
        return table[~np.isnan(table).any(axis=1)]


def named(column: Column) -> str:
    """``norms, block 6``; ``norms, rollout``."""
    way, place = column
    if place == "":
        return way
    return f"{way}, {place}" if isinstance(place, str) else f"{way}, block {place}"


def told(yardstick: str, column: Column) -> str:
    """The name of a comparison in ``Agreement.family``."""
    return f"{named(column)}: {yardstick}"


def agreement(
    model: Model, sentences: Sequence[Deleted], seed: int, *, progress: bool = False
) -> Agreement:
    """Look into the same sentences, and rank their words by every way's shares."""
    rng = np.random.default_rng(seed)
    found: dict[str, dict[Column, Array]] = {}
    texts = [sentence.text for sentence in sentences]
    for some in model.token_outputs(texts, attentions=True, progress=progress):
        with single_blas_thread():
            shares = list(ways(model, some).each())
        for i, row in enumerate(some.rows.tolist()):
            sentence = sentences[row]
            ranked = {(way, place): sentence.by_word(each[i]) for way, place, each in shares}
            ranked[LETTERS] = sentence.letters
            ranked[SHUFFLED] = rng.permutation(ranked[RAW, model.depth])
            for yardstick, moved in sentence.moved.items():
                scores = found.setdefault(yardstick, {})
                for column, by_word in ranked.items():
                    blank = np.full(len(sentences), np.nan)
                    scores.setdefault(column, blank)[row] = spearmans([by_word], [moved])[0]
    return Agreement(model.depth, {name: found[name] for name in YARDSTICKS if name in found})
