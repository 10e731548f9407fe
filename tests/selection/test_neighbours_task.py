"""Mean average precision of texts' own labels: scikit-learn's, query by query."""

import csv
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import average_precision_score
from sklearn.metrics.pairwise import cosine_similarity

import poolwise
from poolwise.errors import StudyError
from poolwise.selection.tasks.neighbours_task import MAX_TEXTS, NeighboursTask
from poolwise.selection.vector_cache import cache_vectors
from poolwise.texts import LabelledTexts
from poolwise.transforms import fit

BANKING77 = Path(__file__).parents[2] / "examples" / "banking77.csv"


@pytest.fixture(scope="module")
def data():
    with BANKING77.open(encoding="utf-8", newline="") as file:
        rows = [(row["text"], row["category"]) for row in csv.DictReader(file)]
    usual = {label for label, _ in Counter(label for _, label in rows).most_common(4)}
    texts, labels = zip(*((text, label) for text, label in rows if label in usual), strict=True)
    return LabelledTexts("intents", texts, labels, [""] * len(texts), "hash")


@pytest.fixture(scope="module")
def cache(demo, data):
    return cache_vectors(demo, data.texts, [poolwise.parse("mean@-1")])


def mean_average_precision(cosines, labels, queries):
    labels = np.asarray(labels)
    others = [np.arange(len(labels)) != q for q in queries]
    return [
        average_precision_score(labels[o] == labels[q], cosines[q, o])
        for q, o in zip(queries, others, strict=True)
    ]


def test_it_is_scikit_learns_average_precision_by_query(data, cache):
    task = NeighboursTask(data, 0)
    x = cache["mean@-1"][cache.rows(data.texts)].astype(np.float64)
    expected = mean_average_precision(cosine_similarity(x), data.labels, range(len(data)))
    found = task.row_scores(cache, cache["mean@-1"])
    assert found.mean() == pytest.approx(np.mean(expected), abs=1e-4)


def test_a_querys_steps_are_fitted_without_its_fold(data, cache):
    task = NeighboursTask(data, 0)
    steps = poolwise.parse("mean@-1|whiten(32)")
    pooled, expected = cache["mean@-1"][cache.rows(data.texts)], np.empty(len(data))
    for _, fitted, rows in task.folds.divisions():
        x = fit(steps, pooled[fitted]).apply(pooled).astype(np.float64)
        expected[rows] = mean_average_precision(cosine_similarity(x), data.labels, rows)
    found = task.row_scores(cache, cache["mean@-1"], steps)
    assert found.mean() == pytest.approx(expected.mean(), abs=1e-3)


def test_one_vector_for_all_has_no_score(data, cache):
    task = NeighboursTask(data, 0)
    assert np.isnan(task.row_scores(cache, np.ones_like(cache["mean@-1"]))).all()


def test_chance_is_a_random_order(data, cache):
    task = NeighboursTask(data, 0)
    shares = np.bincount(np.unique(data.labels, return_inverse=True)[1]) / len(data)
    assert task.chance_scores().mean() == pytest.approx((shares**2).sum(), abs=0.03)


def test_of_many_texts_some_are_drawn_and_it_is_said():
    n = MAX_TEXTS + 500
    texts = [f"text {i}" for i in range(n)]
    task = NeighboursTask(LabelledTexts("many", texts, ["a", "b"] * (n // 2), [""] * n, "h"), 3)
    assert any("among 1,500 of the 2,000 texts, drawn by seed 3" in note for note in task.notes)


def test_without_two_texts_of_a_label_there_is_nothing_to_rank():
    texts = [f"text {i}" for i in range(80)]
    labels = ["a"] * 69 + ["b"] + ["a"] * 10
    splits = [""] * 70 + ["test"] * 10
    with pytest.raises(StudyError, match="no two texts of one label beside texts of another"):
        NeighboursTask(LabelledTexts("d", texts, labels, splits, "h"), 0)
