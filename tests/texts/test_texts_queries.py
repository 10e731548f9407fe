"""Queries, a corpus and relevance from every form that they come in."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import lzma
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import pytrec_eval
from hypothesis import given, settings
from hypothesis import strategies as st

from poolwise.texts import RetrievalData, open_queries

EXAMPLE = Path(__file__).parents[2] / "examples" / "banking77-retrieval"

CORPUS = {"d1": ("Cats", "They purr."), "d2": ("", "Dogs bark."), "d3": ("Fish", "")}
QUERIES = {"q1": "who purrs", "q2": "who barks", "q3": "who swims"}
RELEVANCE = [("q1", "d1", 2), ("q1", "d2", 0), ("q2", "d2", 1), ("q3", "d3", 1)]

JSON_CORPUS = "".join(
    json.dumps({"_id": i, "title": title, "text": text, "metadata": {}}) + "\n"
    for i, (title, text) in CORPUS.items()
)
JSON_QUERIES = "".join(json.dumps({"_id": i, "text": t}) + "\n" for i, t in QUERIES.items())
BEIR_QRELS = "query-id\tcorpus-id\tscore\n" + "".join(f"{q}\t{d}\t{g}\n" for q, d, g in RELEVANCE)
TREC_QRELS = "".join(f"{q} 0 {d} {g}\n" for q, d, g in RELEVANCE)
GRADES = {"q1": {"d1": 2, "d2": 0}, "q2": {"d2": 1}, "q3": {"d3": 1}}


def judged(data: RetrievalData) -> dict[str, dict[str, float]]:
    """The grades, by the texts of query and document."""
    return {
        query: {data.documents[place]: grade for place, grade in grades.items()}
        for query, grades in zip(data.queries, data.relevance, strict=True)
    }


EXPECTED = {
    "who purrs": {"Cats They purr.": 2, "Dogs bark.": 0},
    "who barks": {"Dogs bark.": 1},
    "who swims": {"Fish": 1},
}


@pytest.fixture
def beir(write):
    """A folder in BEIR's layout, with the queries of each split."""

    def beir(**splits: str) -> Path:
        write("set/corpus.jsonl", JSON_CORPUS)
        write("set/queries.jsonl", JSON_QUERIES)
        for split, queries in splits.items():
            rows = [row for row in RELEVANCE if row[0] in queries.split()]
            lines = "".join(f"{q}\t{d}\t{g}\n" for q, d, g in rows)
            path = write("set/queries.jsonl", JSON_QUERIES).parent / "qrels" / f"{split}.tsv"
            path.parent.mkdir(exist_ok=True)
            path.write_text(f"query-id\tcorpus-id\tscore\n{lines}")
        return path.parents[1]

    return beir


def test_a_folder_of_beir(beir):
    data = open_queries(str(beir(train="q1", dev="q2", test="q3")))
    assert judged(data) == EXPECTED
    assert data.name == "set"
    assert [*data.query_ids] == ["q1", "q2", "q3"]
    assert [*data.document_ids] == ["d1", "d2", "d3"]
    assert [*data.splits] == ["train", "dev", "test"]
    assert not data.proxy


def test_queries_of_one_split_have_none(beir):
    data = open_queries(str(beir(test="q1 q2 q3")))
    assert {*data.splits} == {""}
    assert "all queries are of the split test, so it is divided" in data.notes


def test_queries_that_are_not_judged_are_left_out(beir):
    data = open_queries(str(beir(test="q2")))
    assert judged(data) == {"who barks": {"Dogs bark.": 1}}
    assert "2 queries have no relevant document; left out" in data.notes


def test_the_folder_that_ships():
    data = open_queries(str(EXAMPLE))
    assert (len(data), len(data.documents)) == (1155, 77)
    with (EXAMPLE.parent / "banking77.csv").open(encoding="utf-8") as file:
        intents = {(row["text"], row["category"]) for row in csv.DictReader(file)}
    for query, grades in zip(data.queries, data.relevance, strict=True):
        [(place, grade)] = grades.items()
        assert (query, data.document_ids[place]) in intents
        assert grade == 1


