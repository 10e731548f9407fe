"""Trainings made up, with and without differences: does the finding say what is in them?"""

from __future__ import annotations

import dataclasses
import json
import zlib

import numpy as np
import pytest

import poolwise
from poolwise.errors import StudyError
from poolwise.readouts import parse
from poolwise.reports.rendering import render_chart
from poolwise.reports.report import to_json
from poolwise.texts import LabelledTexts
from poolwise.texts.fields import SEPARATOR
from poolwise.tuning.analysis import NOT_FINITE, TuningAnalysis
from poolwise.tuning.finding import finding_of
from poolwise.tuning.records import (
    FrozenProbe,
    TrainingOptions,
    TrainingResult,
    TrainingRun,
    TuningRuns,
)
from poolwise.tuning.task import TuningTask

OPTIONS = TrainingOptions(epochs=6, batch_size=16, rates=(2e-5, 5e-5, 1e-4))
NONE = "no difference that these data can show"


def answer(model, task, runs, options):
    return finding_of(TuningAnalysis(model, task, runs), options)


@pytest.fixture(scope="module")
def model(tiny):
    return poolwise.load(tiny("bert"))


@pytest.fixture(scope="module")
def task():
    return _task()


def _task(kind="classification", rows=1500):
    random = np.random.default_rng(0)
    labels = {
        "classification": [f"label {k}" for k in random.integers(0, 5, rows)],
        "multilabel": [["a", "b", "a,b", "c", ""][k] for k in random.integers(0, 5, rows)],
        "regression": [str(x) for x in random.normal(size=rows).round(3)],
    }[kind]
    if kind == "multilabel":
        labels = [label.replace(",", SEPARATOR) for label in labels]
    texts = [f"text {i}" for i in range(rows)]
    return TuningTask(LabelledTexts("made-up", texts, labels, [""] * rows, "0" * 64), kind, 0)


def _runs(task, quality, *, sizes=(200,), seeds=3, gain=0.08, of_seeds=0.004, draw=0, **trial):
    """``quality``: how often a readout is right, or that of dev and that of test.

    Rows are hard or easy for all alike; a seed moves all rows; the rest is chance.
    """
    m = len(task.splits.test)
    hard = np.random.default_rng([draw, 99]).uniform(-0.3, 0.3, m)
    trials, frozen = [], []
    for name, known in quality.items():
        dev, test = known if isinstance(known, tuple) else (known, known)
        for n in sizes:
            for seed in range(seeds):
                random = np.random.default_rng([draw, zlib.crc32(name.encode()), n, seed])

                def right(share, random=random):
                    share = share + random.normal(0, of_seeds)
                    return (random.random(m) < np.clip(share + hard, 0, 1)).astype(float)

                facts = {"dev_score": dev, "best_epoch": 3, "epochs": 6, "seconds": 2.0, **trial}
                run = TrainingRun(name, n, seed, facts.pop("rate", 5e-5))
                trials.append(
                    TrainingResult(run, test_scores=right(test), learned_readout=name, **facts)
                )
                frozen.append(FrozenProbe(name, n, seed, right(test - gain)))
    return TuningRuns(trials, trials, frozen, {})


def _value(finding, name):
    return next(number for number in finding.numbers if number.name == name)


def test_a_planted_difference_is_found_and_its_readout_taken(model, task):
    found = answer(model, task, _runs(task, {"cls@-1": 0.5, "mean@-1": 0.68}, seeds=5), OPTIONS)
    gain = _value(found, "mean@-1 less cls@-1, n = 200")
    assert found.verdict.startswith("Take mean@-1 instead of cls@-1 for fine-tuning; ")
    assert found.study == "tuned"
    assert found.evidence.startswith("Fine-tuned on 200 rows of made-up, take mean@-1 (accuracy 0.")
    assert (
        f"{gain.value:+.3f} [{gain.low:+.3f}, {gain.high:+.3f}] more than cls@-1" in found.evidence
    )
    assert gain.low > 0
    assert "p below" in gain.note or float(gain.note.split()[1]) < 0.05


