"""What is to be told of texts: splits, sizes, subsets, scores, and data that cannot be learned."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, f1_score, r2_score

from poolwise.errors import StudyError
from poolwise.texts import LabelledTexts
from poolwise.tuning.task import TuningTask


def labelled(labels, splits=None, texts=None):
    texts = texts or [f"text {n}" for n in range(len(labels))]
    return LabelledTexts("made.csv", texts, labels, splits or [""] * len(labels), "0" * 64)


def declared(train, dev, test):
    splits = ["train"] * len(train) + ["dev"] * len(dev) + ["test"] * len(test)
    return labelled([*train, *dev, *test], splits)


def refusal(data, kind="classification"):
    with pytest.raises(StudyError) as caught:
        TuningTask(data, kind, 0)
    return str(caught.value)


def test_parts_and_targets():
    task = TuningTask(labelled(["b", "a", "c", "a"] * 50), "classification", 0)
    assert task.output_space.labels == ("a", "b", "c")
    assert task.targets.dtype == np.int64
    assert task.targets[:4].tolist() == [1, 0, 2, 0]
    rows = np.concatenate([*task.splits])
    assert sorted(rows) == list(range(200))
    assert all(len(part) > 20 for part in task.splits)
    assert np.array_equal(task.dev_sample, task.splits.dev)
    assert task.notes == ["rows divided by seed 0 into 60% train, 20% dev, 20% test; "
                          "rows that share a text stay together"]  # fmt: skip


def test_choosing_is_some_of_a_large_dev():
    task = TuningTask(declared("ab" * 20, "ab" * 400, "ab" * 20), "classification", 3)
    assert len(task.dev_sample) == 500
    assert set(task.dev_sample) < set(task.splits.dev)
    assert task.notes == ["epochs and learning rates chosen on 500 of 800 dev rows"]
    other = TuningTask(declared("ab" * 20, "ab" * 400, "ab" * 20), "classification", 4)
    assert set(other.dev_sample) != set(task.dev_sample)


def test_sizes():
    task = TuningTask(declared("ab" * 20, "ab" * 5, "ab" * 5), "classification", 0)
    assert task.sizes([None, 10, 10, 1000]) == [10, 40]
    for asked in ([], [1, 10]):
        with pytest.raises(StudyError, match="expected numbers of rows from 2 on"):
            task.sizes(asked)


@settings(max_examples=30, deadline=None)
@given(
    labels=st.lists(st.sampled_from("aaaabcdef"), min_size=30, max_size=60),
    n=st.integers(2, 30),
    seed=st.integers(0, 5),
)
def test_subsets_are_nested_and_hold_every_label_if_they_can(labels, n, seed):
    if len(set(labels)) < 2:
        labels[:2] = "ab"
    task = TuningTask(declared(labels, "a" * 10, "a" * 10), "classification", 0)
    rows = task.subset(n, seed)
    assert len(set(rows.tolist())) == n
    assert set(rows.tolist()) <= set(task.splits.train.tolist())
    assert np.array_equal(task.subset(30, seed)[:n], rows)
    assert len({labels[i] for i in rows}) >= min(n, len(set(labels)))


def test_subsets_of_other_seeds_and_kinds():
    task = TuningTask(declared("ab" * 50, "ab" * 5, "ab" * 5), "classification", 0)
    assert set(task.subset(20, 0)) != set(task.subset(20, 1))
    sets = ["", "", "", "x", "x;y"] * 20 + ["z"]
    several = TuningTask(declared(sets, ["x"] * 10, [""] * 10), "multilabel", 0)
    assert several.targets[several.subset(3, 0)].sum(axis=0).min() >= 1
    numbers = TuningTask(
        declared(*(list(map(str, range(n))) for n in (40, 10, 10))), "regression", 0
    )
    assert sorted(numbers.subset(40, 0)) == list(range(40))


def test_scores_of_classes():
    task = TuningTask(declared("ab" * 20, "ab" * 5, "abbb" * 5), "classification", 0)
    outputs = np.random.default_rng(0).normal(size=(20, 2))
    scores = task.scores(outputs, task.splits.test)
    expected = accuracy_score(task.targets[task.splits.test], outputs.argmax(1))
    assert task.metric == "accuracy"
    assert scores.mean() == pytest.approx(expected)
    assert set(scores) == {0.0, 1.0}
    # Even where nothing but "not a number" comes, no row counts as right.
    assert task.scores(np.full((20, 2), np.nan), task.splits.test).sum() == 0


def test_scores_of_label_sets():
    sets = ["", "x", "y", "x;y"]
    task = TuningTask(declared(sets * 10, sets * 5, sets * 5), "multilabel", 0)
    outputs = np.random.default_rng(0).normal(size=(20, 2))
    scores = task.scores(outputs, task.splits.test)
    true = task.targets[task.splits.test]
    expected = f1_score(true, outputs > 0, average="samples", zero_division=1.0)
    assert task.metric == "F1 of a text"
    assert scores.mean() == pytest.approx(expected)
    assert task.targets.dtype == np.float32
    assert task.scores(np.full((1, 2), np.inf), task.splits.test[:1]).tolist() == [0.0]


def test_scores_of_numbers_are_r2():
    drawn = np.random.default_rng(0).normal(2, 3, 100)
    data = declared(*(list(map(repr, part.tolist())) for part in np.split(drawn, [40, 70])))
    task = TuningTask(data, "regression", 0)
    assert task.metric == "R²"
    assert task.targets.dtype == np.float32
    for rows in (task.splits.dev, task.splits.test):
        outputs = drawn[rows, None] + np.random.default_rng(1).normal(size=(30, 1))
        expected = r2_score(drawn[rows], outputs[:, 0])
        assert task.scores(outputs, rows).mean() == pytest.approx(expected, abs=1e-6)
    assert task.scores(np.full((30, 1), np.inf), task.splits.test).max() == -np.inf


def test_lone_labels_are_learned_and_not_scored():
    labels = ["a", "b"] * 60 + [f"lone {n}" for n in range(10)]
    texts = [f"text {n}" for n in range(len(labels))]
    texts[0] = texts[-1]  # a text with two labels
    task = TuningTask(labelled(labels, texts=texts), "classification", 0)
    train = {labels[i] for i in task.splits.train}
    assert train == set(labels)
    lone = [i for i in range(120, 130) if i not in task.splits.train]
    assert lone == []
    assert (0 in task.splits.train) == (129 in task.splits.train)
    assert any("moved to train, which lacked their label" in note for note in task.notes)
    assert sorted(np.concatenate([*task.splits])) == list(range(130))


def test_labels_that_a_declared_part_alone_has():
    said = refusal(declared("ab" * 20, "abcccd" * 3, "abe" * 4))
    assert "no row of train has: 'c' (9), 'e' (4), 'd' (3); nothing can learn them" in said
    many = refusal(declared("ab" * 20, "cdefghijkl" * 3, "ab" * 5))
    assert (
        "'c' (3), 'd' (3), 'e' (3), 'f' (3), 'g' (3), 'h' (3), 'i' (3), 'j' (3) and 2 more" in many
    )
    several = declared(["x", "y"] * 10, ["x"] * 10, ["x;z", ""] * 5)
    assert "'z' (5)" in refusal(several, "multilabel")


def test_a_label_of_a_declared_dev_and_of_our_own_test():
    """Rows that we put in test ourselves can serve as train."""
    labels = ["a", "b"] * 30 + ["c"] * 12
    splits = [""] * 62 + ["dev"] * 10
    task = TuningTask(labelled(labels, splits), "classification", 0)
    assert {labels[i] for i in task.splits.train} == {"a", "b", "c"}


def test_labels_that_tell_nothing_apart():
    assert "every text has the label 'a'" in refusal(labelled(["a"] * 100))
    assert "90 labels for 100 texts" in refusal(labelled([str(n % 90) for n in range(100)]))
    assert "every text has the same labels (x, y)" in refusal(labelled(["x;y"] * 50), "multilabel")
    assert "every text has the same labels (none)" in refusal(labelled([""] * 50), "multilabel")
    unique = [f"x{n};y{n}" for n in range(50)]
    assert "100 labels for 50 texts" in refusal(labelled(unique), "multilabel")
    same = declared(["1.0", "2.0"] * 10, ["3.0"] * 10, ["1.0", "2.0"] * 5)
    assert "all 10 dev rows have the number 3" in refusal(same, "regression")


def test_too_many_lone_labels():
    labels = [label for n in range(30) for label in ("a", f"lone {n}")][:58]
    said = refusal(labelled([*labels, "a", "a"]))
    assert "too many labels name a single text" in said
    assert Counter(labels)["a"] > 1
