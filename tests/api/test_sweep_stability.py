"""poolwise.sweep with repeats and a learning curve: what they add, and that nothing else moves."""

from __future__ import annotations

import json

import pytest

import poolwise
from poolwise.reports import to_json

GRID = "{cls,mean}@{2,3} mean@3|whiten(8)"


@pytest.fixture(scope="module")
def stable(model, rows):
    return poolwise.sweep(model, labels=rows, grid=GRID, repeats=4, learning_curve=True)


def test_the_findings_that_choose_have_more_and_the_rest_is_as_without(stable, model, rows):
    plain = poolwise.sweep(model, labels=rows, grid=GRID)
    assert stable.best.readout == plain.best.readout
    assert [f.verdict for f in stable.findings] == [f.verdict for f in plain.findings]
    for longer, short in zip(stable.findings, plain.findings, strict=True):
        assert list(longer.numbers)[: len(short.numbers)] == list(short.numbers)
        chooses = short.study in {"classification", "similarity"}
        assert (len(longer.numbers) > len(short.numbers)) == chooses
        assert longer.charts[len(short.charts) :] == [] or chooses
    titles = [chart.title for chart in stable.findings[0].charts]
    assert titles[-2] == "What halves of the rows chose"
    assert titles[-1].startswith("By the rows that are learned from: ")


def test_the_answer_has_a_sentence_of_each(stable):
    halves, folds, curve, *_ = stable.answer.notes
    assert halves.startswith("two separate halves of the rows ")
    assert "of 4 repeats (readouts of equal scores: " in halves
    assert folds.startswith("with probes trained in 5 other divisions into folds, ")
    assert "rows" in curve
    assert f"Note: {halves}" in str(stable)
    json.dumps([to_json(finding) for finding in stable.findings])


def test_the_report_shows_both(stable, tmp_path):
    stable.fill(tmp_path)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "What halves of the rows chose" in page
    assert "two separate halves of the rows" in page
    assert "By the rows that are learned from" in page
