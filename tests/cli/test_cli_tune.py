"""poolwise tune and ask tuned, as a user runs them."""

from __future__ import annotations

import json

import pytest

from poolwise.classifier.classifier import load_classifier
from poolwise.tuning import study

pytestmark = pytest.mark.usefixtures("few_steps")

ANIMALS = ("cat", "dog", "bird")
PLACES = ("on mat", "in old house", "over hill to sea", "was big and red", "ran", "we saw it")


def table(path, rows):
    path.write_text("text,label\n" + "".join(f"{text},{label}\n" for text, label in rows))
    return path


@pytest.fixture
def rows():
    words = ("", "the", "and you", "no", "one", "small")
    return [(f"{w} {a} {p}".strip(), a) for a in ANIMALS for p in PLACES for w in words]


@pytest.fixture
def data(tmp_path, rows):
    return table(tmp_path / "animals.csv", rows)


def tune(run, tiny, data, out, *more):
    few = ("--n", "16", "--seeds", "2", "--epochs", "1", "--workers", "1")
    return run("tune", tiny("bert"), "--labels", data, "-o", out, *few, *more)


def test_compares_keeps_and_predicts(run, tiny, data, tmp_path):
    out = tmp_path / "tuned"
    asked = ("-r", "cls@-1", "-r", "mean@-1")
    code, said, err = tune(run, tiny, data, out, *asked, "--json")
    assert code == 0, err
    told = json.loads(said)
    assert set(told["checkpoints"]) == {"cls@-1", "mean@-1"}
    (finding,) = told["findings"]
    assert finding["verdict"] == told["verdict"]
    assert finding["made"]["sizes"] == [16]
    assert finding["made"]["model"] == tiny("bert").name
    assert (out / "report.html").exists()
    assert load_classifier(told["checkpoints"]["cls@-1"]).predict(["the cat ran"])[0] in ANIMALS
    assert not [
        p for p in out.rglob("*") if p.is_file() and tmp_path.name.encode() in p.read_bytes()
    ]
    before = {path: path.stat().st_mtime_ns for path in (out / "runs").iterdir()}
    code, said, _ = tune(run, tiny, data, out, *asked)
    assert code == 0
    assert " ".join(finding["verdict"].split()) in " ".join(said.split())
    assert {path: path.stat().st_mtime_ns for path in (out / "runs").iterdir()} == before


@pytest.mark.usefixtures("undrawn")
def test_the_question_is_asked_of_several_sizes(run, tiny, data, tmp_path, monkeypatch):
    monkeypatch.setattr(study, "SIZES", (8, 16))
    monkeypatch.setattr(study, "SEEDS", 2)
    asked = ("-r", "cls@-1", "-r", "sep@-1")
    code, said, err = run(
        "ask", "tuned", tiny("bert"), "--labels", data, "-o", tmp_path / "out", *asked, "--json"
    )
    assert code == 0, err
    (finding,) = json.loads(said)["findings"]
    assert finding["study"] == "tuned"
    assert finding["made"]["sizes"] == [8, 16]
    assert "first token" in finding["evidence"]
    assert list((tmp_path / "out" / "training" / "runs").glob("*.json"))


def test_one_label(run, tiny, tmp_path, rows):
    data = table(tmp_path / "one.csv", [(text, "cat") for text, _ in rows])
    code, _, err = tune(run, tiny, data, tmp_path / "out")
    assert code == 7
    assert "every text has the label 'cat'" in err


def test_a_label_that_train_lacks(run, tiny, data, tmp_path):
    dev = table(tmp_path / "dev.csv", [(f"a cow {i}", "cow") for i in range(12)])
    code, _, err = tune(run, tiny, data, tmp_path / "out", "--dev", dev)
    assert code == 7
    assert "dev or test has labels that no row of train has: 'cow' (12)" in err


@pytest.mark.usefixtures("undrawn")
def test_a_label_of_one_text(run, tiny, tmp_path, rows):
    data = table(tmp_path / "lone.csv", [*rows, ("a cow", "cow")])
    code, _, err = tune(run, tiny, data, tmp_path / "out", "-r", "cls@-1")
    assert code == 0, err
    assert "cow" in load_classifier(tmp_path / "out" / "checkpoints" / "cls@-1").output_space.labels


def test_no_column_of_texts(run, tiny, tmp_path, rows):
    path = tmp_path / "bad.csv"
    path.write_text("a,b,label\n" + "".join(f"{i},{t},{y}\n" for i, (t, y) in enumerate(rows)))
    code, _, err = tune(run, tiny, path, tmp_path / "out")
    assert code == 4
    assert "cannot tell which column holds the texts" in err
    assert "--column" in err


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (("--n", "many"), "write 100,1000,all"),
        (("--n", "0"), "write 100,1000,all"),
        (("--rates", "fast"), "write 1e-4,3e-4"),
        (("-r", "cls@-1|l2"), "fine-tune cls@-1"),
        (("-r", "cls@9"), "no hidden state 9"),
    ],
)
def test_what_cannot_be_asked(run, tiny, data, tmp_path, more, told):
    code, _, err = tune(run, tiny, data, tmp_path / "out", *more)
    assert code == 2
    assert told in err


def test_readouts_belong_to_two_questions(run, tiny, data):
    code, _, err = run("ask", "first", tiny("bert"), "--labels", data, "-r", "cls@-1")
    assert code == 2
    assert "--readout belongs to recover and tuned" in err
