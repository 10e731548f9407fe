"""poolwise sweep --repeats and --learning-curve, as a user runs them."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest

pytestmark = pytest.mark.usefixtures("undrawn")

WORDS = "cat dog mat hill sea house tree bird man woman child one two old red big".split()


@pytest.fixture
def pairs(tmp_path):
    rng = np.random.default_rng(0)
    sides = [[" ".join(rng.choice(WORDS, 6)) for _ in range(120)] for _ in range(2)]
    scores = rng.uniform(0, 5, 120).round(2).tolist()
    path = tmp_path / "pairs.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        header = ["sentence1", "sentence2", "score"]
        csv.writer(file).writerows([header, *zip(*sides, scores, strict=True)])
    return path


def test_numbers_of_both_are_in_the_json(run, tiny, pairs):
    code, stdout, _ = run(
        "sweep", tiny("bert"), "--pairs", pairs, "--grid", "{cls,mean}@*",
        "--repeats", "3", "--learning-curve", "--json",
    )  # fmt: skip
    said = json.loads(stdout)
    assert code == 0
    finding = next(f for f in said["findings"] if f["study"] == "similarity")
    names = [number["name"] for number in finding["numbers"]]
    assert "share of repeats with the same readout" in names
    assert "share of repeats with the same readout, of readouts of equal scores" in names
    assert "Spearman of the choice on as many rows" in names
    kinds = [chart["kind"] for chart in finding["charts"]]
    assert kinds[-2:] == ["table", "learning_curve"]
    assert said["answer"]["notes"][0].startswith("two separate halves of the rows")


def test_a_number_of_repeats_below_zero_is_refused(run, tiny, pairs):
    code, _, stderr = run("sweep", tiny("bert"), "--pairs", pairs, "--repeats", "-1")
    assert code == 2
    assert "--repeats" in stderr
