"""Which task a data set is: pairs by similarity or as matches, a probe on labels or numbers."""

from __future__ import annotations

from poolwise.selection.label_kinds import has_numbers
from poolwise.selection.label_scores import NUMBER_SCORES, score_named
from poolwise.selection.probes import ProbeName
from poolwise.selection.tasks.labels_task import LabelsTask
from poolwise.selection.tasks.pair_classification_task import (
    PairClassificationTask,
    is_match_or_not,
)
from poolwise.selection.tasks.regression_task import RegressionTask
from poolwise.selection.tasks.task import PairsTask
from poolwise.texts import LabelledTexts, TextPairs


def task_of(
    data: TextPairs | LabelledTexts,
    seed: int,
    *,
    score: str | None = None,
    probe: ProbeName = "logistic regression",
) -> PairsTask | LabelsTask | RegressionTask:
    """The task of this data set; ``score`` and ``probe`` are of labels."""
    if isinstance(data, TextPairs):
        return pairs_task(data, seed)
    return task_of_labels(data, seed, score=score, probe=probe)


def pairs_task(pairs: TextPairs, seed: int) -> PairsTask:
    """By the scores: of two values, whether a pair is a match; else a correlation with them."""
    return (PairClassificationTask if is_match_or_not(pairs) else PairsTask)(pairs, seed)


def task_of_labels(
    data: LabelledTexts,
    seed: int,
    *,
    score: str | None = None,
    probe: ProbeName = "logistic regression",
) -> LabelsTask | RegressionTask:
    """By the ``score``: one of classes or one of numbers; by default by what the labels look like.

    Raises OptionError for no score.
    """
    name = None if score is None else score_named(score)
    if has_numbers(data) if name is None else name in NUMBER_SCORES:
        return RegressionTask(data, seed, score=name or "R²")
    return LabelsTask(data, seed, score=name, probe=probe)
