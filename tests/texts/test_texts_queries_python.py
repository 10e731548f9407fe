"""Retrieval data from what a Python caller has."""

from __future__ import annotations

import datasets
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from poolwise.errors import TextError
from poolwise.texts import queries_from

QUERIES = {"q1": "who purrs", "q2": "who barks"}
CORPUS = {"d1": {"title": "Cats", "text": "They purr."}, "d2": "Dogs bark."}
GRADES = {"q1": {"d1": 2, "d2": 0}, "q2": {"d2": 1}}
EXPECTED = {"who purrs": {"Cats They purr.": 2, "Dogs bark.": 0}, "who barks": {"Dogs bark.": 1}}

COLUMNS = (
    {"_id": [*QUERIES], "text": [*QUERIES.values()]},
    {"_id": ["d1", "d2"], "title": ["Cats", None], "text": ["They purr.", "Dogs bark."]},
    {
        "query-id": ["q1", "q1", "q2"],
        "corpus-id": ["d1", "d2", "d2"],
        "score": [2, 0, 1],
    },
)


def judged(data):
    return {
        query: {data.documents[place]: grade for place, grade in grades.items()}
        for query, grades in zip(data.queries, data.relevance, strict=True)
    }


def test_dicts_as_of_beir():
    data = queries_from(QUERIES, CORPUS, GRADES)
    assert judged(data) == EXPECTED
    assert data.name == "queries"
    assert queries_from(data) is data


@pytest.mark.parametrize("container", [set, list, tuple])
def test_relevant_documents_without_grades(container):
    data = queries_from(QUERIES, CORPUS, {"q1": container(["d1"]), "q2": container(["d2"])})
    assert judged(data) == {"who purrs": {"Cats They purr.": 1}, "who barks": {"Dogs bark.": 1}}


@pytest.mark.parametrize(
    "make", [dict, pd.DataFrame, pl.DataFrame, pa.table, datasets.Dataset.from_dict]
)
def test_tables(make):
    assert judged(queries_from(*map(make, COLUMNS))) == EXPECTED


def test_ids_may_be_numbers():
    queries = pd.DataFrame({"id": [1, 2], "text": ["who purrs", "who barks"]})
    data = queries_from(queries, {10: "Cats.", 11: "Dogs."}, {"1": {"10": 1}, 2: {11: 1}})
    assert judged(data) == {"who purrs": {"Cats.": 1}, "who barks": {"Dogs.": 1}}


@pytest.mark.parametrize(
    "make",
    [
        pd.DataFrame,
        pl.DataFrame,
        pa.table,
        datasets.Dataset.from_dict,
        lambda columns: [*zip(*columns.values(), strict=True)],
        lambda columns: [
            dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)
        ],
        lambda columns: tuple(columns.values()),
    ],
)
def test_positives(make):
    columns = {"query": ["who purrs", "who barks"], "positive": ["Cats.", "Dogs."]}
    assert judged(queries_from(make(columns))) == {
        "who purrs": {"Cats.": 1},
        "who barks": {"Dogs.": 1},
    }
    negatives = make({**columns, "negative": ["Fish.", "Cats."]})
    assert judged(queries_from(negatives)) == {
        "who purrs": {"Cats.": 1, "Fish.": 0},
        "who barks": {"Dogs.": 1, "Cats.": 0},
    }


def test_lists_of_negatives():
    frame = pd.DataFrame({"anchor": ["a"], "positive": ["b"], "negatives": [["c", "d"]]})
    assert judged(queries_from(frame)) == {"a": {"b": 1, "c": 0, "d": 0}}


def test_relevance_by_split():
    data = queries_from(QUERIES, CORPUS, {"q1": {"d1": 2, "d2": 0}}, test={"q2": {"d2": 1}})
    assert judged(data) == EXPECTED
    assert [*data.splits] == ["train", "test"]


def test_paths(write):
    folder = write("set/queries.jsonl", '{"_id": "q", "text": "x"}').parent
    write("set/corpus.jsonl", '{"_id": "d", "text": "y"}')
    qrels = write("set/qrels.tsv", "q\td\t1\n")
    expected = {"x": {"y": 1}}
    assert judged(queries_from(folder)) == judged(queries_from(str(folder))) == expected
    parts = folder / "queries.jsonl", str(folder / "corpus.jsonl"), [qrels]
    assert judged(queries_from(*parts)) == expected


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        (({"q": "x"}, {"d": "y"}, {"q": "d"}), "the query 'q' has 'd', expected"),
        (({"q": "x"}, {"d": "y"}, 7), r"queries \(relevance\): found int \(7\)"),
        (({"q": "x"}, {"d": 3}, {"q": {"d": 1}}), "'text' is a int, expected a text"),
        (({"q": "x"}, None, {"q": {"d": 1}}), "found no corpus"),
        (({"q": "x"}, {}, {"q": {"d": 1}}), "holds no documents"),
        (
            (pd.DataFrame({"id": ["q"], "text": ["x"]}),),
            r"positives; it has 'id', 'text'.*columns=…",
        ),
        (
            (QUERIES, CORPUS, pd.DataFrame({"query-id": ["q1"], "corpus-id": ["d1"]})),
            "cannot tell which column holds the grades .*name it with columns=…",
        ),
    ],
)
def test_wrong(parts, message):
    with pytest.raises(TextError, match=message):
        queries_from(*parts)
