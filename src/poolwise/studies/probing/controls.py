"""The controls of a probe: predictions without an encoder, and labels without a meaning."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike

from poolwise.selection.baselines import bag_of_words, length_only
from poolwise.selection.baselines.terms import words
from poolwise.selection.tasks.labels_task import LabelsTask
from poolwise.selection.tasks.task import separate_rows
from poolwise.statistics.selectivity import control_task
from poolwise.studies.probing.probes import Array, Targets, probe_hits

COSTS = (0.01, 0.1, 1.0)
"""The values of C for the support vector machine on word counts."""

LENGTH_BINS = 20

MAJORITY, LENGTH, WORDS = "most frequent label", "length only", "bag of words"
UNTRAINED = "re-initialised"


def surface_controls(
    task: LabelsTask, n_tokens: ArrayLike, seed: int
) -> Iterator[tuple[str, Array]]:
    """Controls without an encoder: a name, and whether each row's label is predicted, [n]."""
    yield MAJORITY, task.chance_scores()
    yield LENGTH, _length_hits(task, n_tokens)
    yield from _word_count_hits(task, seed)


def shuffled_targets(task: LabelsTask, seed: int) -> Targets:
    """The targets, permuted among the rows chosen on, and among those declared test, [n]."""
    rng = np.random.default_rng(seed)
    targets = task.targets.copy()
    for rows in separate_rows(task.folds):
        targets[rows] = rng.permutation(targets[rows])
    return targets


def first_word_targets(task: LabelsTask, seed: int) -> Targets:
    """A random target for each first word, [n]: the control task of Hewitt & Liang 2019.

    Only a probe that memorises words can predict them.
    """
    first_words = [next(iter(words(text)), "") for text in task.texts]
    return np.asarray(control_task(first_words, task.targets, seed), np.intp)


def _length_hits(task: LabelsTask, n_tokens: ArrayLike) -> Array:
    """The probe on one-hot quantile bins of the lengths in tokens, words and characters, [n].

    A linear function of the length itself could not separate the middle from both ends.
    """
    quantiles = np.linspace(0, 1, LENGTH_BINS + 1)[1:-1]
    one_hot = [
        np.eye(LENGTH_BINS)[
            np.searchsorted(np.quantile(length[task.folds.choice_rows], quantiles), length)
        ]
        for length in length_only(n_tokens, task.texts).T
    ]
    return probe_hits(task, np.hstack(one_hot).astype(np.float32), np.ones(len(task), np.bool_))


def _word_count_hits(task: LabelsTask, seed: int) -> Iterator[tuple[str, Array]]:
    """A linear support vector machine on word counts, for each cost."""
    from sklearn.exceptions import ConvergenceWarning  # noqa: PLC0415 - slow to import
    from sklearn.svm import LinearSVC  # noqa: PLC0415 - slow to import

    hits = np.empty((len(COSTS), len(task)))
    for _, fitted, rows in task.folds.divisions():
        counts = bag_of_words([task.texts[i] for i in fitted.tolist()], task.texts)
        for i, cost in enumerate(COSTS):
            classifier = LinearSVC(C=cost, tol=1e-2, max_iter=200, random_state=seed)
            with warnings.catch_warnings():
                # Its predictions hardly change any more; its weights still may.
                warnings.simplefilter("ignore", ConvergenceWarning)
                # A task may have nearly as many labels as texts, as word content has.
                warnings.filterwarnings("ignore", "The number of unique classes", UserWarning)
                classifier.fit(counts[fitted], task.targets[fitted])
            hits[i, rows] = classifier.predict(counts[rows]) == task.targets[rows]
    yield from zip([f"{WORDS}, C={cost:g}" for cost in COSTS], hits, strict=True)