def test_nothing_planted_is_no_difference_and_the_reference_is_kept(model, task):
    quality = {"mean@-1": (0.61, 0.6), "cls@-1": 0.6, "max@-1": 0.6}
    found = answer(model, task, _runs(task, quality), OPTIONS)
    assert ", keep cls@-1 (accuracy" in found.evidence
    assert "the best on dev, mean@-1 (accuracy" in found.evidence
    assert NONE in found.evidence
    assert found.verdict.startswith("Keep cls@-1: no other readout is shown to be better once ")
    assert "no other can be told from it" in found.evidence


def test_chance_alone_seldom_changes_the_readout(model, task):
    taken = 0
    for number in range(60):
        quality = {"cls@-1": 0.6, "mean@-1": (0.61, 0.6), "max@-1": 0.6}
        runs = _runs(task, quality, draw=number, of_seeds=0.02)
        taken += TuningAnalysis(model, task, runs).chosen != "cls@-1"
    assert taken <= 3


def test_the_best_on_dev_that_fails_on_test_is_not_taken(model, task):
    quality = {"cls@-1": 0.68, "max@-1": (0.7, 0.45)}
    found = answer(model, task, _runs(task, quality, seeds=5), OPTIONS)
    assert ", keep cls@-1 (accuracy" in found.evidence
    assert "max@-1, the best on dev, scores −0." in found.evidence
    assert found.verdict.startswith("Keep cls@-1: max@-1, the best on dev, is worse on test; ")


def test_the_reference_best_on_dev_is_kept_and_the_worse_are_named(model, task):
    quality = {"cls@-1": 0.7, "mean@-1": 0.69, "max@-1": 0.45}
    found = answer(model, task, _runs(task, quality, seeds=5), OPTIONS)
    assert "no readout scored higher on dev; on test, worse: max@-1 (−0." in found.evidence


def test_a_readout_alone_has_its_score(model, task):
    found = answer(model, task, _runs(task, {"mean@-1": 0.7}), OPTIONS)
    assert found.evidence.startswith("Fine-tuned on 200 rows of made-up, mean@-1 (accuracy 0.")
    assert [chart.kind for chart in found.charts] == ["learning_curve", "forest"]


@pytest.mark.parametrize(
    ("gain", "said", "short"),
    [
        (0.2, "Fine-tuning gains +0.", "beats"),
        (0.0, f"Fine-tuning against a linear probe on the frozen vectors: {NONE}", "is not shown"),
        (-0.2, "Fine-tuning loses: −0.", "is worse than"),
    ],
)
def test_what_fine_tuning_gains_is_said_as_its_interval_has_it(model, task, gain, said, short):
    found = answer(model, task, _runs(task, {"cls@-1": 0.6}, gain=gain, seeds=5), OPTIONS)
    number = _value(found, "cls@-1 less frozen, n = 200")
    assert said in found.evidence
    assert found.verdict.startswith(f"Fine-tuning cls@-1 {short} ")
    assert (number.low > 0) == (gain > 0)
    assert (number.high < 0) == (gain < 0)


@pytest.mark.parametrize(
    ("quality", "said"),
    [
        (0.6, "Once fine-tuned, no worse than the first token, cls@-1, as far as these data"),
        (0.85, "Better than the first token, cls@-1, once fine-tuned: token[3]@-1 (+0."),
        (0.3, "none does as well as the first token, cls@-1, once fine-tuned; worse: token[3]@-1"),
    ],
)
def test_other_tokens_are_held_against_the_first(model, task, quality, said):
    runs = _runs(task, {"cls@-1": 0.6, "token[3]@-1": quality, "sep@2": 0.6}, seeds=5)
    found = answer(model, task, runs, OPTIONS)
    assert said in found.evidence
    assert TuningAnalysis(model, task, runs).other_tokens == [
        "token[3]@-1"
    ]  # sep@2 is of another layer


