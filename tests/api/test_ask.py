"""poolwise.ask: an answer from Python data, and what is said of mistakes."""

from __future__ import annotations

import pytest

import poolwise
from poolwise.errors import OptionError, StoreError, StudyError


@pytest.fixture(scope="module")
def answer(model, rows):
    return poolwise.ask("length", model, texts=rows[0])


def test_an_answer_is_shown_as_text_and_html(answer):
    (finding,) = answer.findings
    assert answer.question == finding.study == "length"
    assert answer.verdict == finding.verdict
    assert str(answer) == f"{finding.question} {finding.verdict}"
    assert repr(answer) == f"<AskResult of length: {finding.verdict}>"
    html = answer._repr_html_()
    assert html.count('class="poolwise"') == 1
    assert "data:image/svg+xml" in html
    assert len(answer.charts) == len(finding.charts)


def test_an_answer_is_written_as_a_report(answer, tmp_path):
    page = answer.report(tmp_path / "report")
    assert answer.verdict.split(":")[0] in page.read_text(encoding="utf-8")
    assert (tmp_path / "report" / "findings.json").exists()
    with pytest.raises(StoreError, match="is not empty"):
        answer.report(tmp_path / "report")
    assert answer.report(tmp_path / "report", force=True) == page


def test_each_set_of_labels_has_an_answer(model, rows):
    answer = poolwise.ask("classification", model, labels=[rows, rows], grid="cls@3 mean@3")
    assert [finding.provenance["data"] for finding in answer.findings] == ["labels 1", "labels 2"]


def test_mistakes_are_named(model, rows):
    with pytest.raises(OptionError, match="question is 'lenght', expected one of classification, "):
        poolwise.ask("lenght", model, texts=rows[0])
    with pytest.raises(StudyError, match="length is measured on texts; none was given"):
        poolwise.ask("length", model)
    with pytest.raises(StudyError, match="classification is measured on labels; none was given"):
        poolwise.ask("classification", model, texts=rows[0])
    with pytest.raises(OptionError, match="length has no option grid; its options are seed"):
        poolwise.ask("length", model, texts=rows[0], grid="cls@3")
    with pytest.raises(OptionError, match="unknown option limt; "):
        poolwise.ask("length", model, texts=rows[0], limt=3)
