"""A limit in sweep, ask, tune, embed and predict: what is drawn, and where that is said."""

from __future__ import annotations

import csv
import json
import tomllib
from pathlib import Path

import datasets
import numpy as np
import pyarrow.parquet as pq
import pytest

from poolwise import ask
from poolwise.texts import open_labels

BANKING = Path(__file__).parent.parent.parent / "examples" / "banking77.csv"
ANIMALS = ("bird", "cat", "dog", "tree")
WORDS = "mat hill sea house man woman child one two old red big saw ran over".split()


def texts_of(animal, n, seed=0):
    rng = np.random.default_rng(seed)
    return [f"{' '.join(rng.choice(WORDS, rng.integers(2, 9)))} {animal} {i}" for i in range(n)]


def table(path, rows, header=("text", "label")):
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])
    return path


@pytest.fixture
def by_label(tmp_path):
    """400 rows, sorted by label."""
    rows = [(t, a) for n, a in enumerate(ANIMALS) for t in texts_of(a, 100, n)]
    return table(tmp_path / "animals.csv", rows)


@pytest.fixture
def lines(tmp_path):
    path = tmp_path / "lines.txt"
    path.write_text("".join(f"{text}\n" for text in texts_of("cat", 300)))
    return path


NOTE = "120 of 400 rows, drawn by seed 3"
SAMPLED = {
    "source": "animals.csv",
    "rows": 120,
    "of": 400,
    "seed": 3,
    "unit": "rows",
    "crowded": False,
}


@pytest.mark.usefixtures("undrawn")
def test_a_sweep_says_what_it_drew(run, tiny, by_label, tmp_path):
    out = tmp_path / "sweep"
    code, _, err = run(
        "sweep", tiny("bert"), "--labels", by_label, "--grid", "mean@1 cls@1|whiten(4)",
        "--limit", 120, "--seed", 3, "-o", out,
    )  # fmt: skip
    assert code == 0, err
    assert NOTE in err
    assert NOTE in (out / "report.html").read_text()
    for finding in json.loads((out / "findings.json").read_text()):
        assert NOTE in finding["notes"]
        assert finding["made"]["sampled"] == [SAMPLED]
        rows = finding["made"].get("rows")
        if finding["study"] == "classification":
            assert sum(rows.values()) == 120
    made = tomllib.loads((out / "readout.toml").read_text())["made"]
    assert json.loads(made["sampled"]) == [SAMPLED]


def test_nothing_is_said_where_the_limit_takes_all(run, tiny, by_label, tmp_path):
    args = ("--labels", by_label, "--grid", "mean@1", "--limit", 400, "--json")
    code, stdout, err = run("sweep", tiny("bert"), *args)
    assert (code, err) == (0, "")
    for finding in json.loads(stdout)["findings"]:
        assert "sampled" not in finding["made"]
        assert "drawn by seed 0" not in " ".join(finding["notes"])


def test_the_head_only_where_it_is_asked_for(run, tiny, by_label):
    args = ("sweep", tiny("bert"), "--labels", by_label, "--grid", "mean@1", "--json")
    code, stdout, _ = run(*args, "--limit", "head:150")
    assert code == 0
    for finding in json.loads(stdout)["findings"]:
        assert "the first 150 rows" in finding["notes"]
        (sample,) = finding["made"]["sampled"]
        assert (sample["rows"], sample["of"], sample["seed"]) == (150, None, None)
    for wrong in ("tail:3", "head:", "-3", "many"):
        code, _, err = run(*args, "--limit", wrong)
        assert code == 2
        assert "write 20000 or head:20000" in err


def test_ask_draws_texts_and_leaves_out_blank_ones(run, tiny, lines):
    lines.write_text(lines.read_text().replace("\n", "\n\n", 2) + " \n")
    code, stdout, err = run(
        "ask", "length", tiny("bert"), "--texts", lines, "--limit", 150, "--json"
    )
    assert code == 0, err
    assert "lines.txt: 150 of 300 texts, drawn by seed 0; --limit 0 reads all" in err
    (finding,) = json.loads(stdout)["findings"]
    assert finding["notes"][0] == "150 of 300 texts, drawn by seed 0"
    assert finding["notes"][1] == "3 rows have no text; left out: lines 2, 4, 303"
    assert finding["made"]["n_texts"] == 150
    assert finding["made"]["sampled"][0]["of"] == 300
    code, _, err = run("ask", "length", tiny("bert"), "--texts", lines, "--json")
    assert (code, err) == (0, "")


@pytest.mark.parametrize("question", ["geometry", "average", "attention", "layers", "knows"])
def test_every_question_tells_of_its_data(run, tiny, by_label, question):
    code, stdout, err = run(
        "ask", question, tiny("bert"), "--labels", by_label, "--limit", 120, "--seed", 3, "--json"
    )
    assert code == 0, err
    for finding in json.loads(stdout)["findings"]:
        assert NOTE in finding["notes"]
        assert finding["made"]["sampled"] == [SAMPLED]