def test_the_tokens_have_a_picture_of_their_own_beside_other_readouts(model, task):
    quality = {"mean@-1": 0.6, "cls@2": 0.6, "token[1]@2": 0.6, "sep@2": 0.3}
    found = answer(model, task, _runs(task, quality, seeds=5), OPTIONS)
    (chart,) = [chart for chart in found.charts if chart.title.startswith("Why the first token")]
    assert chart.data["name"] == ["token[1]@2", "sep@2"]
    assert chart.data["reference"] == "cls@2"
    assert chart.data["clear"] == [False, True]


def test_the_best_without_fine_tuning_is_told(model, task):
    found = answer(model, task, _runs(task, {"cls@-1": 0.6, "mean@-1": 0.6}, seeds=3), OPTIONS)
    (note,) = [note for note in found.notes if note.startswith("without fine-tuning")]
    assert "picked on test" in note


def test_the_usual_readout_is_the_reference_however_it_is_written(model, task):
    def reference(*names, declared=None):
        encoder = dataclasses.replace(model, declared=declared) if declared else model
        return TuningAnalysis(encoder, task, _runs(task, dict.fromkeys(names, 0.6))).reference

    assert reference("mean@-1", "cls@3") == "cls@3"
    assert reference("mean@-1", "pooler") == "pooler"
    assert reference("max@-1", "mean@-1", declared=parse("max@-1|l2")) == "max@-1"
    assert reference("max@-1", "mean@3") == "mean@3"
    assert reference("max@-1", "cls@mix") == "max@-1"


@pytest.mark.parametrize("sizes", [(200,), (50, 200, 800)])
def test_every_readout_and_size_has_its_numbers(model, task, sizes):
    quality = {"cls@-1": 0.6, "mean@-1": 0.7, "cls@mix": 0.65}
    found = answer(model, task, _runs(task, quality, sizes=sizes), OPTIONS)
    for name in quality:
        for n in sizes:
            place = {"readout": name, "n": n}
            here = [x for x in found.numbers if place.items() <= x.where.items()]
            names = [x.name for x in here]
            assert {"accuracy, frozen", "learning rate chosen", "best epoch"} < set(names)
            assert not next(x for x in here if x.name == "accuracy, frozen").control
            assert f"{name} less frozen, n = {n:,}" in names
            assert (f"{name} less cls@-1, n = {n:,}" in names) == (name != "cls@-1")
    curve = found.charts[0]
    assert len(curve.data["n"]) == 2 * len(quality) * len(sizes)
    assert found.evidence.startswith(f"Fine-tuned on {sizes[-1]:,} rows")
    gains = found.charts[-1]
    assert ("group" in gains.data) == (len(sizes) > 1)
    for chart in found.charts:
        render_chart(chart)
    json.dumps(to_json(found), allow_nan=False)


def test_holm_is_over_the_readouts_of_a_size(model, task):
    quality = {"cls@-1": 0.6, "mean@-1": 0.6, "max@-1": 0.6}
    found = answer(model, task, _runs(task, quality, sizes=(50, 200)), OPTIONS)
    notes = {n.note[-2:].strip() for n in found.numbers if " less cls@-1" in n.name}
    assert notes == {"2"}


def test_one_seed_says_what_its_intervals_leave_out(model, task):
    found = answer(model, task, _runs(task, {"cls@-1": 0.6, "mean@-1": 0.7}, seeds=1), OPTIONS)
    assert any(note.startswith("one seed: intervals cover") for note in found.notes)
    assert _value(found, "accuracy").note.startswith("one seed")


def test_few_seeds_are_called_few(model, task):
    def said(seeds):
        found = answer(model, task, _runs(task, {"cls@-1": 0.6}, seeds=seeds), OPTIONS)
        return any(f"{seeds} seeds are few" in note for note in found.notes)

    assert said(3)
    assert not said(5)


