"""Scores of neighbours: scikit-learn's values query by query, and derivatives in texts' weights."""

import csv
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.neighbors import KNeighborsClassifier

from poolwise.statistics.clusters import factorize
from poolwise.statistics.neighbour_scores import (
    cosines,
    mean_average_precision,
    nearest_neighbours_accuracy,
    same_label_auc,
)

BANKING77 = Path(__file__).parents[2] / "examples" / "banking77.csv"
RANKED = {
    mean_average_precision: average_precision_score,
    same_label_auc: roc_auc_score,
}


def drawn(kind, n=150):
    """Cosines, labels and groups: even labels, rare, some that occur once, copies, ties."""
    rng = np.random.default_rng(5)
    shares = [0.9, 0.1] if kind == "rare" else np.full(6, 1 / 6)
    labels = rng.choice(len(shares), n, p=shares)
    vectors = rng.normal(size=(n, 12)) + 1.2 * rng.normal(size=(6, 12))[labels]
    groups = np.arange(n)
    if kind == "alone":
        labels[:7] = np.arange(7) + 20
    if kind == "copies":
        groups = rng.integers(0, n // 5, n)
        vectors, labels = vectors[groups] + rng.normal(size=(n, 12)) / 100, labels[groups]
        labels[:9] = rng.integers(0, 6, 9)
    similarities = cosines(vectors)
    return (similarities.round(1) if kind == "tied" else similarities), labels, groups


KINDS = ("even", "rare", "alone", "copies", "tied")


def by_query(metric, similarities, labels, groups, weights):
    """The weighted mean over queries of scikit-learn's score of each, documents weighted too."""
    total = mass = 0.0
    for q in range(len(labels)):
        others = groups != groups[q]
        relevant = labels[others] == labels[q]
        if relevant.any() and not relevant.all():
            value = metric(relevant, similarities[q, others], sample_weight=weights[others])
            total, mass = total + weights[q] * value, mass + weights[q]
    return total / mass


@pytest.mark.parametrize("score", RANKED)
@pytest.mark.parametrize("kind", KINDS)
def test_rankings_have_scikit_learns_values(score, kind):
    similarities, labels, groups = drawn(kind)
    value, influence = score(similarities, labels, groups)
    theirs = by_query(RANKED[score], similarities, labels, groups, np.ones(len(labels)))
    assert value == pytest.approx(theirs, abs=1e-12)
    assert influence.mean() == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("score", RANKED)
@pytest.mark.parametrize("kind", KINDS)
def test_influences_are_derivatives_in_the_texts_weights(score, kind):
    n, step = 40, 1e-5
    similarities, labels, groups = drawn(kind, n)
    some = np.array([0, 3, 8, 20, 33])
    numeric = np.empty(len(some))
    for at, i in enumerate(some):
        ends = [
            by_query(
                RANKED[score], similarities, labels, groups, 1 + sign * step * (np.arange(n) == i)
            )
            for sign in (1, -1)
        ]
        numeric[at] = n * (ends[0] - ends[1]) / (2 * step)
    _, influence = score(similarities, labels, groups)
    np.testing.assert_allclose(influence[some], numeric, atol=1e-6)


def voted(similarities, labels, groups, queries, left_out=None):
    """Hits of scikit-learn's classifier, each query's own texts (and a group) left out."""
    hits = np.zeros(len(labels))
    for q in np.flatnonzero(queries):
        others = np.flatnonzero((groups != groups[q]) & (groups != left_out))
        distances = 1 - similarities[q, others].astype(np.float64)
        # Neighbours by distances of no matrix: one feature that is the distance to the query at 0.
        neighbours = KNeighborsClassifier(5, weights=lambda d: 1 + 1e-3 * (1 - d))
        neighbours.fit(distances[:, None], labels[others])
        hits[q] = neighbours.predict([[0.0]])[0] == labels[q]
    return hits


def has_company(labels, groups):
    return np.array(
        [((labels == a) & (groups != g)).any() for a, g in zip(labels, groups, strict=True)]
    )


@pytest.mark.parametrize("kind", ["even", "rare", "alone", "copies"])
def test_votes_of_neighbours_are_scikit_learns(kind):
    similarities, labels, groups = drawn(kind)
    queries = has_company(labels, groups)
    hits = voted(similarities, labels, groups, queries)
    value, influence = nearest_neighbours_accuracy(similarities, labels, groups)
    assert value == pytest.approx(hits[queries].mean(), abs=1e-12)
    assert influence.mean() == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("kind", ["even", "copies"])
def test_a_documents_part_is_what_leaving_it_out_changes(kind):
    n = 40
    similarities, labels, groups = drawn(kind, n)
    labels %= 2
    queries = has_company(labels, groups)
    hits = voted(similarities, labels, groups, queries)
    surplus, moved = np.where(queries, hits - hits[queries].mean(), 0), np.zeros(n)
    for group in np.unique(groups):
        without = voted(similarities, labels, groups, queries & (groups != group), group)
        change = np.sum((hits - without)[queries & (groups != group)])
        moved[groups == group] += change / np.sum(groups == group)
    _, influence = nearest_neighbours_accuracy(similarities, labels, groups)
    # Shrunk, so that by groups it adds to the variance what both parts have in common.
    share = influence * queries.sum() / n - surplus
    fit = np.polynomial.Polynomial.fit(moved, share, 1).convert()
    np.testing.assert_allclose(share, fit(moved), atol=1e-12)
    scale = max(fit.coef[1], 0)
    assert scale > 0.1 or kind == "copies"
    by_group = [np.bincount(factorize(groups), weights=x) for x in (surplus, moved)]
    by_group[1] -= by_group[1].mean()
    common = max(by_group[0] @ by_group[1], 0)
    added = scale**2 * by_group[1] @ by_group[1] + 2 * scale * common
    assert added == pytest.approx(2 * common, abs=1e-12)


def test_more_neighbours_than_texts():
    similarities, labels, _ = drawn("even", 6)
    labels[:] = [0, 0, 0, 1, 1, 1]
    value, _ = nearest_neighbours_accuracy(similarities, labels, k=9)
    assert value == 0  # of five others, three have the other label


@pytest.mark.parametrize("score", [*RANKED, nearest_neighbours_accuracy])
def test_no_text_shares_its_label(score):
    similarities, _, groups = drawn("even", 20)
    value, influence = score(similarities, groups)
    assert np.isnan(value)
    assert np.isnan(influence).all()
    assert np.isnan(score(similarities, np.zeros(20))[0])
    copies = np.arange(20) // 2
    assert np.isnan(score(similarities, copies, copies)[0])
    with pytest.raises(ValueError, match="expected two"):
        score(similarities, copies, copies[:-1])


def test_cosines_of_vectors():
    vectors = np.random.default_rng(0).normal(size=(9, 4))
    vectors[3] = 0
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    np.testing.assert_allclose(cosines(vectors), unit @ unit.T, atol=1e-6)


@pytest.fixture(scope="module")
def questions(demo):
    """Cosines of 300 bank customers' questions, and their 77 labels."""
    with BANKING77.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    picked = np.random.default_rng(0).permutation(len(rows))[:300]
    vectors = demo.embed([rows[i]["text"] for i in picked], "mean@-1")
    return cosines(vectors), np.array([rows[i]["category"] for i in picked])


def test_real_questions_are_scored_as_scikit_learn_does(questions):
    similarities, labels = questions
    groups = np.arange(len(labels))
    for score, metric in RANKED.items():
        theirs = by_query(metric, similarities, labels, groups, np.ones(len(labels)))
        assert score(similarities, labels)[0] == pytest.approx(theirs, abs=1e-9)
    queries = has_company(labels, groups)
    hits = voted(similarities, labels, groups, queries)
    value, _ = nearest_neighbours_accuracy(similarities, labels)
    assert value == pytest.approx(hits[queries].mean(), abs=1e-9)
