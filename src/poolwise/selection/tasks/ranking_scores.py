"""The scores of a ranking by name: nDCG@10, recall@100, MRR@10, precision@1, MAP, at any rank."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poolwise.errors import OptionError
from poolwise.statistics import random_ranking, retrieval_scores
from poolwise.statistics.retrieval_scores import Judgements, Score

Array = NDArray[np.float64]
Chance = Callable[[Judgements, int, int], Array]
"""Relevant documents, the number of all and the rank of the cut → a random order's score [q]."""

MEASURES: Mapping[str, tuple[Score, Chance]] = {
    "nDCG": (retrieval_scores.ndcg, random_ranking.random_ndcg),
    "recall": (retrieval_scores.recall, random_ranking.random_recall),
    "MRR": (retrieval_scores.reciprocal_rank, random_ranking.random_reciprocal_rank),
    "precision": (retrieval_scores.precision, random_ranking.random_precision),
    "MAP": (retrieval_scores.average_precision, random_ranking.random_average_precision),
}

DEFAULT = "nDCG@10"

SHOWN = (DEFAULT, "recall@10", "recall@100", "MRR@10", "precision@1", "MAP")
"""The scores of the readouts that a finding compares."""

MOST = 1000
"""The last rank at which a ranking may be cut."""

_MEASURES = {measure.lower(): measure for measure in MEASURES}
_NAME = re.compile(r"([a-z]+)(?:@([1-9]\d*))?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class RankingScore:
    """A measure of the first ``cut`` documents, of all where that is None."""

    measure: str
    cut: int | None

    @property
    def name(self) -> str:
        """``nDCG@10``, ``MAP``."""
        return self.measure if self.cut is None else f"{self.measure}@{self.cut}"

    def of(self, ranks: Array, relevant: Judgements) -> Array:
        """Each query's score [q], from the ranks [p] of its relevant documents."""
        score, _ = MEASURES[self.measure]
        return score(ranks, relevant, math.inf if self.cut is None else self.cut)

    def of_random_order(self, relevant: Judgements, n_documents: int) -> Array:
        """What a random order of all documents scores on average, [q]."""
        _, chance = MEASURES[self.measure]
        return chance(relevant, n_documents, min(self.cut or n_documents, n_documents))


def is_ranking_score(name: str) -> bool:
    """Whether ``name`` names a measure of rankings, with a rank or without."""
    match = _NAME.fullmatch(name)
    return match is not None and match[1].lower() in _MEASURES


def ranking_score(name: str) -> RankingScore:
    """The score of this name, in letters of any case. Raises OptionError for no score."""
    match = _NAME.fullmatch(name)
    if match is None or match[1].lower() not in _MEASURES:
        raise OptionError(f"score is {name!r:.60}, expected one of {', '.join(SHOWN)}, at any rank")
    measure, cut = _MEASURES[match[1].lower()], None if match[2] is None else int(match[2])
    if cut is None and measure != "MAP":
        raise OptionError(f"score is {name!r:.60}: name the rank at which it ends, as {measure}@10")
    if cut is not None and cut > MOST:
        raise OptionError(f"score is {name!r:.60}: the rank at which it ends is at most {MOST:,}")
    return RankingScore(measure, cut)
