"""What is left out, drawn or there twice in retrieval data; and what is no retrieval data."""

from __future__ import annotations

import json

import pytest

from poolwise.errors import TextError
from poolwise.records import CAREFUL
from poolwise.texts import open_queries

CORPUS = "d1\tCats purr.\nd2\tDogs bark.\nd3\tCats purr.\nd4\tFish swim.\n"
QUERIES = "q1\twho purrs\nq2\twho barks\nq3\twho purrs\n"
QRELS = "q1 0 d1 2\nq1 0 d2 0\nq2 0 d2 1\nq3 0 d3 1\n"


@pytest.fixture
def read(write):
    """The data of three files with these lines."""

    def read(queries: str = QUERIES, corpus: str = CORPUS, qrels: str = QRELS, **how: object):
        names = ("q.tsv", queries), ("c.tsv", corpus), ("qrels.txt", qrels)
        return open_queries(*(str(write(name, lines)) for name, lines in names), **how)

    return read


def many(n: int) -> dict[str, str]:
    """n queries, each with one relevant document, and 3 n documents."""
    return {
        "queries": "".join(f"q{i}\tfind {i}\n" for i in range(n)),
        "corpus": "".join(f"d{i}\ttext {i}\n" for i in range(3 * n)),
        "qrels": "".join(f"q{i} 0 d{3 * i} 1\n" for i in range(n)),
    }


def test_what_is_there_twice_or_not_judged(read):
    assert read().notes == [
        "1 query has the text of another under another id",
        "1 document has the text of another under another id",
        "4 of 12 pairs of query and document are judged (33 %); the others count as not relevant",
        "1 of 4 documents is judged for no query",
    ]


def test_ids_that_are_missing_on_one_side(read):
    data = read(qrels=QRELS + "q2 0 d9 1\nq9 0 d1 1\nq8 0 d1 1\n")
    assert "2 judged queries are not in q.tsv; left out" in data.notes
    assert "1 judged document is not in c.tsv; left out" in data.notes
    assert [*data.relevance] == [{0: 2.0, 1: 0.0}, {1: 1.0}, {2: 1.0}]


def test_queries_without_relevant_documents(read):
    queries = QUERIES + "q4\twho swims\nq5\twho flies\nq6\twho runs\n"
    data = read(queries, qrels=QRELS + "q4 0 d4 0\nq5 0 d9 1\n")
    assert [*data.query_ids] == ["q1", "q2", "q3"]
    assert "3 queries have no relevant document; left out" in data.notes


def test_grades_that_are_repaired(read):
    data = read(qrels=QRELS + "q2 0 d1 -2\nq2 0 d2 3\n")
    assert data.relevance[1] == {1: 3.0, 0: 0.0}
    assert "1 grade is below 0 and counts as 0" in data.notes
    assert any(note.startswith("1 judgment gives a pair") for note in data.notes)


def test_rows_without_text_or_id(read):
    data = read(corpus=CORPUS + "d5\t\n\tnobody\n", queries=QUERIES + "q7\t \n")
    assert "c.tsv: 1 row has no text; left out: line 5" in data.notes
    assert "c.tsv: 1 row has no id; left out: line 6" in data.notes
    assert "q.tsv: 1 row has no text; left out: line 4" in data.notes


def test_the_same_row_twice(read):
    data = read(corpus=CORPUS + "d1\tCats purr.\n")
    assert "c.tsv: 1 row is there twice" in data.notes
    assert len(data.documents) == 4
    with pytest.raises(
        TextError, match=r"the id 'd1' stands for two texts, 'Cats purr.' and 'Mice'"
    ):
        read(corpus=CORPUS + "d1\tMice\n")


def test_a_limit_draws_queries_and_no_documents(read):
    data = read(**many(50), limit=10, seed=3)
    assert (len(data), len(data.documents)) == (10, 150)
    assert data.notes[0] == "10 of 50 queries, drawn by seed 3"
    assert not any("judged queries are not" in note for note in data.notes)
    assert [data.document_ids[next(iter(grades))] for grades in data.relevance] == [
        f"d{3 * int(query[1:])}" for query in data.query_ids
    ]
    assert read(**many(50), limit=10, seed=4).hash != data.hash
    assert read(**many(50), limit=10, seed=3).hash == data.hash
    first = read(**many(50), limit=10, seed=None)
    assert [*first.query_ids] == [f"q{i}" for i in range(10)]
    assert not any("judged queries are not" in note for note in first.notes)


