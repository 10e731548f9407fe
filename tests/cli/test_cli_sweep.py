"""poolwise sweep and ask on files, as a user runs them."""

from __future__ import annotations

import csv
import json
import shlex

import numpy as np
import pyarrow.parquet as pq
import pytest

import poolwise

pytestmark = pytest.mark.usefixtures("undrawn")

WORDS = "cat dog mat hill sea house tree bird man woman child one two old red big".split()


def sentences(n, seed=0):
    rng = np.random.default_rng(seed)
    return [" ".join(rng.choice(WORDS, rng.integers(3, 9))) for _ in range(n)]


def write(path, header, rows):
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])
    return path


@pytest.fixture
def pairs(tmp_path):
    first, second = sentences(200), sentences(200, 1)
    scores = np.random.default_rng(0).uniform(0, 5, 200).round(2).tolist()
    rows = zip(first, second, scores, strict=True)
    return write(tmp_path / "pairs.csv", ["sentence1", "sentence2", "score"], rows)


@pytest.fixture
def labels(tmp_path):
    texts = sentences(300)
    rows = [(text, "cat" if "cat" in text else "none") for text in texts]
    return write(tmp_path / "labels.csv", ["text", "category"], rows)


def test_a_sweep_writes_report_findings_scores_and_the_winner(run, tiny, pairs, tmp_path):
    out = tmp_path / "sweep"
    code, stdout, _ = run(
        "sweep", tiny("bert"), "--pairs", pairs, "--grid", "{cls,mean}@*|whiten(8)", "-o", out,
        "--json",
    )  # fmt: skip
    said = json.loads(stdout)
    assert code == 0
    assert said["verdict"]
    answer = said["answer"]
    assert set(answer) >= {"recommendation", "reason", "cost", "certainty", "command", "notes"}
    assert answer["recommendation"].startswith("There is nothing to choose")  # drawn scores
    assert answer["command"] == ""
    assert {"report.html", "findings.json", "scores.parquet", "readout.toml"} <= {
        path.name for path in out.iterdir()
    }
    table = pq.read_table(out / "scores.parquet").to_pylist()
    (chosen,) = {row["readout"] for row in table if row["chosen"]}
    assert chosen == said["readout"]
    assert answer["recommendation"] in (out / "report.html").read_text(encoding="utf-8")


@pytest.mark.filterwarnings("always:.*was chosen for")
def test_the_winner_is_embedded_with_what_it_learned(run, tiny, pairs, tmp_path):
    out = tmp_path / "sweep"
    grid = "mean@2|whiten(8)|l2 mean@1|whiten(8) cls@1|whiten(8) cls@2|whiten(8)"
    assert run("sweep", tiny("bert"), "--pairs", pairs, "--grid", grid, "-o", out)[0] == 0
    file = tmp_path / "lines.txt"
    file.write_text("the cat sat\na dog ran\n", encoding="utf-8")
    code, stdout, stderr = run(
        "embed", tiny("bert"), file, "-o", tmp_path / "v.npy", "-r", out / "readout.toml", "--json"
    )
    assert code == 0, stderr
    (spec,) = json.loads(stdout)["readouts"]
    learned = poolwise.parse(spec).needs_fit
    assert learned == (out / "readout.safetensors").exists()
    assert np.load(tmp_path / "v.npy").shape[0] == 2
    other = "embed", tiny("electra"), file, "-o", tmp_path / "w.npy", "-r", out / "readout.toml"
    code, _, stderr = run(*other)
    assert code == (2 if learned else 0), stderr
    assert ("was fitted on bert" if learned else "was chosen for bert") in stderr


def test_labels_and_texts_make_one_report(run, tiny, labels, tmp_path):
    out = tmp_path / "sweep"
    code, stdout, _ = run(
        "sweep", tiny("bert"), "--labels", labels, "--texts", labels, "--column", "text",
        "--grid", "mean@*", "-o", out,
    )  # fmt: skip
    assert code == 0
    findings = json.loads((out / "findings.json").read_text())
    assert {"classification", "similarity", "length"} <= {f["study"] for f in findings}
    said = json.loads(
        run("sweep", tiny("bert"), "--labels", labels, "--grid", "mean@*", "--json")[1]
    )
    assert stdout.strip().startswith(said["answer"]["recommendation"])
    assert shlex.split(said["answer"]["command"])[:2] == ["poolwise", "embed"]
    assert "The best readouts on" in stdout
    assert "cannot be told from the highest" not in stdout
    assert len(stdout.splitlines()) <= 60


