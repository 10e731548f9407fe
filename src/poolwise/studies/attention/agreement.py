"""Which attribution method agrees with the change of [CLS] when words are deleted."""

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
from poolwise.studies.attention.attributions import (
    NORMS,
    RAW,
    ROLLOUT,
    ZEROING,
    Place,
    attributions,
)
from poolwise.studies.attention.deletion import LEFT_OUT, MASKED, DeletedWords
from poolwise.studies.attention.ranks import FEWEST_ROWS, means, spearmans

Array = NDArray[np.float64]
Column = tuple[str, Place]

LETTERS: Column = ("letters of the word", "")
SHUFFLED: Column = ("shuffled shares", "")
CONTROLS = (LETTERS, SHUFFLED)
"""Neither reads the encoder; only the second must be 0, for long words do matter more."""

DELETIONS = (LEFT_OUT, MASKED)


@dataclass(frozen=True)
class Agreement:
    """``scores``: for each deletion, and each method at each place, the rank correlation of shares
    and distances over the words of each sentence, [n]; NaN where it is undefined."""

    depth: int
    scores: Mapping[str, Mapping[Column, Array]]

    def mean(self, deletion: str, column: Column) -> Estimate:
        """Mean over sentences."""
        return means(self.scores[deletion][column][:, None])[0]

    @property
    def candidates(self) -> Sequence[Column]:
        """Chosen before any measurement: every method at the last block, and the rollouts."""
        last = self.depth
        columns = ((RAW, last), (NORMS, last), (ZEROING, last), (RAW, ROLLOUT), (NORMS, ROLLOUT))
        available = next(iter(self.scores.values()), {})
        return [column for column in columns if column in available]

    def best(self, deletion: str) -> Sequence[Column]:
        """The candidate that agrees best, then those that are not significantly worse.

        Empty where too few sentences have a word whose deletion changes [CLS].
        """
        table = self._table(deletion, self.candidates)
        if len(table) < FEWEST_ROWS:
            return []
        first = int(table.mean(axis=0).argmax())
        tied = not_significantly_worse(mean_differences(table, first))
        ties = [c for c, is_tied in zip(self.candidates, tied, strict=True) if is_tied]
        return list(dict.fromkeys([self.candidates[first], *ties]))

    @cached_property
    def family(self) -> ComparisonFamily:
        """Every candidate, and the word's letters, less raw attention in the last block."""
        return ComparisonFamily(list(self._comparisons()))

    def _comparisons(self) -> Iterator[Comparison]:
        columns = [*self.candidates, LETTERS]
        for deletion in self.scores:
            table = self._table(deletion, columns)
            if len(table) < FEWEST_ROWS:
                continue
            differences = mean_differences(table, 0)
            for column, difference in list(zip(columns, differences, strict=True))[1:]:
                yield Comparison(
                    comparison_name(deletion, column),
                    difference,
                    {
                        "way": column_name(column),
                        "against": column_name(columns[0]),
                        "yardstick": deletion,
                    },
                    control=column in CONTROLS,
                )

    def _table(self, deletion: str, columns: Sequence[Column]) -> Array:
        """The sentences in which all columns are defined, [n, c]."""
        table = np.column_stack([self.scores[deletion][column] for column in columns])
        return table[~np.isnan(table).any(axis=1)]


def column_name(column: Column) -> str:
    """``norms, block 6``; ``norms, rollout``."""
    method, place = column
    if place == "":
        return method
    return f"{method}, {place}" if isinstance(place, str) else f"{method}, block {place}"


def comparison_name(deletion: str, column: Column) -> str:
    """The name of a comparison in ``Agreement.family``."""
    return f"{column_name(column)}: {deletion}"


def agreement(
    model: Model, sentences: Sequence[DeletedWords], seed: int, *, progress: bool = False
) -> Agreement:
    """How every method ranks the words of ``sentences``, against the distances of deletion."""
    rng = np.random.default_rng(seed)
    scores: dict[str, dict[Column, Array]] = {}
    texts = [sentence.text for sentence in sentences]
    for outputs in model.token_outputs(texts, attentions=True, progress=progress):
        with single_blas_thread():
            shares = list(attributions(model, outputs).items())
        for i, row in enumerate(outputs.rows.tolist()):
            sentence = sentences[row]
            by_column = {(method, place): sentence.by_word(s[i]) for method, place, s in shares}
            by_column[LETTERS] = sentence.letters
            by_column[SHUFFLED] = rng.permutation(by_column[RAW, model.depth])
            for deletion, distances in sentence.distances.items():
                columns = scores.setdefault(deletion, {})
                for column, by_word in by_column.items():
                    blank = np.full(len(sentences), np.nan)
                    columns.setdefault(column, blank)[row] = spearmans([by_word], [distances])[0]
    return Agreement(model.depth, {name: scores[name] for name in DELETIONS if name in scores})
