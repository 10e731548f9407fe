"""Scores of rankings against pytrec_eval and ranx, ties and copies included."""

import math
from itertools import permutations

import numpy as np
import pytest
import pytrec_eval

from poolwise.statistics import random_ranking
from poolwise.statistics.document_ranks import GRID, NOT_RETRIEVED, Corpus, document_ranks
from poolwise.statistics.retrieval_scores import (
    Judgements,
    average_precision,
    ndcg,
    precision,
    recall,
    reciprocal_rank,
)

SCORES = {
    "ndcg_cut_10": (ndcg, 10),
    "ndcg_cut_3": (ndcg, 3),
    "ndcg": (ndcg, math.inf),
    "recall_10": (recall, 10),
    "recall_100": (recall, 100),
    "P_1": (precision, 1),
    "P_5": (precision, 5),
    "map": (average_precision, math.inf),
    "map_cut_10": (average_precision, 10),
    "recip_rank": (reciprocal_rank, math.inf),
}


def unit(x):
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def draw(seed, n_queries=40, n_documents=300, d=6, copies=True):
    """Queries and documents of small integer coordinates, so that many cosines are equal."""
    rng = np.random.default_rng(seed)
    queries = unit(rng.integers(1, 4, (n_queries, d)).astype(np.float64))
    documents = rng.integers(-2, 4, (n_documents, d)).astype(np.float64)
    documents[(documents == 0).all(axis=1)] = 1.0
    documents = unit(documents) if copies else unit(rng.normal(size=(n_documents, d)))
    relevance = [
        {int(j): int(rng.integers(0, 4)) for j in rng.choice(n_documents, size, replace=False)}
        for size in rng.integers(1, 30, n_queries)
    ]
    for judged in relevance:
        judged[next(iter(judged))] = 2
    ids = [f"d{number}" for number in rng.permutation(n_documents)]
    return queries, documents, relevance, ids


def precedence(ids):
    """Of equal scores trec_eval ranks the higher id first."""
    places = np.empty(len(ids), np.intp)
    places[np.argsort(ids)] = np.arange(len(ids))
    return places


def ranks_of(queries, documents, relevance, ids, left_out=None):
    judged = Judgements.of(relevance).relevant
    corpus = Corpus(lambda rows: documents[rows], precedence(ids))
    none = np.full(len(queries), -1) if left_out is None else left_out
    ranks, _ = document_ranks(queries, corpus, judged, none)
    return judged, ranks


def run_of(queries, documents, ids):
    cosines = np.rint(queries @ documents.T * GRID) / GRID
    return {f"q{i}": dict(zip(ids, row.tolist(), strict=True)) for i, row in enumerate(cosines)}


def qrels_of(relevance, ids):
    return {
        f"q{i}": {ids[j]: int(grade) for j, grade in judged.items()}
        for i, judged in enumerate(relevance)
    }


@pytest.mark.parametrize("copies", [True, False])
def test_scores_are_those_of_trec_eval(copies):
    queries, documents, relevance, ids = draw(1, copies=copies)
    judged, ranks = ranks_of(queries, documents, relevance, ids)
    measures = {"ndcg_cut.3,10", "ndcg", "recall.10,100", "P.1,5", "map", "map_cut.10"}
    evaluator = pytrec_eval.RelevanceEvaluator(qrels_of(relevance, ids), measures | {"recip_rank"})
    theirs = evaluator.evaluate(run_of(queries, documents, ids))
    for name, (score, k) in SCORES.items():
        values = [theirs[f"q{i}"][name] for i in range(len(queries))]
        np.testing.assert_allclose(score(ranks, judged, k), values, atol=1e-9, err_msg=name)
    assert copies == (len(np.unique(ranks_in_full(queries, documents))) < documents.shape[0])


def ranks_in_full(queries, documents):
    """The different cosines of the first query."""
    return np.rint(queries[0] @ documents.T * GRID)


def test_scores_are_those_of_ranx():
    ranx = pytest.importorskip("ranx")
    queries, documents, relevance, ids = draw(2, copies=False)
    judged, ranks = ranks_of(queries, documents, relevance, ids)
    qrels = ranx.Qrels(qrels_of(relevance, ids))
    run = ranx.Run(run_of(queries, documents, ids))
    names = {"ndcg@10": ndcg, "mrr@10": reciprocal_rank, "recall@10": recall, "map@10": None}
    for name, score in names.items():
        theirs = ranx.evaluate(qrels, run, name, return_mean=False)
        ours = (score or average_precision)(ranks, judged, 10)
        order = [int(query[1:]) for query in sorted(run_of(queries, documents, ids))]
        np.testing.assert_allclose(ours[order], theirs, atol=1e-9, err_msg=name)


def test_blocks_change_nothing(monkeypatch):
    queries, documents, relevance, ids = draw(3)
    whole = ranks_of(queries, documents, relevance, ids)[1]
    for name, size in {"DOCUMENTS": 7, "QUERIES": 3, "PAIRS": 5}.items():
        monkeypatch.setattr(f"poolwise.statistics.document_ranks.{name}", size)
    assert np.array_equal(ranks_of(queries, documents, relevance, ids)[1], whole)


def test_a_document_left_out_ranks_nowhere_and_above_nobody():
    queries, documents, relevance, ids = draw(4)
    left_out = np.array([next(iter(judged)) for judged in relevance])
    left_out[::2] = 299
    judged, ranks = ranks_of(queries, documents, relevance, ids, left_out)
    run = run_of(queries, documents, ids)
    for i, document in enumerate(left_out.tolist()):
        del run[f"q{i}"][ids[document]]
    qrels = qrels_of(relevance, ids)
    theirs = pytrec_eval.RelevanceEvaluator(qrels, {"map", "ndcg_cut.10"}).evaluate(run)
    values = [theirs[f"q{i}"]["map"] for i in range(len(queries))]
    np.testing.assert_allclose(average_precision(ranks, judged, math.inf), values, atol=1e-9)
    own = judged.documents == left_out[judged.queries]
    assert (ranks[own] == NOT_RETRIEVED).all()
    assert own.any()


def test_queries_without_relevant_documents_have_no_score():
    judged = Judgements.of([{0: 1.0}, {1: 0.0}, {}]).relevant
    ranks = np.array([2.0])
    for score in (ndcg, recall, precision, reciprocal_rank, average_precision):
        assert np.isnan(score(ranks, judged, 10)).tolist() == [False, True, True]


RANDOM = {
    ndcg: random_ranking.random_ndcg,
    recall: random_ranking.random_recall,
    precision: random_ranking.random_precision,
    reciprocal_rank: random_ranking.random_reciprocal_rank,
    average_precision: random_ranking.random_average_precision,
}


@pytest.mark.parametrize("k", [1, 3, 6])
@pytest.mark.parametrize("score", RANDOM, ids=lambda score: score.__name__)
def test_the_score_of_a_random_order_is_the_mean_over_all_orders(score, k):
    judged = Judgements.of([{0: 1.0, 3: 2.0, 4: 1.0}, {2: 3.0}, {5: 0.0}]).relevant
    orders = np.array(list(permutations(range(1, 7))), np.float64)
    values = [score(ranks[judged.documents], judged, k) for ranks in orders]
    expected = np.mean(values, axis=0)
    np.testing.assert_allclose(RANDOM[score](judged, 6, k), expected, atol=1e-12)
