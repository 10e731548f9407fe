"""The scores of a probe on labels or numbers, and which of them to take by default."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from poolwise.errors import OptionError
from poolwise.statistics import label_scores, number_scores
from poolwise.statistics.pseudo_values import Scale

Array = NDArray[np.float64]
Targets = NDArray[np.intp]
Score = Callable[[Array, Targets], tuple[float, Array]]
"""Log-probabilities [n, k], targets [n] → the score, and each row's influence on it [n]."""

LABEL_SCORES: Mapping[str, Score] = {
    "accuracy": label_scores.accuracy,
    "balanced accuracy": label_scores.balanced_accuracy,
    "macro-F1": label_scores.macro_f1,
    "AUC": label_scores.auc,
    "average precision": label_scores.average_precision,
}

NumberScore = Callable[[Array, Array], tuple[float, Array]]
"""Predictions [n], targets [n] → the score, and each row's influence on it [n]."""

NUMBER_SCORES: Mapping[str, tuple[NumberScore, Scale]] = {
    "R²": (number_scores.r2, "real"),
    "Spearman": (number_scores.spearman, "correlation"),
}

SPELLINGS = {"r2": "R²"}
"""What is easier to type."""

IMBALANCE = 0.7
"""The share of the most frequent label from which accuracy says little: always predicting that
label scores as much."""


def score_named(name: str) -> str:
    """The score of this name, in letters of any case. Raises OptionError for no score."""
    names = {score.lower(): score for score in (*LABEL_SCORES, *NUMBER_SCORES)} | SPELLINGS
    if name.lower() not in names:
        raise OptionError(
            f"score is {name!r:.60}, expected one of {', '.join(LABEL_SCORES)}; or for labels that "
            f"are numbers {' or '.join(NUMBER_SCORES)} (R2)"
        )
    return names[name.lower()]


def default_score(labels: Sequence[str]) -> tuple[str, str]:
    """Accuracy, or AUC where one label is most of the rows; and a note that says why."""
    label, count = Counter(labels).most_common(1)[0]
    share = count / len(labels)
    if share < IMBALANCE:
        return "accuracy", ""
    return "AUC", (
        f"scored by AUC, not accuracy: {share:.0%} of the texts have the label {label!r}, so "
        f"always predicting it is right {share:.0%} of the time"
    )
