"""Queries that rank a corpus: scores against pytrec_eval and MTEB, prompts, what has no score."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import pytrec_eval

import poolwise
from poolwise.errors import OptionError, StudyError
from poolwise.selection.baselines.bm25 import bm25_scores
from poolwise.selection.duplicates import with_groups
from poolwise.selection.score_names import scored_kind
from poolwise.selection.tasks.ranking_scores import SHOWN, ranking_score
from poolwise.selection.tasks.retrieval_task import RetrievalTask
from poolwise.selection.vector_cache import cache_vectors
from poolwise.statistics.document_ranks import ranks_of_scores
from poolwise.texts import Datasets, RetrievalData

WORDS = (
    "the a an cat dog sat on mat and ran over hill old to sea house tree bird is was it of in with "
    "small big red saw man woman child they we you not no one two"
).split()


def draw(n_queries=60, n_documents=200, seed=0, **fields):
    """Random sentences; every fourth document is a copy of another."""
    rng = np.random.default_rng(seed)

    def sentence():
        return " ".join(rng.choice(WORDS, rng.integers(3, 9)))

    documents = [sentence() for _ in range(n_documents)]
    documents[::4] = documents[1::4]
    relevance = [
        {int(j): float(rng.integers(0, 3)) for j in rng.choice(n_documents, 6, replace=False)}
        for _ in range(n_queries)
    ]
    for judged in relevance:
        judged[next(iter(judged))] = 1.0
    made = {
        "name": "drawn",
        "query_ids": [f"q{i}" for i in range(n_queries)],
        "queries": [sentence() for _ in range(n_queries)],
        "document_ids": [f"d{i}" for i in rng.permutation(n_documents)],
        "documents": documents,
        "relevance": relevance,
        "splits": [""] * n_queries,
        "hash": f"drawn {seed}",
    }
    return RetrievalData(**{**made, **fields})


@pytest.fixture(scope="module")
def model(tiny):
    return poolwise.load(tiny("bert"))


READOUTS = ("mean@-1", "cls@1", "cls@0")


def cache_of(model, task):
    specs = [poolwise.parse(spec) for spec in READOUTS]
    return cache_vectors(model, [], specs, queries=task.data.queries, documents=task.documents)


def theirs(data, queries, documents, measures, skip=()):
    """pytrec_eval on all cosines of these vectors."""
    unit = [x / np.linalg.norm(x, axis=1, keepdims=True) for x in (queries, documents)]
    cosines = np.rint(unit[0] @ unit[1].T * (1 << 24)) / (1 << 24)
    run = {
        query: {
            document: score
            for document, score in zip(data.document_ids, row.tolist(), strict=True)
            if (query, document) not in skip
        }
        for query, row in zip(data.query_ids, cosines, strict=True)
    }
    qrels = {
        query: {data.document_ids[j]: int(grade) for j, grade in judged.items()}
        for query, judged in zip(data.query_ids, data.relevance, strict=True)
    }
    results = pytrec_eval.RelevanceEvaluator(qrels, measures).evaluate(run)
    return {m: [results[q][m] for q in data.query_ids] for m in results[data.query_ids[0]]}


@pytest.mark.parametrize("spec", ["mean@-1", "mean@-1|standardize", "mean@-1|whiten(8)|l2"])
def test_rows_are_the_queries_scores_by_trec_eval(model, spec):
    task = RetrievalTask(draw(), 0)
    cache, readout = cache_of(model, task), poolwise.parse(spec)
    vectors = cache[str(readout.pooled)]
    scores = task.row_scores(cache, vectors, readout)
    fitted = poolwise.transforms.fit(readout, vectors[cache.rows(task.fit_texts, "document")])
    queries = fitted.apply(vectors[cache.rows(task.data.queries, "query")]).astype(np.float64)
    documents = fitted.apply(vectors[cache.rows(task.documents, "document")]).astype(np.float64)
    expected = theirs(task.data, queries, documents, {"ndcg_cut.10", "map"})
    np.testing.assert_allclose(scores, expected["ndcg_cut_10"], atol=1e-9)
    by_map = RetrievalTask(draw(), 0, "map")
    assert by_map.score == "MAP"
    np.testing.assert_allclose(
        by_map.row_scores(cache, vectors, readout), expected["map"], atol=1e-9
    )


def test_a_document_of_the_querys_own_id_is_not_ranked(model):
    data = draw(document_ids=[f"q{i}" for i in range(200)])
    task = RetrievalTask(data, 0)
    cache = cache_of(model, task)
    vectors = cache["mean@-1"].astype(np.float64)
    own = {(query, query) for query in data.query_ids}
    queries = vectors[cache.rows(data.queries, "query")]
    documents = vectors[cache.rows(task.documents, "document")]
    expected = theirs(data, queries, documents, {"ndcg_cut.10"}, skip=own)
    scores = task.row_scores(cache, cache["mean@-1"])
    np.testing.assert_allclose(scores, expected["ndcg_cut_10"], atol=1e-9)


def test_equal_vectors_have_no_ranking(model):
    task = RetrievalTask(draw(), 0)
    cache = cache_of(model, task)
    assert np.isnan(task.row_scores(cache, cache["cls@0"])).all()
    standardized = poolwise.parse("cls@0|standardize")
    assert np.isnan(task.row_scores(cache, cache["cls@0"], standardized)).all()


def test_an_empty_query_has_no_score_and_an_empty_document_no_rank(model):
    data = draw()
    queries, documents = list(data.queries), list(data.documents)
    queries[3] = ""
    gone = next(j for j, grade in data.relevance[5].items() if grade > 0)
    documents[gone] = "  "
    task = RetrievalTask(draw(queries=queries, documents=documents), 0, "recall@200")
    cache = cache_of(model, task)
    scores = task.row_scores(cache, cache["mean@-1"])
    assert np.flatnonzero(np.isnan(scores)).tolist() == [3]
    n_relevant = sum(grade > 0 for grade in data.relevance[5].values())
    assert scores[5] == (n_relevant - 1) / n_relevant


def test_copies_as_the_encoder_reads_them_are_one_text(model):
    data = draw()
    queries = [*data.queries[:-1], data.queries[0].upper()]
    documents = [*data.documents[:-1], data.documents[0].upper()]
    grouped = with_groups(model, Datasets(queries=[draw(queries=queries, documents=documents)]))
    task = RetrievalTask(grouped.queries[0], 0)
    assert task.groups[-1] == task.groups[0]
    assert task.documents[-1] == task.documents[0]
    assert len(task.fit_texts) == len(set(task.documents))


def test_bad_data_are_said():
    with pytest.raises(StudyError, match="no query has a relevant document"):
        RetrievalTask(draw(relevance=[{0: 0.0}] * 60), 0)
    with pytest.raises(StudyError, match="20 rows to choose a readout on"):
        RetrievalTask(draw(n_queries=20), 0)


def test_the_score_of_chance_is_that_of_random_vectors(model):
    task = RetrievalTask(draw(n_queries=400), 0)
    cache = cache_of(model, task)
    noise = np.random.default_rng(0).normal(size=(len(cache), 16)).astype(np.float32)
    difference = task.row_scores(cache, noise).mean() - task.chance_scores().mean()
    assert abs(difference) < 0.02


def test_shuffled_relevance_is_another_querys():
    task = RetrievalTask(draw(), 0)
    shuffled = task.shuffled().data.relevance
    assert sorted(map(str, shuffled)) == sorted(map(str, task.data.relevance))
    pairs = zip(shuffled, task.data.relevance, strict=True)
    assert not any(a is b for a, b in pairs)


@pytest.mark.parametrize(
    ("given", "name"),
    [("ndcg@10", "nDCG@10"), ("MAP", "MAP"), ("recall@100", "recall@100"), ("mrr@5", "MRR@5")],
)
def test_scores_have_names(given, name):
    assert ranking_score(given).name == name
    assert scored_kind(given) == "queries"


@pytest.mark.parametrize("name", ["ndcg", "recall@0", "F2", "recall@5000", "ndcg@x"])
def test_what_is_no_score_is_said(name):
    with pytest.raises(OptionError, match="score is"):
        scored_kind(name)


def test_label_scores_keep_their_kind():
    assert scored_kind("macro-F1") == scored_kind("average precision") == "labels"
    assert not {scored_kind(name) for name in SHOWN} - {"queries"}


def test_bm25_is_that_of_bm25s():
    import bm25s

    data = draw()
    index = bm25s.BM25()
    index.index(bm25s.tokenize(data.documents, stopwords=None, show_progress=False))
    tokens = bm25s.tokenize(data.queries, stopwords=None, show_progress=False)
    found, scores = index.retrieve(tokens, k=200, show_progress=False)
    task = RetrievalTask(data, 0)
    judged = task.judged.relevant
    ranks = ranks_of_scores(
        bm25_scores(data.documents, data.queries), judged, task.precedence, task.same_id
    )
    run = {
        query: {
            data.document_ids[j]: float(score)
            for j, score in zip(row.tolist(), of_row.tolist(), strict=True)
            if score > 0
        }
        for query, row, of_row in zip(data.query_ids, found, scores, strict=True)
    }
    qrels = {
        query: {data.document_ids[j]: int(grade) for j, grade in judged.items()}
        for query, judged in zip(data.query_ids, data.relevance, strict=True)
    }
    results = pytrec_eval.RelevanceEvaluator(qrels, {"ndcg_cut.10"}).evaluate(run)
    expected = [results.get(query, {}).get("ndcg_cut_10", 0.0) for query in data.query_ids]
    np.testing.assert_allclose(ranking_score("ndcg@10").of(ranks, judged), expected, atol=1e-9)


def test_queries_and_documents_have_prompts_of_their_own(tiny, tmp_path, modules):
    folder = shutil.copytree(tiny("bert"), tmp_path / "folder")
    modules(folder, "mean")
    prompts = {"query": "find the cat ", "document": "old house "}
    (folder / "config_sentence_transformers.json").write_text(json.dumps({"prompts": prompts}))
    model = poolwise.load(folder)
    task = RetrievalTask(draw(queries=draw().documents[:60]), 0)
    cache = cache_of(model, task)
    for kind, texts in {"query": task.data.queries, "document": task.documents}.items():
        vectors = cache["mean@-1"][cache.rows(texts, kind)]
        expected = model.embed(texts, "mean@-1", prompt=prompts[kind])
        np.testing.assert_allclose(vectors, expected, atol=1e-6)
    other = model.prompted_as("query", "the bird ")
    assert (other.kind_prompt("query"), other.kind_prompt("document")) == (
        "the bird ",
        "old house ",
    )
    assert model.prompted("a ").kind_prompt("query") == "a "