@pytest.mark.parametrize("seed", [0, None])
def test_a_corpus_limit_keeps_what_is_judged(read, seed):
    data = read(**many(50), corpus_limit=80, seed=seed)
    assert (len(data), len(data.documents)) == (50, 80)
    assert all(data.relevance)
    [note] = [note for note in data.notes if note.startswith(CAREFUL)]
    drawn = "the first" if seed is None else "drawn by seed 0"
    assert f"the corpus is 80 of 150 documents, {drawn}, with all that are judged" in note
    assert [*data.document_ids] == sorted(data.document_ids, key=lambda name: int(name[1:]))
    fewest = read(**many(50), corpus_limit=1, seed=seed)
    assert [*fewest.document_ids] == [f"d{3 * i}" for i in range(50)]
    assert read(**many(50), corpus_limit=1000, seed=seed).notes == read(**many(50)).notes


WRONG = {
    "no query of the relevance": (
        {"qrels": "a1 0 d1 1\na2 0 d1 1\na3 0 d1 1\n"},
        r"none of the 3 judged queries is in q.tsv, whose ids are like 'q1' and 'q2'; those of "
        "qrels.txt are like 'a1' and 'a2'",
    ),
    "no document of the relevance": (
        {"qrels": "q1 0 a1 1\nq1 0 a2 1\n"},
        "none of the 2 judged documents is in c.tsv, whose ids are like 'd1' and 'd2'; those of "
        "qrels.txt are like 'a1' and 'a2'",
    ),
    "an empty corpus": ({"corpus": ""}, "the corpus c.tsv holds no documents"),
    "no queries": ({"queries": ""}, "q.tsv holds no queries"),
    "no judgments": ({"qrels": ""}, "qrels.txt holds no judgments"),
    "nothing relevant": (
        {"qrels": "q1 0 d1 0\nq2 0 d1 -1\n"},
        "no query has a relevant document: no grade of qrels.txt is above 0",
    ),
    "relevant documents are missing": (
        {"qrels": "q1 0 d1 0\nq1 0 d9 1\n"},
        "no query has a relevant document that is in the corpus c.tsv",
    ),
    "a run": ({"qrels": "q1 Q0 d1 1 0.5 bm25\n"}, "line 1: found 6 fields, as in a run"),
    "no grades": ({"qrels": "q1 d1\n"}, "found no grade, expected query, document and grade"),
    "no grades below a header": (
        {"qrels": "query-id\tcorpus-id\nq1\td1\n"},
        "cannot tell which column holds the grades .above 0: relevant.; it has 'query-id', "
        "'corpus-id'; name it with --columns",
    ),
    "grades that are no numbers": (
        {"qrels": "query-id\tcorpus-id\tscore\nq1\td1\thigh\n"},
        "the score 'grade' is 'high', expected a number",
    ),
    "blanks in ids": ({"qrels": "q 1 0 d1 1\n"}, "expected TREC's 'query 0 document grade'"),
    "JSON with a key twice": (
        {"qrels": '{"q1": {"d1": 1},\n "q1": {"d2": 1}}'},
        "the key 'q1' is there twice in one object, expected once",
    ),
    "JSON that breaks off": ({"qrels": '{"q1": {"d1": 1}'}, "line 1: not JSON"),
    "JSON without grades": (
        {"qrels": '{"q1": {"d1": "high"}}'},
        "the score 'grade' is 'high', expected a number",
    ),
    "JSON of other keys": (
        {"qrels": '{"q1": "d1"}'},
        "cannot tell which column holds the ids of queries; it has 'q1'",
    ),
    "one column": (
        {"queries": "id\nq1\n"},
        "cannot tell which column holds the texts of the queries",
    ),
    "a wrong name": (
        {"text_column": "txt", "queries": "id\ttext\nq1\tx\n"},
        "q.tsv has no column 'txt' .did you mean 'text'.",
    ),
    "two columns of relevance": (
        {"columns": ["a", "b"], "qrels": "a\tb\tc\nq1\td1\t1\n"},
        "found the columns 'a,b' for relevance, expected three: QUERY,DOCUMENT,GRADE",
    ),
}


