"""Queries, corpus and relevance as arguments of sweep and ask."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from poolwise.api.inputs import as_datasets
from poolwise.api.read_options import read_options
from poolwise.errors import OptionError, TextError
from poolwise.selection.duplicates import with_groups

QUERIES = {"q1": "who purrs", "q2": "who barks"}
CORPUS = {"d1": "Cats purr.", "d2": "Dogs bark.", "d3": "Fish swim."}
GRADES = {"q1": {"d1": 1}, "q2": {"d2": 1}}
LABELS = [(f"a {word} number {n}", word) for n in range(40) for word in ("cat", "dog")]
POSITIVES = [("who purrs", "Cats purr."), ("who barks", "Dogs bark.")]


def datasets(**data):
    kinds = ("pairs", "labels", "tags", "queries", "texts")
    sets = {kind: data.pop(kind, None) for kind in kinds}
    return as_datasets(**sets, options=read_options(0, data))


def test_three_parts():
    [data] = datasets(queries=QUERIES, corpus=CORPUS, relevance=GRADES).queries
    assert [*data.relevance] == [{0: 1.0}, {1: 1.0}]
    assert data.name == "queries"


@pytest.mark.parametrize(
    ("queries", "names"),
    [
        (POSITIVES, ["queries"]),
        ([list(row) for row in POSITIVES], ["queries"]),
        (pd.DataFrame(POSITIVES, columns=["query", "positive"]), ["queries"]),
        ([pd.DataFrame(POSITIVES, columns=["query", "positive"])] * 2, ["queries 1", "queries 2"]),
    ],
)
def test_positives(queries, names):
    data = datasets(queries=queries).queries
    assert [one.name for one in data] == names
    assert all([*one.relevance] == [{0: 1.0}, {1: 1.0}] for one in data)


def test_limits():
    [data] = datasets(
        queries=QUERIES, corpus=CORPUS, relevance=GRADES, limit=1, corpus_limit=1
    ).queries
    assert (len(data), len(data.documents)) == (1, 1)


def test_columns():
    queries = pd.DataFrame({"key": [*QUERIES], "words": [*QUERIES.values()]})
    corpus = pd.DataFrame({"key": [*CORPUS], "words": [*CORPUS.values()]})
    [data] = datasets(
        queries=queries,
        corpus=corpus,
        relevance=GRADES,
        id_column="key",
        text_column="words",
    ).queries
    assert [*data.relevance] == [{0: 1.0}, {1: 1.0}]


def test_columns_beside_pairs_and_labels_are_theirs():
    pairs = pd.DataFrame({"a": ["x", "y"], "b": ["x", "z"], "c": [1.0, 2.0]})
    labels = pd.DataFrame(LABELS, columns=["words", "label"])
    found = datasets(
        pairs=pairs,
        labels=labels,
        queries=POSITIVES,
        columns=["a", "b", "c"],
        text_column="words",
    )
    assert [*found.queries[0].queries] == ["who purrs", "who barks"]
    assert [*found.pairs[0].first] == ["x", "y"]
    assert len(found.labels[0]) == len(LABELS)


def test_queries_from_labels():
    found = datasets(labels=LABELS, queries_from="labels")
    [data] = found.queries
    assert len(found.labels) == 1
    assert data.proxy.startswith("no real queries: ")
    assert len(data) + len(data.documents) == len(LABELS)


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        ({"queries": QUERIES, "corpus": CORPUS}, TextError, "found no relevance"),
        (
            {"labels": LABELS, "corpus": CORPUS},
            OptionError,
            "corpus and relevance belong to one set of queries; there are 0",
        ),
        (
            {"queries": ["a.csv", "b.csv"], "relevance": GRADES},
            OptionError,
            "corpus and relevance belong to one set of queries; there are 2",
        ),
        (
            {"texts": ["a"], "queries_from": "labels"},
            OptionError,
            "queries_from='labels' takes texts from labels; none are given",
        ),
        (
            {"labels": LABELS, "queries_from": "texts"},
            OptionError,
            "queries_from is 'texts', expected 'labels'",
        ),
        (
            {"queries": POSITIVES, "labels": LABELS, "test": LABELS},
            OptionError,
            "dev and test belong to one set of data; there are 2",
        ),
    ],
)
def test_wrong(data, error, message):
    with pytest.raises(error, match=message):
        datasets(**data)


def test_groups_cover_queries_and_documents(tiny):
    from poolwise.encoders import load

    queries = {"q1": "the cat", "q2": "The  Cat"}
    corpus = {"d1": "a dog", "d2": "A DOG", "d3": "the cat"}
    data = datasets(queries=queries, corpus=corpus, relevance={"q1": {"d1": 1}, "q2": {"d2": 1}})
    [grouped] = with_groups(load(tiny("bert")), data).queries
    groups = grouped.groups
    assert groups["the cat"] == groups["The  Cat"] != groups["a dog"]
    assert groups["a dog"] == groups["A DOG"]
    assert [*grouped.documents] == ["a dog", "A DOG", "the cat"]


def test_a_proxy_searches_no_text_that_reads_as_a_query(tiny):
    from poolwise.encoders import load

    # All alike beyond what is read of a text.
    texts = [("word " * 600 + str(n), "a") for n in range(30)] + LABELS
    encoder = load(tiny("bert"))
    data = datasets(labels=texts, queries_from="labels")
    [grouped] = with_groups(encoder, data).queries
    before = data.queries[0]
    alike = {grouped.groups[text] for text in grouped.queries}
    assert alike.isdisjoint(grouped.groups[text] for text in grouped.documents)
    assert len(grouped.documents) < len(before.documents)
    for query, grades in zip(grouped.queries, grouped.relevance, strict=True):
        label = dict(texts)[query]
        places = [i for i, text in enumerate(grouped.documents) if dict(texts)[text] == label]
        assert np.array_equal(sorted(grades), places)
