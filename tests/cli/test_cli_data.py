"""--data, --target and --task, as a user runs them."""

from __future__ import annotations

import csv
import io
import json
import sys

import numpy as np
import pytest

pytestmark = pytest.mark.usefixtures("undrawn")

WORDS = "cat dog mat hill sea house tree bird man woman child one two old red big".split()
GRID = "{cls,mean}@{2,3}"


@pytest.fixture
def reviews(tmp_path):
    rng = np.random.default_rng(0)
    texts = [" ".join(rng.choice(WORDS, rng.integers(3, 8))) for _ in range(160)]
    rows = [(i, text, len(text.split())) for i, text in enumerate(texts)]
    path = tmp_path / "reviews.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("", "review", "stars"), *rows])
    return path


def test_what_the_data_were_taken_as_is_told(run, tiny, reviews):
    code, out, err = run("sweep", tiny("bert"), "--data", reviews, "--grid", GRID, "--json")
    assert code == 0, err
    said = (
        "reviews.csv is taken as classification: the texts are in 'review', the classes in 'stars' "
        "(5 different); --task regression takes them as numbers"
    )
    assert f"poolwise: {said}" in err
    document = json.loads(out)
    assert said in document["findings"][0]["notes"]
    assert {finding["study"] for finding in document["findings"]} >= {"classification"}


def test_the_task_is_overruled(run, tiny, reviews):
    code, out, err = run(
        "sweep", tiny("bert"), "--data", reviews, "--task", "regression", "--grid", GRID, "--json"
    )  # fmt: skip
    assert code == 0, err
    assert "is taken as regression: the texts are in 'review', the numbers in 'stars'" in err
    assert "R²" in json.dumps(json.loads(out)["answer"], ensure_ascii=False)


def test_a_question_takes_data(run, tiny, reviews):
    code, _, err = run("ask", "layers", tiny("bert"), "--data", reviews)
    assert code == 0, err
    assert "is taken as classification" in err


MISTAKES = {
    "a column with a typo": (
        ["--target", "star"],
        "has no column 'star' (did you mean 'stars'?); it has '', 'review', 'stars'",
    ),
    "an id as target": (["--target", ""], "is no target, for it holds ids"),
    "data beside labels": (["--labels", "x.csv"], "--data stands alone"),
    "sentences": (["--split", "sentences"], "--split and --id-column do not go with --data"),
    "no such task": (["--task", "classify"], "'classify' is not one of 'classification'"),
    "another task": (["--task", "retrieval"], "retrieval needs two columns of texts"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_sentences(name, run, tiny, reviews):
    options, message = MISTAKES[name]
    code, _, err = run("sweep", tiny("bert"), "--data", reviews, *options)
    assert code in (2, 4)
    assert message in " ".join(err.split())


def test_a_target_needs_data(run, tiny, reviews):
    code, _, err = run("sweep", tiny("bert"), "--labels", reviews, "--target", "stars")
    assert code == 2
    assert "of --labels say --label-column" in " ".join(err.split())


def test_standard_input_is_data(run, tiny, reviews, monkeypatch):
    tabs = reviews.read_text("utf-8").replace(",", "\t").encode()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(tabs)))
    code, _, err = run("sweep", tiny("bert"), "--data", "-", "--grid", GRID)
    assert code == 0, err
    assert "standard input is taken as classification" in err
