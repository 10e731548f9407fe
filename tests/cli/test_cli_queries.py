"""The options for queries, corpus and relevance, as a shell gives them."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
SET = EXAMPLES / "banking77-retrieval"
PARTS = (
    *("--queries", SET / "queries.jsonl", "--corpus", SET / "corpus.jsonl"),
    *("--relevance", SET / "qrels" / "test.tsv"),
)


@pytest.fixture
def labels(tmp_path):
    path = tmp_path / "labels.csv"
    with path.open("w", newline="") as file:
        rows = [(f"a {word} number {n}", word) for n in range(80) for word in ("cat", "dog")]
        csv.writer(file).writerows([("text", "label"), *rows])
    return path


def ask(run, model, *args):
    code, out, err = run("ask", "retrieval", model, *args, "--json")
    assert code == 0, err
    return json.loads(out), err


def test_a_folder_and_its_files_say_the_same(run, tiny):
    folder, err = ask(run, tiny("bert"), "--queries", SET, "--limit", "200")
    assert "queries.jsonl: 200 of 1,155 queries, drawn by seed 0; --limit 0 reads all" in err
    parts, _ = ask(run, tiny("bert"), *PARTS, "--limit", "200")
    assert folder["verdict"].replace(SET.name, "queries.jsonl") == parts["verdict"]


def test_a_smaller_corpus_is_told(run, tiny):
    said, err = ask(run, tiny("bert"), "--queries", SET, "--limit", "60", "--corpus-limit", "70")
    assert "corpus.jsonl: 70 of 77 documents, drawn by seed 0; --corpus-limit 0 reads all" in err
    notes = [note for finding in said["findings"] for note in finding["notes"]]
    assert any("careful: the corpus is 70 of 77 documents" in note for note in notes)


def test_queries_from_labels_say_so(run, tiny, labels):
    said, _ = ask(run, tiny("bert"), "--labels", labels, "--queries-from", "labels")
    notes = [note for finding in said["findings"] for note in finding["notes"]]
    assert any(note.startswith("careful: no real queries: ") for note in notes)


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (PARTS[:4], 4, "found no relevance; expected queries, corpus and relevance together"),
        (PARTS[:2], 4, "cannot tell which column holds the positives; it has '_id', 'text'"),
        (("--queries", EXAMPLES), 4, "is no retrieval set: found README.md"),
        ((*PARTS, "--id-column", "_iid"), 4, "has no column '_iid' (did you mean '_id'?)"),
        (
            (*PARTS, "--columns", "query-id,corpus_id,score"),
            4,
            "has no column 'corpus_id' (did you mean 'corpus-id'?)",
        ),
        (
            ("--labels", EXAMPLES / "banking77.csv", "--label-column", "CATEGROY"),
            4,
            "has no column 'CATEGROY' (did you mean 'category'?)",
        ),
        (("--data", SET, "--queries-from", "labels"), 2, "is taken as retrieval"),
        (("--data", SET, *PARTS[2:]), 2, "--corpus and --relevance belong to --queries"),
        (PARTS[2:], 2, "nothing to measure on: give --data, --pairs"),
        (
            ("--labels", EXAMPLES / "banking77.csv", *PARTS[2:]),
            2,
            "--corpus and --relevance belong to one --queries; there are 0",
        ),
        (
            ("--texts", EXAMPLES / "banking77.csv", "--queries-from", "labels"),
            2,
            "--queries-from labels takes texts from --labels; none was given",
        ),
        (
            ("--queries", SET, "--labels", EXAMPLES / "banking77.csv", "--test", "x.csv"),
            2,
            "--dev and --test belong to one set of data; there are 2",
        ),
    ],
)
def test_wrong(run, tiny, args, code, message):
    done, _, err = run("sweep", tiny("bert"), *args)
    assert done == code, err
    assert message in " ".join(err.split())