def test_a_dataset_is_read_to_its_end_unless_its_head_is_asked_for(
    run, tiny, tmp_path, monkeypatch
):
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    datasets.disable_progress_bars()
    rows = {"text": texts_of("cat", 200)}
    datasets.Dataset.from_dict(rows).save_to_disk(tmp_path / "saved")
    args = ("ask", "length", tiny("bert"), "--texts", f"hf:{tmp_path}/saved", "--json")
    code, stdout, err = run(*args, "--limit", 80)
    assert code == 0, err
    assert "is read to its end, of which 80 rows are drawn; --limit head:80 takes the first" in err
    code, other, err = run(*args, "--limit", "head:80")
    assert code == 0, err
    assert "read to its end" not in err
    hashes = [json.loads(out)["findings"][0]["made"]["texts_sha256"] for out in (stdout, other)]
    assert len({*hashes}) == 2


def test_one_empty_row_does_not_end_a_sweep(run, tiny, tmp_path):
    rows = [(t, a) for n, a in enumerate(ANIMALS) for t in texts_of(a, 40, n)]
    rows[7], rows[90], rows[91] = ("", "bird"), ("  ", "cat"), ("no label", "")
    labels = table(tmp_path / "labels.csv", rows)
    sides = zip(texts_of("cat", 80), texts_of("dog", 80, 1), range(80), strict=True)
    pairs = table(
        tmp_path / "pairs.csv", [*sides, ("a", "", 1), ("", "b", 2), ("a", "b", "")],
        ("text1", "text2", "score"),
    )  # fmt: skip
    code, stdout, err = run(
        "sweep", tiny("bert"), "--labels", labels, "--pairs", pairs, "--grid", "mean@1", "--json"
    )
    assert code == 0, err
    findings = json.loads(stdout)["findings"]
    found = {(f["study"], note) for f in findings for note in f["notes"]}
    assert ("classification", "2 rows have no text; left out: lines 9, 92") in found
    assert ("classification", "1 row has no label; left out: line 93") in found
    assert ("similarity", "2 rows have no text on one side; left out: lines 82, 83") in found
    assert ("similarity", "1 row has no score; left out: line 84") in found
    sizes = [f["made"]["rows"] for f in findings if f["study"] == "classification"]
    assert [sum(size.values()) for size in sizes] == [157]


@pytest.mark.usefixtures("undrawn", "few_steps")
def test_tune_draws_too(run, tiny, by_label, tmp_path):
    code, stdout, err = run(
        "tune", tiny("bert"), "--labels", by_label, "-o", tmp_path / "tuned", "-r", "cls@-1",
        "--n", 16, "--seeds", 2, "--epochs", 1, "--workers", 1, "--limit", 120, "--seed", 3,
        "--json",
    )  # fmt: skip
    assert code == 0, err
    (finding,) = json.loads(stdout)["findings"]
    assert NOTE in finding["notes"]
    assert finding["made"]["sampled"] == [SAMPLED]


def test_embed_keeps_the_head_and_its_empty_rows(run, tiny, lines, tmp_path):
    lines.write_text("one\n\ntwo\nthree\n")
    target = tmp_path / "v.parquet"
    code, _, err = run("embed", tiny("bert"), lines, "-o", target, "-r", "mean@1", "--limit", 3)
    assert code == 0, err
    table = pq.read_table(target)
    assert table["id"].to_pylist() == [0, 1, 2]
    assert table["empty"].to_pylist() == [False, True, False]
    assert "first N texts" in " ".join(run("embed", "--help")[1].split())
    assert "first N texts" in " ".join(run("predict", "--help")[1].split())


def test_steps_are_fitted_on_texts_that_are_drawn(run, tiny, lines, tmp_path, monkeypatch):
    monkeypatch.setattr("poolwise.cli.embed.FIT_LIMIT", 40)
    args = ("embed", tiny("bert"), lines, "-r", "mean@1|whiten(4)", "--fit", lines)
    code, stdout, err = run(*args, "-o", tmp_path / "v.npy")
    assert code == 0, err
    assert "fitted on lines.txt: 40 of 300 texts, drawn by seed 0" in stdout
    code, stdout, _ = run(*args, "-o", tmp_path / "w.npy", "--json")
    fitted = json.loads(stdout)["made"]["fitted_on"]
    assert fitted["sampled"][0]["of"] == 300
    stored = json.loads((tmp_path / "w.npy.json").read_text())
    assert fitted in stored.values() or fitted in [*map(_loaded, stored.values())]


def _loaded(value):
    try:
        return json.loads(value)
    except (TypeError, ValueError):
        return value


def test_limited_rows_score_as_all_of_them_do(tmp_path):
    """Eight intents, sorted by label: with half of the rows the whole's accuracy is within the
    interval; the head would have lost half of the labels."""
    whole = open_labels(str(BANKING))
    kept = sorted(set(whole.labels))[:8]
    rows = [
        row
        for label in kept
        for row in [r for r in zip(whole.texts, whole.labels, strict=True) if r[1] == label][:70]
    ]
    path = table(tmp_path / "intents.csv", rows)
    assert set(open_labels(str(path), limit=len(rows) // 2).labels) == set(kept)
    assert len(set(open_labels(str(path), limit=len(rows) // 2, seed=None).labels)) == 4
    accuracies = []
    for limit in (None, len(rows) // 2):
        answer = ask("classification", "demo", labels=path, grid="mean@-1", limit=limit)
        (finding,) = answer.findings
        (accuracy,) = (n for n in finding.numbers if n.name == "accuracy of the chosen readout")
        accuracies.append(accuracy)
    whole_accuracy, part = accuracies
    assert part.low <= whole_accuracy.value <= part.high
