"""poolwise search."""

from __future__ import annotations

import io
import json
import sys

import pytest

import poolwise


@pytest.fixture(scope="module")
def out(tiny, tmp_path_factory):
    """A job of three texts, of which two are near the queries."""
    folder = tmp_path_factory.mktemp("search")
    source = folder / "rows.jsonl"
    texts = ["the cat sat on the mat", "the old man ran\x1b[31m", "a big red house"]
    source.write_text("".join(f"{json.dumps({'text': text, 'n': 1})}\n" for text in texts))
    poolwise.embed_corpus(
        tiny("bert"), source, folder / "out", "mean@-1", with_text=True, keep=["n"]
    )
    return folder / "out"


def test_a_table_for_each_query(run, out):
    code, stdout, _ = run("search", out, "the cat sat on the mat", "the old man ran", "-k", 2)
    assert code == 0
    lines = [line.split() for line in stdout.splitlines()]
    assert ["1", "1.0000", "0", "the", "cat", "sat", "on", "the", "mat"] in lines
    assert any(line[:1] == ["1"] and line[2:3] == ["1"] for line in lines)
    assert r"ran\x1b[31m" in stdout
    assert "The 2 nearest of 3 rows to each of 2 queries by cosine under mean@-1" in stdout


def test_json_has_all_that_is_kept(run, out):
    code, stdout, _ = run("search", out, "the cat sat on the mat", "-k", 9, "--json")
    assert code == 0
    found = json.loads(stdout)
    (query,) = found["queries"]
    assert query["query"] == "the cat sat on the mat"
    assert [hit["rank"] for hit in query["hits"]] == [1, 2, 3]
    assert query["hits"][0] == {
        "rank": 1,
        "id": 0,
        "score": pytest.approx(1),
        "text": "the cat sat on the mat",
        "kept": {"n": 1},
        "part": "part-00000.parquet",
    }
    assert found["notes"] == ["k is 9, and there are 3 rows with vectors"]


def test_queries_from_standard_input(run, out, monkeypatch):
    lines = io.TextIOWrapper(io.BytesIO(b"a cat\n\nthe house\n"), encoding="utf-8")
    monkeypatch.setattr(sys, "stdin", lines)
    code, stdout, _ = run("search", out, "-", "the man", "--json")
    assert code == 0
    queries = [found["query"] for found in json.loads(stdout)["queries"]]
    assert queries == ["a cat", "the house", "the man"]


def test_the_prompt_of_the_queries_is_said(run, out):
    code, stdout, _ = run("search", out, "a cat", "--prompt", "where is ")
    assert code == 0
    assert "prompt of the queries 'where is ', of the rows ''" in stdout


def test_another_model_and_no_job_have_their_exit_codes(run, out, tiny, tmp_path):
    code, _, stderr = run("search", out, "a cat", "--model", tiny("bert", num_hidden_layers=2))
    assert code == 5
    assert "bring that model back, or name the place where it is" in stderr
    assert run("search", tmp_path, "a cat")[0] == 5
    assert run("search", out, "a cat", "--score", "hamming")[0] == 2