def table_of(rows, suffix):
    names = [*rows[0]]
    if suffix == ".parquet":
        stored = io.BytesIO()
        pq.write_table(pa.Table.from_pylist(rows), stored)
        return stored.getvalue()
    if suffix == ".jsonl":
        return "".join(json.dumps(row) + "\n" for row in rows).encode()
    stored = io.StringIO()
    writer = csv.DictWriter(stored, names, delimiter="," if suffix == ".csv" else "\t")
    writer.writeheader()
    writer.writerows(rows)
    return stored.getvalue().encode()


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".parquet"])
def test_three_tables(write, suffix):
    queries = [{"qid": i, "query": text} for i, text in QUERIES.items()]
    corpus = [{"docid": i, "title": t, "contents": text} for i, (t, text) in CORPUS.items()]
    grades = [{"query_id": q, "doc_id": d, "relevance": g} for q, d, g in RELEVANCE]
    files = [
        str(write(f"{name}{suffix}", table_of(rows, suffix)))
        for name, rows in (("queries", queries), ("corpus", corpus), ("qrels", grades))
    ]
    assert judged(open_queries(*files)) == EXPECTED


RELEVANCE_FILES = {
    "trec.qrels": TREC_QRELS,
    "trec.txt": TREC_QRELS.replace(" ", "\t"),
    "beir.tsv": BEIR_QRELS,
    "headless.tsv": BEIR_QRELS.split("\n", 1)[1],
    "headless.csv": BEIR_QRELS.split("\n", 1)[1].replace("\t", ","),
    "beir.csv": BEIR_QRELS.replace("\t", ","),
    "grades.json": json.dumps(GRADES),
    "indented.json": json.dumps(GRADES, indent=2),
    "lines.jsonl": "".join(
        json.dumps({"query-id": q, "corpus-id": d, "score": g}) + "\n" for q, d, g in RELEVANCE
    ),
}


@pytest.mark.parametrize("name", list(RELEVANCE_FILES))
def test_relevance(write, name):
    queries, corpus = write("q.jsonl", JSON_QUERIES), write("c.jsonl", JSON_CORPUS)
    relevance = write(name, RELEVANCE_FILES[name])
    assert judged(open_queries(str(queries), str(corpus), str(relevance))) == EXPECTED


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_compressed(write, pack):
    suffix = {gzip.compress: "gz", bz2.compress: "bz2", lzma.compress: "xz"}[pack]
    write(f"set/corpus.jsonl.{suffix}", pack(JSON_CORPUS.encode()))
    folder = write(f"set/queries.jsonl.{suffix}", pack(JSON_QUERIES.encode())).parent
    write(f"set/qrels.tsv.{suffix}", pack(BEIR_QRELS.encode()))
    assert judged(open_queries(str(folder))) == EXPECTED


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1"])
def test_encodings(write, encoding):
    queries = write("q.tsv", "id\ttext\nq1\tnaïve\n".encode(encoding))
    corpus = write("c.tsv", "id\ttext\nd1\tüber\n".encode(encoding))
    qrels = write("r.txt", "q1 0 d1 1\n".encode(encoding))
    data = open_queries(str(queries), str(corpus), str(qrels), encoding=encoding)
    assert judged(data) == {"naïve": {"über": 1}}


def test_standard_input_and_ids_without_a_header(write, feed):
    corpus = write("collection.tsv", "1\tCats purr.\n2\tDogs bark.\n")
    feed(b"7\twho barks\n")
    data = open_queries("-", str(corpus), str(write("q.qrels", "7 0 2 1\n")))
    assert judged(data) == {"who barks": {"Dogs bark.": 1}}


def test_named_columns(write):
    queries = write("q.csv", "key,words,text\na,who barks,x\n")
    corpus = write("c.csv", "key,words,text\nb,Dogs bark.,y\n")
    relevance = write("r.csv", "how,left,right\n1,a,b\n")
    data = open_queries(
        str(queries),
        str(corpus),
        str(relevance),
        id_column="key",
        text_column="words",
        columns=["left", "right", "how"],
    )
    assert judged(data) == {"who barks": {"Dogs bark.": 1}}


def test_relevance_by_split(write):
    queries, corpus = write("q.jsonl", JSON_QUERIES), write("c.jsonl", JSON_CORPUS)
    train = write("a.txt", "q1 0 d1 2\nq1 0 d2 0\nq2 0 d2 1")
    test = write("b.txt", "q3 0 d3 1\nq2 0 d2 1\n")
    data = open_queries(str(queries), str(corpus), str(train), test=str(test))
    assert judged(data) == EXPECTED
    assert [*data.splits] == ["train", "test", "test"]
    assert any("1 judgment puts a query into another split" in note for note in data.notes)


