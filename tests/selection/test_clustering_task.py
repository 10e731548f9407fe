"""Clusters of k-means against labels: MTEB's own numbers, seed by seed."""

import csv
import random
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import adjusted_mutual_info_score, v_measure_score

import poolwise
from poolwise.errors import StudyError
from poolwise.selection.tasks.clustering_task import SEEDS, ClusteringTask
from poolwise.selection.vector_cache import cache_vectors
from poolwise.texts import LabelledTexts
from poolwise.transforms import fit

BANKING77 = Path(__file__).parents[2] / "examples" / "banking77.csv"
READOUT = "mean@-1"


@pytest.fixture(scope="module")
def data():
    with BANKING77.open(encoding="utf-8", newline="") as file:
        rows = [(row["text"], row["category"]) for row in csv.DictReader(file)]
    usual = {label for label, _ in Counter(label for _, label in rows).most_common(4)}
    texts, labels = zip(*((text, label) for text, label in rows if label in usual), strict=True)
    return LabelledTexts("intents", texts, labels, [""] * len(texts), "hash")


@pytest.fixture(scope="module")
def cache(demo, data):
    return cache_vectors(demo, data.texts, [poolwise.parse(READOUT)])


class AllRows(random.Random):
    """Draws all rows, in order, where MTEB draws some with replacement."""

    def choices(self, population, k):
        assert k == len(population)
        return list(population)


def test_it_is_mtebs_clustering_of_the_same_rows(data, cache):
    bootstrapped = pytest.importorskip("mteb.abstasks.clustering")._evaluate_clustering_bootstrapped
    x = cache[READOUT][cache.rows(data.texts)]
    theirs = []
    for seed in range(SEEDS):
        scores, _ = bootstrapped(
            x,
            [[label] for label in data.labels],
            n_clusters=1,
            cluster_size=len(x),
            kmean_batch_size=512,
            max_depth=None,
            rng_state=AllRows(),
            seed=seed,
        )
        theirs.append([scores[name]["Level 0"][0] for name in ("v_measure", "ami")])
    v_measure, adjusted_information = np.mean(theirs, axis=0)
    task = ClusteringTask(data, 0)
    ours = task.row_scores(cache, cache[READOUT])
    assert ours.mean() == pytest.approx(v_measure, abs=1e-6)
    adjusted = task.with_score("adjusted mutual information")
    ours = adjusted.row_scores(cache, cache[READOUT])
    assert ours.mean() == pytest.approx(adjusted_information, abs=1e-6)


def test_the_score_is_the_mean_over_seeds(data, cache):
    task = ClusteringTask(data, 3)
    clusters = task.clusters(cache, cache[READOUT])
    assert clusters.shape == (SEEDS, len(data))
    expected = [v_measure_score(data.labels, assigned) for assigned in clusters]
    assert task.pseudo_values(clusters).mean() == pytest.approx(np.mean(expected), abs=1e-9)
    few = task.screen().row_scores(cache, cache[READOUT])
    assert few.mean() == pytest.approx(np.mean(expected[:3]), abs=1e-9)


def test_steps_are_fitted_on_the_texts_and_applied(data, cache):
    task, steps = ClusteringTask(data, 0), poolwise.parse(f"{READOUT}|whiten(16)|l2")
    x = cache[READOUT][cache.rows(data.texts)]
    by_hand = dict(zip(cache.texts, fit(steps, x).apply(cache[READOUT]), strict=True))
    plain = np.stack([by_hand[text] for text in cache.texts])
    found = task.row_scores(cache, cache[READOUT], steps)
    np.testing.assert_allclose(found, task.row_scores(cache, plain), atol=1e-9)


def test_rows_of_test_are_clustered_by_themselves(data, cache):
    splits = ["test" if i % 3 == 0 else "" for i in range(len(data))]
    declared = LabelledTexts("intents", data.texts, data.labels, splits, "hash")
    task = ClusteringTask(declared, 0)
    clusters = task.clusters(cache, cache[READOUT])
    rows = task.folds.report_rows
    expected = [
        v_measure_score(np.array(data.labels)[rows], assigned[rows]) for assigned in clusters
    ]
    scores = task.pseudo_values(clusters)
    assert scores[rows].mean() == pytest.approx(np.mean(expected), abs=1e-9)


def test_shuffled_labels_are_chance_by_adjusted_information_and_above_0_by_v_measure(data, cache):
    task = ClusteringTask(data, 0)
    clusters, shuffled = task.clusters(cache, cache[READOUT]), task.shuffled_labels(1)
    assert 0 < task.pseudo_values(clusters, shuffled).mean() < 0.02
    adjusted = task.with_score("adjusted mutual information")
    expected = np.mean([adjusted_mutual_info_score(shuffled, a) for a in clusters])
    assert adjusted.pseudo_values(clusters, shuffled).mean() == pytest.approx(expected, abs=1e-9)
    assert abs(expected) < 0.01
    assert 0 < task.chance_scores().mean() < 0.02


def test_one_vector_for_all_has_no_score(data, cache):
    task = ClusteringTask(data, 0)
    assert np.isnan(task.row_scores(cache, np.ones_like(cache[READOUT]))).all()


def test_copies_are_one_text_in_clusters_drawn_at_random():
    texts = [f"text {i // 5}" for i in range(500)]
    labels = [f"label {i // 5 % 4}" for i in range(500)]
    task = ClusteringTask(LabelledTexts("copies", texts, labels, [""] * 500, "h"), 0)
    alone = ClusteringTask(
        LabelledTexts("texts", [f"text {i}" for i in range(500)], labels, [""] * 500, "h"), 0
    )
    assert task.chance_scores().mean() > 3 * alone.chance_scores().mean()


def test_a_split_of_one_label_is_an_error():
    texts, labels = [f"text {i}" for i in range(80)], ["a", "b"] * 35 + ["a"] * 10
    splits = [""] * 70 + ["test"] * 10
    with pytest.raises(StudyError, match="the 10 rows of one split all have the label 'a'"):
        ClusteringTask(LabelledTexts("d", texts, labels, splits, "h"), 0)


def test_numbers_are_no_clusters():
    texts, labels = [f"text {i}" for i in range(80)], [f"{i / 7:.3f}" for i in range(80)]
    with pytest.raises(StudyError, match="the labels are numbers"):
        ClusteringTask(LabelledTexts("d", texts, labels, [""] * 80, "h"), 0)
