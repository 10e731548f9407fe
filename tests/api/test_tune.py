"""poolwise.tune: one short comparison of two readouts."""

from __future__ import annotations

import pytest

import poolwise
from poolwise.errors import OptionError
from poolwise.tuning.records import TrainingOptions


def test_a_comparison_has_a_best_a_finding_and_checkpoints(model, rows, tmp_path):
    pytest.importorskip("accelerate", reason="pip install 'poolwise[tune]'")
    comparison = poolwise.tune(
        model, rows, ["cls@-1", "mean@-1"], sizes=(16,), seeds=1, workers=1,
        options=TrainingOptions(epochs=1, rates=(1e-3,), steps=0), folder=tmp_path / "tuned",
    )  # fmt: skip
    assert comparison.best in {"cls@-1", "mean@-1"}
    assert comparison.best in repr(comparison)
    (finding,) = comparison.findings
    assert str(comparison) == f"{finding.question} {finding.verdict}"
    assert 'class="poolwise"' in comparison._repr_html_()
    assert comparison.charts
    classifier = poolwise.load_classifier(comparison.checkpoints[comparison.best])
    assert classifier.predict(["the cat sat"])[0] in {"cat", "none"}
    assert (tmp_path / "tuned" / "report.html").exists()


def test_an_unknown_option_is_named(model, rows):
    with pytest.raises(OptionError, match="unknown option limt; "):
        poolwise.tune(model, rows, limt=3)
