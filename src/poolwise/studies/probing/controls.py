"""What a task gives away without an encoder, and labels that nothing can be known of."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike

from poolwise.selection.baselines import bag_of_words, length_only
from poolwise.selection.baselines.terms import words
from poolwise.selection.tasks import LabelsTask
from poolwise.statistics.selectivity import control_task
from poolwise.studies.probing.probes import Array, Classes, named

COSTS = (0.01, 0.1, 1.0)
"""Of an error, to the machine on bags of words."""

BINS = 20

MAJORITY, LENGTH, WORDS = "most frequent label", "length only", "bag of words"
UNTRAINED = "re-initialised"


def surface(task: LabelsTask, n_tokens: ArrayLike, seed: int) -> Iterator[tuple[str, Array]]:
    """Controls that see no vector: a name, and whether each row's label is named, [n]."""
    most = np.bincount(task.targets[task.splits.train]).argmax()
    yield MAJORITY, (task.targets == most).astype(np.float64)
    yield LENGTH, _from_length(task, n_tokens)
    yield from _from_words(task, seed)


def shuffled(task: LabelsTask, seed: int) -> Classes:
    """The targets, dealt out anew within train, dev and test, [n]."""
    rng = np.random.default_rng(seed)
    dealt = task.targets.copy()
    for part in task.splits:
        dealt[part] = rng.permutation(dealt[part])
    return dealt


def by_first_word(task: LabelsTask, seed: int) -> Classes:
    """Targets that depend on a text's first word alone, and mean nothing, [n].

    Only a probe that memorises words can name them.
    """
    first = [next(iter(words(text)), "") for text in task.texts]
    return np.asarray(control_task(first, task.targets, seed), np.intp)


def _from_length(task: LabelsTask, n_tokens: ArrayLike) -> Array:
    """The probe on tokens, words and characters, each cut into intervals of as many rows.

    A line through a length cannot tell the middle from both ends; steps can.
    """
    inner = np.linspace(0, 1, BINS + 1)[1:-1]
    steps = [
        np.eye(BINS)[np.searchsorted(np.quantile(length[task.splits.train], inner), length)]
        for length in length_only(n_tokens, task.texts).T
    ]
    return named(task, np.hstack(steps).astype(np.float32), np.ones(len(task), np.bool_))


def _from_words(task: LabelsTask, seed: int) -> Iterator[tuple[str, Array]]:
    """A linear support vector machine on word counts, for each cost."""
    from sklearn.exceptions import ConvergenceWarning  # noqa: PLC0415 - slow to import
    from sklearn.svm import LinearSVC  # noqa: PLC0415 - slow to import

    counts = bag_of_words(task.train_texts, task.texts)
    train = task.splits.train
    for cost in COSTS:
        machine = LinearSVC(C=cost, tol=1e-2, max_iter=200, random_state=seed)
        with warnings.catch_warnings():
            # What it names hardly changes any more; its weights still may.
            warnings.simplefilter("ignore", ConvergenceWarning)
            # A task may have nearly as many labels as texts, as word content has.
            warnings.filterwarnings("ignore", "The number of unique classes", UserWarning)
            machine.fit(counts[train], task.targets[train])
        right = machine.predict(counts) == task.targets
        yield f"{WORDS}, C={cost:g}", right.astype(np.float64)