POSITIVES = [
    {"anchor": "who purrs", "positive": "Cats.", "negative_1": "Dogs.", "negative_2": "Fish."},
    {"anchor": "who barks", "positive": "Dogs.", "negative_1": "Cats.", "negative_2": ""},
    {"anchor": "who purrs", "positive": "Lions.", "negative_1": "", "negative_2": ""},
]
EXPECTED_POSITIVES = {
    "who purrs": {"Cats.": 1, "Dogs.": 0, "Fish.": 0, "Lions.": 1},
    "who barks": {"Dogs.": 1, "Cats.": 0},
}


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".parquet"])
def test_positives_and_negatives(write, suffix):
    data = open_queries(str(write(f"p{suffix}", table_of(POSITIVES, suffix))))
    assert judged(data) == EXPECTED_POSITIVES
    assert [*data.documents] == ["Cats.", "Dogs.", "Fish.", "Lions."]
    assert [*data.query_ids] == ["1", "2"]


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
@pytest.mark.parametrize(
    "names", [("query", "pos", "neg"), ("question", "answers", "hard_negatives")]
)
def test_lists_of_positives(write, suffix, names):
    query, positive, negative = names
    rows = [
        {query: "who purrs", positive: ["Cats.", "Lions."], negative: ["Dogs.", "Fish."]},
        {query: "who barks", positive: ["Dogs."], negative: ["Cats."]},
    ]
    assert judged(open_queries(str(write(f"p{suffix}", table_of(rows, suffix))))) == (
        EXPECTED_POSITIVES
    )


def test_positives_in_named_columns_and_splits(write):
    train = write("a.csv", "b,a\nCats.,who purrs\n")
    test = write("b.csv", "b,a\nDogs.,who barks\n")
    data = open_queries(str(train), test=str(test), columns=["a", "b"])
    assert judged(data) == {"who purrs": {"Cats.": 1}, "who barks": {"Dogs.": 1}}
    assert [*data.splits] == ["train", "test"]


def test_trec_qrels_are_read_as_trec_eval_reads_them(write):
    lines = "".join(f"q{n % 7} 0 d{n} {n % 4 - 1}\n" for n in range(60))
    qrels = write("r.qrels", lines)
    with qrels.open() as file:
        theirs = pytrec_eval.parse_qrel(file)
    queries = write("q.tsv", "".join(f"q{n}\tquery {n}\n" for n in range(7)))
    corpus = write("c.tsv", "".join(f"d{n}\ttext {n}\n" for n in range(60)))
    data = open_queries(str(queries), str(corpus), str(qrels))
    assert {
        query: {data.document_ids[place]: grade for place, grade in grades.items()}
        for query, grades in zip(data.query_ids, data.relevance, strict=True)
    } == {q: {d: max(grade, 0) for d, grade in row.items()} for q, row in theirs.items()}


TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc", "Z"]), min_size=1)
SETS = st.dictionaries(TEXT, st.dictionaries(TEXT, st.integers(0, 3), min_size=1), min_size=1)


@given(SETS)
@settings(max_examples=30, deadline=None)
def test_what_is_written_is_read(tmp_path_factory, grades):
    grades = {query: row for query, row in grades.items() if any(row.values())}
    if not grades:
        return
    folder = tmp_path_factory.mktemp("set")
    documents = {document for row in grades.values() for document in row}
    for name, ids in (("queries", grades), ("corpus", documents)):
        lines = [json.dumps({"_id": i, "text": f"text of {i}"}) for i in ids]
        (folder / f"{name}.jsonl").write_text("\n".join(lines))
    (folder / "qrels.json").write_text(json.dumps(grades))
    data = open_queries(*(str(folder / n) for n in ("queries.jsonl", "corpus.jsonl", "qrels.json")))
    assert judged(data) == {
        f"text of {query}": {f"text of {document}": grade for document, grade in row.items()}
        for query, row in grades.items()
    }


def test_the_hash_tells_data_apart(write):
    queries, corpus = write("q.jsonl", JSON_QUERIES), write("c.jsonl", JSON_CORPUS)
    first, same, other = (
        open_queries(str(queries), str(corpus), str(write(name, content))).hash
        for name, content in (
            ("a.txt", TREC_QRELS),
            ("b.tsv", BEIR_QRELS),
            ("c.txt", TREC_QRELS.replace("d1 2", "d1 1")),
        )
    )
    assert first == same != other