def test_verbose_prints_every_table(run, tiny, labels):
    code, stdout, _ = run(
        "sweep", tiny("bert"), "--labels", labels, "--grid", "mean@*", "--verbose"
    )
    assert code == 0
    assert "→" in stdout
    assert "cannot be told from the highest" in stdout


def test_ask_answers_one_question(run, tiny, pairs):
    code, stdout, _ = run("ask", "similarity", tiny("bert"), "--pairs", pairs, "--json")
    assert code == 0
    (finding,) = json.loads(stdout)["findings"]
    assert finding["study"] == "similarity"
    assert {c["kind"] for c in finding["charts"]} >= {"heat", "ranking", "forest"}


def test_an_interrupted_sweep_says_what_it_had_and_writes_nothing(
    run, tiny, labels, tmp_path, monkeypatch
):
    from poolwise.studies.similarity import Similarity

    def interrupted(self, *args, **kw):
        raise KeyboardInterrupt

    monkeypatch.setattr(Similarity, "run", interrupted)
    out = tmp_path / "sweep"
    code, _, stderr = run("sweep", tiny("bert"), "--labels", labels, "--grid", "mean@*", "-o", out)
    assert code == 130
    assert "answered before the interruption: " in stderr
    assert not out.exists()


@pytest.mark.parametrize(
    ("header", "rows", "options", "code", "says"),
    [
        (["text", "label"], [("a cat", "x")] * 80, [], 7, "every text has the label 'x'"),
        (
            ["text", "label"],
            [("a cat", "x"), ("a dog", "y")] * 3,
            [],
            7,
            "6 rows to choose a readout on",
        ),
        (["text", "colour"], [("a", "x")], ["--label-column", "color"], 4, "did you mean 'colour'"),
    ],
)
def test_labels_that_cannot_be_swept(run, tiny, tmp_path, header, rows, options, code, says):
    path = write(tmp_path / "bad.csv", header, rows)
    found, _, stderr = run("sweep", tiny("bert"), "--labels", path, *options)
    assert found == code
    assert says in stderr


@pytest.mark.parametrize(
    ("rows", "code", "says"),
    [
        ([("a cat", "a dog", 2)] * 80, 7, "all have the score 2"),
        ([("a cat", "", 2)] * 40, 4, "40 rows have no text on one side"),
        ([("a cat", "a dog", "much")] * 40, 4, "much"),
    ],
)
def test_pairs_that_cannot_be_swept(run, tiny, tmp_path, rows, code, says):
    path = write(tmp_path / "bad.csv", ["sentence1", "sentence2", "score"], rows)
    found, _, stderr = run("sweep", tiny("bert"), "--pairs", path)
    assert found == code
    assert says in stderr


def test_usage_mistakes(run, tiny, pairs, labels):
    assert run("sweep", tiny("bert"))[0] == 2
    code, _, stderr = run(
        "sweep", tiny("bert"), "--pairs", pairs, "--labels", labels, "--test", pairs
    )
    assert code == 2
    assert "one set of data" in stderr
    code, _, stderr = run("ask", "similarity", tiny("bert"), "--texts", labels)
    assert code == 2
    assert "--pairs" in stderr


def test_duplicates_across_train_and_test_are_told(run, tiny, labels, tmp_path):
    with labels.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))[1:]
    test = write(tmp_path / "test.csv", ["text", "category"], rows[:40])
    code, stdout, _ = run(
        "sweep", tiny("bert"), "--labels", labels, "--test", test, "--grid", "mean@1", "--verbose"
    )
    assert code == 0
    assert "also stands among the rows chosen on" in " ".join(stdout.split())


def test_every_row_of_the_registry_names_a_study_that_agrees_with_it():
    from poolwise.studies.registry import QUESTIONS, study_class

    for name, row in QUESTIONS.items():
        study = study_class(name)
        assert (study.name, study.question) == (name, row.question)
        assert set(study.takes) == set(row.takes)


def test_reproduce_marks_what_is_missing(run, tiny, tmp_path):
    code, stdout, _ = run(
        "reproduce", "sts-bert", "--data", tmp_path, "--model", tiny("bert"), "--json"
    )
    assert code == 0
    said = json.loads(stdout)
    assert "0 reproduced" in said["verdict"]
    assert all("not run because" in n["note"] for n in said["finding"]["numbers"])