@pytest.mark.parametrize("wrong", list(WRONG))
def test_wrong(read, wrong):
    content, message = WRONG[wrong]
    with pytest.raises(TextError, match=message):
        read(**content)


def test_parts_that_are_missing(write, tmp_path):
    queries, corpus = str(write("q.tsv", QUERIES)), str(write("c.tsv", CORPUS))
    qrels = str(write("qrels.txt", QRELS))
    with pytest.raises(
        TextError, match="found no relevance; expected queries, corpus and relevance"
    ):
        open_queries(queries, corpus)
    with pytest.raises(TextError, match="found no corpus; expected queries, corpus and relevance"):
        open_queries(queries, relevance=qrels)
    positives = (
        r"holds the positives; it has '_id', 'text'; for a table .* name --columns "
        r"QUERY,POSITIVE.* else name --corpus and --relevance"
    )
    with pytest.raises(TextError, match=positives):
        open_queries(str(write("q.jsonl", json.dumps({"_id": "q1", "text": "who purrs"}))))
    with pytest.raises(TextError, match=r"found c.tsv, q.jsonl, q.tsv, qrels.txt, expected corpus"):
        open_queries(str(tmp_path))
    with pytest.raises(TextError, match="no such file"):
        open_queries(str(tmp_path / "nothing"))


def test_a_folder_stands_alone(write):
    folder = str(write("set/queries.jsonl", '{"_id": "q", "text": "x"}').parent)
    write("set/corpus.jsonl", '{"_id": "d", "text": "y"}')
    qrels = write("set/qrels.tsv", "q\td\t1\n")
    assert len(open_queries(folder)) == 1
    with pytest.raises(TextError, match="holds its own relevance and splits; name it alone"):
        open_queries(folder, test=str(qrels))
    write("set/corpus.csv", "id,text\nd,y\n")
    with pytest.raises(TextError, match=r"holds corpus.csv, corpus.jsonl, expected one of them"):
        open_queries(folder)


def test_qrels_that_name_no_split(write):
    folder = write("set/queries.jsonl", '{"_id": "q", "text": "x"}').parent
    write("set/corpus.jsonl", '{"_id": "d", "text": "y"}')
    (folder / "qrels").mkdir()
    (folder / "qrels" / "all.tsv").write_text("q\td\t1\n")
    with pytest.raises(TextError, match=r"all.tsv: expected the name of a split .*--relevance"):
        open_queries(str(folder))


def test_positives_that_are_missing(write):
    path = str(write("p.csv", "query,positive\nwho purrs,Cats.\nwho barks,\n,Dogs.\n"))
    data = open_queries(path)
    assert [*data.queries] == ["who purrs"]
    assert data.notes[:2] == [
        "p.csv: 1 row has no positive; left out: line 3",
        "p.csv: 1 row has no query; left out: line 4",
    ]
    with pytest.raises(TextError, match=r"p.csv holds no queries with positives"):
        open_queries(str(write("p.csv", "query,positive\nwho barks,\n")))
    with pytest.raises(TextError, match=r"found the column 'query' alone, expected QUERY,POSITIVE"):
        open_queries(path, columns=["query"])


def test_a_row_that_is_too_large(read):
    with pytest.raises(TextError, match=r"found .* bytes, expected at most 1,000 in a row"):
        read(corpus=CORPUS + f"d9\t{'x' * 2000}\n", max_text_bytes=1000)


def test_one_json_object_that_is_too_large(read, monkeypatch):
    monkeypatch.setattr("poolwise.texts.retrieval.relevance_json._MAX_JSON", 50)
    with pytest.raises(TextError, match=r"one JSON object of more than 50 characters; write the"):
        read(qrels="{\n" + '"q1": {"d1": 1},\n' * 10)
