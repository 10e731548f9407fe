"""Labels that are numbers, through whole runs."""

import numpy as np
import pytest

import poolwise
from poolwise.errors import OptionError, StudyError

WORDS = "cat dog mat hill sea house tree bird man woman child one two old red big".split()
N = 150


@pytest.fixture(scope="module")
def model(tiny):
    return poolwise.load(tiny("bert"))


@pytest.fixture(scope="module")
def texts():
    rng = np.random.default_rng(0)
    return [" ".join(rng.choice(WORDS, rng.integers(3, 20))) for _ in range(N)]


@pytest.fixture(scope="module")
def lengths(texts):
    return [len(text.split()) + i % 3 / 4 for i, text in enumerate(texts)]


GRID = "{cls,mean}@*"


@pytest.fixture(scope="module")
def result(model, texts, lengths):
    return poolwise.sweep(model, labels=(texts, lengths), grid=GRID)


def test_a_sweep_predicts_numbers(result):
    findings = {finding.study: finding for finding in result.findings}
    assert list(findings)[:2] == ["classification", "layers"]
    assert {"similarity", "knows"}.isdisjoint(findings)
    finding = findings["classification"]
    assert finding.question == "Which readout can a linear probe predict numbers from best?"
    assert any("scored by R² of a ridge regression" in note for note in finding.notes)
    assert any("not measured on labels that are numbers" in note for note in finding.notes)
    numbers = {number.name: number for number in finding.numbers if number.control}
    assert numbers["always the mean"].value == 0
    assert numbers["R² on shuffled labels"].value < 0.05
    assert numbers["R² from length alone"].value > 0.9
    assert result.best.readout


def test_a_score_is_of_all_questions_about_labels(model, texts, lengths):
    result = poolwise.sweep(model, labels=(texts, lengths), grid=GRID, score="spearman")
    assert {s.task.score for s in result.selections} == {"Spearman"}
    classes = [str(i % 2) for i in range(N)]
    result = poolwise.sweep(model, labels=(texts, classes), grid=GRID, score="macro-F1")
    names = {n.name for f in result.findings if f.study == "layers" for n in f.numbers}
    assert "macro-F1 of the chosen layer" in names


def test_a_scale_is_classes_or_numbers(model, texts):
    stars = [str(len(text.split()) // 5 + 1) for text in texts]
    result = poolwise.sweep(model, labels=(texts, stars), grid=GRID, score="R2")
    findings = {finding.study: finding for finding in result.findings}
    assert result.selections[0].task.score == "R²"
    assert "similarity" in findings
    assert not any("not measured" in note for note in findings["classification"].notes)
    classes = poolwise.ask("classification", model, labels=(texts, stars), grid=GRID)
    assert any("1 … 4 are taken as classes" in note for note in classes.findings[0].notes)


def test_what_is_no_score_or_has_no_labels_is_an_error(model, texts):
    with pytest.raises(OptionError, match="score is 'F2', expected one of accuracy"):
        poolwise.sweep(model, labels=(texts, ["a", "b"] * (N // 2)), score="F2")
    with pytest.raises(OptionError, match="score is 'AUC', a score of labels, but no labels"):
        poolwise.sweep(model, texts=texts, score="AUC")
    with pytest.raises(OptionError, match="similarity has no option score"):
        poolwise.ask("similarity", model, labels=(texts, ["a", "b"] * (N // 2)), score="AUC")


def test_questions_about_classes_say_that_these_are_numbers(model, texts, lengths):
    for question in ("similarity", "knows"):
        with pytest.raises(StudyError, match="the labels are numbers, such as"):
            poolwise.ask(question, model, labels=(texts, lengths))