def test_subsets_that_overlap_are_told_of(model, task):
    train = len(task.splits.train)
    found = answer(model, task, _runs(task, {"cls@-1": 0.6}, sizes=(20, train)), OPTIONS)
    (note,) = [note for note in found.notes if "two seeds share" in note]
    assert f"100% at n = {train:,} of their rows" in note
    assert "n = 20 " not in note
    assert f"Fine-tuned on all {train:,} rows of made-up" in found.evidence


@pytest.mark.parametrize(("rate", "end"), [(2e-5, "lowest"), (1e-4, "highest"), (5e-5, None)])
def test_a_rate_at_the_end_of_the_grid_is_told_of(model, task, rate, end):
    runs = _runs(task, {"cls@-1": 0.6, "mean@-1": 0.6}, rate=rate)
    found = answer(model, task, runs, OPTIONS)
    said = [note for note in found.notes if "one beyond may be better" in note]
    assert [note.split()[1] for note in said] == ([end] if end else [])
    assert any("from 2e-05, 5e-05 and 0.0001" in note for note in found.notes)


def test_trainings_best_at_their_end_are_told_of(model, task):
    runs = _runs(task, {"cls@-1": 0.6, "mean@-1": 0.6}, best_epoch=6)
    found = answer(model, task, runs, OPTIONS)
    (note,) = [note for note in found.notes if "last epoch" in note]
    assert note.startswith("6 of 6 trainings were best in their last epoch (cls@-1 at n = 200, ")
    found = answer(model, task, _runs(task, {"cls@-1": 0.6}), OPTIONS)
    assert not any("last epoch" in note for note in found.notes)


def test_trainings_that_learned_nothing_are_told_of(model, task):
    found = answer(model, task, _runs(task, {"cls@-1": 0.6, "max@-1": 0.1}), OPTIONS)
    (note,) = [note for note in found.notes if "learned nothing" in note]
    assert note.startswith("3 of 6 trainings did no better on dev than the most frequent label")
    assert "max@-1 at n = 200" in note
    share = _value(found, "accuracy of the most frequent label")
    assert share.control
    assert 0.15 < share.value < 0.3


@pytest.mark.parametrize("kind", ["multilabel", "regression"])
def test_scores_of_other_kinds_go_through(model, kind):
    task = _task(kind)
    found = answer(model, task, _runs(task, {"cls@-1": 0.6, "mean@-1": 0.7}), OPTIONS)
    assert task.metric in found.evidence
    assert found.charts[0].data["y_label"] == f"{task.metric}, test"


def test_a_training_that_diverged_has_no_score_and_is_not_taken(model):
    task = _task("regression")
    runs = _runs(task, {"cls@-1": 0.6, "mean@-1": 0.7})
    runs.results[-1].test_scores[:] = -np.inf
    found = answer(model, task, runs, OPTIONS)
    assert "keep cls@-1" in found.evidence
    assert f"the best on dev, mean@-1 (R² undefined): {NOT_FINITE}" in found.evidence
    assert any("without a score to compare: mean@-1" in note for note in found.notes)
    json.dumps(to_json(found), allow_nan=False)


def test_trainings_that_lack_a_seed_are_refused(model, task):
    runs = _runs(task, {"cls@-1": 0.6, "mean@-1": 0.7})
    with pytest.raises(
        StudyError, match=r"mean@-1 was trained on 200 rows with the seeds \[0, 1\]"
    ):
        answer(model, task, dataclasses.replace(runs, results=runs.results[:-1]), OPTIONS)
    with pytest.raises(StudyError, match="no training was made"):
        answer(model, task, dataclasses.replace(runs, results=[]), OPTIONS)


def test_without_probes_nothing_is_said_of_them(model, task):
    runs = dataclasses.replace(_runs(task, {"cls@-1": 0.6, "mean@-1": 0.7}), probes=[])
    found = answer(model, task, runs, OPTIONS)
    assert "frozen" not in found.evidence + found.verdict
    assert not any(found.charts[0].data["frozen"])
