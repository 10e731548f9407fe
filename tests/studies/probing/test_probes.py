import numpy as np
import pytest
from sklearn.preprocessing import StandardScaler

from poolwise.progress import Progress
from poolwise.readouts import parse
from poolwise.selection.tasks.labels_task import LabelsTask
from poolwise.studies.probing.controls import (
    LENGTH,
    MAJORITY,
    WORDS,
    first_word_targets,
    shuffled_targets,
    surface_controls,
)
from poolwise.studies.probing.probes import probe_all, probe_hits, standardization
from poolwise.texts import LabelledTexts

N = 500


def task_of(labels, texts=None, seed=0):
    texts = texts or [f"text {i}" for i in range(len(labels))]
    named_labels = [str(label) for label in labels]
    data = LabelledTexts("task", texts, named_labels, [""] * len(labels), "")
    return LabelsTask(data, seed, score="accuracy", probe="discriminant")


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def everything():
    return np.ones(N, np.bool_)


def test_a_probe_names_what_is_linear(rng, everything):
    x = rng.normal(size=(N, 8)).astype(np.float32)
    hits = probe_hits(task_of(x[:, 0] > 0), x, everything)
    assert set(hits) <= {0, 1}
    assert hits.mean() > 0.9


def test_a_feature_counts_the_same_whatever_its_scale_and_offset(rng, everything):
    x = rng.normal(size=(N, 8)).astype(np.float32)
    task = task_of(x[:, 0] + rng.normal(size=N) > 0)
    scaled = (x * np.logspace(-3, 3, 8) + 5).astype(np.float32)
    same = probe_hits(task, x, everything) == probe_hits(task, scaled, everything)
    assert same.mean() > 0.99


def test_standardizing_learns_on_train_alone(rng):
    x = rng.normal(2, 3, size=(N, 4)).astype(np.float32)
    train = np.arange(100)
    expected = StandardScaler().fit(x[train]).transform(x)
    np.testing.assert_allclose(standardization(x[train])(x), expected, rtol=1e-4, atol=1e-5)


def test_a_constant_vector_knows_the_most_frequent_label(everything):
    labels = np.arange(N) % 3 > 0
    task = task_of(labels)
    hits = probe_hits(task, np.full((N, 4), 0.1, np.float32), everything)
    np.testing.assert_array_equal(hits, labels)


def test_a_row_that_is_not_usable_gets_the_most_frequent_label(rng):
    x = rng.normal(size=(N, 8)).astype(np.float32)
    task, usable = task_of(x[:, 0] > 0), np.arange(N) % 2 == 0
    x[~usable] = np.nan
    hits = probe_hits(task, x, usable)
    assert hits[~usable].mean() < 0.65
    assert hits[usable].mean() > 0.85


class CachedVectors:
    """Vectors by text, under any readout."""

    def __init__(self, texts, vectors):
        self.texts, self._vectors = texts, vectors
        self.usable = np.ones(len(texts), np.bool_)

    def __getitem__(self, readout):
        return self._vectors[readout]

    def rows(self, texts):
        return np.array([self.texts.index(text) for text in texts])


def test_tasks_and_readouts_do_not_mix(rng):
    texts = [f"text {i}" for i in range(2 * N)]
    vectors = {name: rng.normal(size=(2 * N, 4)).astype(np.float32) for name in ("cls@0", "mean@0")}
    cache = CachedVectors(texts, vectors)
    first = task_of(vectors["cls@0"][:N, 0] > 0, texts[:N])
    second = task_of(np.digitize(vectors["mean@0"][N:, 1], [-1, 1]), texts[N:])
    with Progress("probes", show=False) as bar:
        hits = probe_all([first, second], cache, [parse("cls@0"), parse("mean@0")], bar)
        assert bar.count == 2
    for columns, best in ((hits[0], 0), (hits[1], 1)):
        accuracy = columns.mean(axis=0)
        assert accuracy.argmax() == best
        assert accuracy.max() > accuracy.min() + 0.15


def controls_of(task):
    lengths = [len(text.split()) for text in task.texts]
    return {name: hits.mean() for name, hits in surface_controls(task, lengths, 0)}


def words(rng, n):
    return list(rng.choice(["red", "old", "big", "sea"], n))


def test_length_tells_a_middle_from_both_ends(rng):
    sizes = rng.integers(2, 30, N)
    texts = [" ".join(words(rng, size)) for size in sizes]
    accuracies = controls_of(task_of((sizes > 10) & (sizes < 20), texts))
    assert accuracies[LENGTH] > 0.9
    assert accuracies[f"{WORDS}, C=1"] < accuracies[LENGTH]


def test_words_tell_what_a_word_tells(rng):
    texts = [" ".join(words(rng, 6)) for _ in range(N)]
    accuracies = controls_of(task_of(["sea" in text for text in texts], texts))
    assert max(share for name, share in accuracies.items() if name.startswith(WORDS)) > 0.95
    assert accuracies[LENGTH] < 0.9


def test_word_order_is_told_by_no_control(rng):
    texts = [" ".join(rng.permutation(["red", "sea", *words(rng, 4)])) for _ in range(N)]
    labels = [text.index("red") < text.index("sea") for text in texts]
    assert max(controls_of(task_of(labels, texts)).values()) < 0.65


def test_the_most_frequent_label_is_a_control(rng):
    labels = rng.random(N) < 0.7
    task = task_of(labels)
    assert controls_of(task)[MAJORITY] == labels.mean()


def test_shuffled_labels_stay_in_their_part(rng):
    labels = [str(label) for label in rng.integers(3, size=N)]
    splits = [""] * (N - 100) + ["test"] * 100
    task = LabelsTask(LabelledTexts("task", [f"text {i}" for i in range(N)], labels, splits, ""), 0)
    shuffled = shuffled_targets(task, 0)
    assert (shuffled != task.targets).mean() > 0.5
    for part in (task.folds.choice_rows, task.folds.report_rows):
        np.testing.assert_array_equal(np.bincount(shuffled[part]), np.bincount(task.targets[part]))


def test_control_labels_belong_to_first_words(rng):
    texts = [
        f"{first} {second}" for first, second in zip(words(rng, N), words(rng, N), strict=True)
    ]
    targets = first_word_targets(task_of(rng.integers(3, size=N), texts), 0)
    by_word = {}
    for text, label in zip(texts, targets, strict=True):
        assert by_word.setdefault(text.split()[0], label) == label
    assert not np.array_equal(targets, first_word_targets(task_of(np.arange(N) % 3, texts), 1))


def test_the_middle_of_a_scale_is_named(rng, everything):
    x = rng.normal(size=(N, 8)).astype(np.float32)
    task = task_of(np.digitize(x[:, 0], [-1, -0.3, 0.3, 1]))
    assert probe_hits(task, x, everything).mean() > 0.8
