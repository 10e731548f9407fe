"""All trainings of a comparison, resumed and shared."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

import poolwise
from poolwise.classifier.classifier import load_classifier
from poolwise.errors import StoreError
from poolwise.tuning import frozen_probes, run_store, train_runs
from poolwise.tuning.records import TrainingOptions, TrainingRun
from poolwise.tuning.run_store import RunStore, fingerprint
from poolwise.tuning.task import TuningTask

OPTIONS = TrainingOptions(epochs=1, batch_size=8, rates=(3e-3, 1e-3), steps=0)


@pytest.fixture
def model(tiny):
    return poolwise.load(tiny("bert"))


@pytest.fixture
def task(animals):
    return TuningTask(animals(), "classification", 0)


def test_compares_and_keeps(model, task, tmp_path, monkeypatch, compare, facts, files):
    found = compare(model, task, sizes=(16, 24), folder=tmp_path)
    assert [(t.run.readout, t.run.n, t.run.seed) for t in found.results] == [
        (f.readout, f.n, f.seed) for f in found.probes
    ]
    assert len(found.results) == 8
    assert {len(t.test_scores) for t in found.results} == {len(task.splits.test)}
    assert len(found.rate_trials) == 8
    assert {len(t.test_scores) for t in found.rate_trials} == {0}
    for spec, folder in found.checkpoints.items():
        best = max(
            (t for t in found.results if t.run.readout == spec and t.run.n == 24),
            key=lambda t: (t.dev_score, -t.run.rate, -t.run.seed),
        )
        made = json.loads((folder / "poolwise.json").read_text())["made"]
        assert (made["dev"], made["setting"]) == (best.dev_score, best.run.to_json())
        assert poolwise.load(folder).depth == model.depth
    assert set(found.checkpoints) == {"cls@-1", "mean@-1"}

    def never(*_, **__):
        raise AssertionError("trained again")

    before = files(tmp_path)
    monkeypatch.setattr(train_runs, "train_and_save", never)
    monkeypatch.setattr(frozen_probes, "_fit_all", never)
    again = compare(model, task, sizes=(16, 24), folder=tmp_path, workers=2)
    assert facts(again.results) == facts(found.results)
    assert facts(again.rate_trials) == facts(found.rate_trials)
    assert again.checkpoints == found.checkpoints
    for one, other in zip(found.probes, again.probes, strict=True):
        np.testing.assert_array_equal(one.test_scores, other.test_scores)
    assert files(tmp_path) == before
    assert not [*tmp_path.glob("runs/*.training")]


def test_without_a_folder_nothing_is_kept(model, task, tmp_path, monkeypatch, compare):
    monkeypatch.chdir(tmp_path)
    found = compare(model, task, ["mean@-1"], seeds=1)
    assert len(found.results) == 1
    assert not found.checkpoints
    assert not [*tmp_path.iterdir()]


def test_whatever_matters_has_a_run_of_its_own(model, task, animals, tmp_path, monkeypatch):
    of = fingerprint(model, task)
    run = TrainingRun("cls@-1", 16, 0, 1e-3)
    own = RunStore(tmp_path, of, OPTIONS, 16)
    others = [
        RunStore(tmp_path, {**of, "model": "another"}, OPTIONS, 16),
        RunStore(tmp_path, {**of, "max_length": 7}, OPTIONS, 16),
        RunStore(
            tmp_path,
            fingerprint(model, TuningTask(animals("multilabel"), "multilabel", 0)),
            OPTIONS,
            16,
        ),
        RunStore(tmp_path, of, TrainingOptions(2, 8, OPTIONS.rates, steps=0), 16),
    ]
    paths = {store.resume_folder(run) for store in (own, *others)}
    paths |= {own.resume_folder(TrainingRun("cls@-1", 16, 1, 1e-3))}
    assert len(paths) == 6
    another = replace(animals(), texts=["another text", *task.texts[1:]])
    for other in (of_other_labels(animals), TuningTask(another, "classification", 0)):
        assert fingerprint(model, other) != of
    assert fingerprint(model.prompted("query: "), task) != of
    monkeypatch.setattr(run_store, "__version__", "another")
    assert fingerprint(model, task) != of
    more_rates = RunStore(tmp_path, of, TrainingOptions(1, 8, (1.0,), steps=0), 24)
    assert more_rates.resume_folder(run) == own.resume_folder(run)


def of_other_labels(animals):
    """The same texts and splits under one name and hash, and each animal called another."""
    other = dict(zip(["cat", "dog", "bird"], ["dog", "bird", "cat"], strict=True))
    data = animals()
    return TuningTask(replace(data, labels=[other[x] for x in data.labels]), "classification", 0)


def weights(folder):
    return (folder / "model.safetensors").read_bytes()


@pytest.fixture
def trained(monkeypatch):
    """The settings of all trainings that are made in this process from here on."""
    made = []
    train = train_runs.train_and_save

    def counting(model, task, store, run, *rest, **options):
        made.append(run)
        return train(model, task, store, run, *rest, **options)

    monkeypatch.setattr(train_runs, "train_and_save", counting)
    return made


def test_results_and_checkpoints_belong_together(
    model, task, animals, tmp_path, trained, compare, facts
):
    """One folder, labels A, then B, then A again: A's own checkpoints, and nothing twice."""
    asked = {"readouts": ["cls@-1", "attention@-1"], "folder": tmp_path}
    other = of_other_labels(animals)
    first = compare(model, task, **asked)
    told_first = {spec: weights(path) for spec, path in first.checkpoints.items()}
    outputs = {s: load_classifier(p).outputs(task.texts) for s, p in first.checkpoints.items()}
    second = compare(model, other, **asked)
    assert {spec: path.name for spec, path in second.checkpoints.items()} == {
        spec: path.name for spec, path in first.checkpoints.items()
    }
    told_second = {spec: weights(path) for spec, path in second.checkpoints.items()}
    assert all(told_first[spec] != told_second[spec] for spec in told_first)
    assert len(trained) == len(set(trained)) * 2
    before = len(trained)
    for _ in range(2):
        again = compare(model, task, **asked)
        assert facts(again.results) == facts(first.results)
        assert again.checkpoints == first.checkpoints
        for spec, path in again.checkpoints.items():
            assert weights(path) == told_first[spec]
            classifier = load_classifier(path)
            np.testing.assert_array_equal(classifier.outputs(task.texts), outputs[spec])
            assert classifier.provenance["targets"] == fingerprint(model, task)["targets"]
        back = compare(model, other, **asked)
        assert {spec: weights(path) for spec, path in back.checkpoints.items()} == told_second
    assert len(trained) == before


def test_the_checkpoint_is_of_a_training_that_is_reported(model, task, tmp_path, trained, compare):
    """Whatever else was trained before: with more seeds, at other rates."""
    for options in (
        {"seeds": 3},
        {"seeds": 1},
        {"seeds": 2, "options": replace(OPTIONS, rates=(1e-4,))},
        {"seeds": 2},
        {"seeds": 3},
    ):
        found = compare(model, task, ["cls@-1"], folder=tmp_path, **options)
        best = max(found.results, key=lambda t: (t.dev_score, -t.run.seed))
        made = load_classifier(found.checkpoints["cls@-1"]).provenance
        assert (made["setting"], made["dev"]) == (best.run.to_json(), best.dev_score)
    assert len(trained) - len(set(trained)) <= 3  # those whose checkpoint gave way to a better one


def test_a_lost_checkpoint_is_trained_again_and_nothing_else(
    model, task, tmp_path, trained, compare, facts
):
    first = compare(model, task, folder=tmp_path)
    lost = first.checkpoints["cls@-1"]
    before, count = weights(lost), len(trained)
    shutil.rmtree(lost)
    again = compare(model, task, folder=tmp_path)
    assert again.checkpoints == first.checkpoints
    assert weights(lost) == before
    assert facts(again.results) == facts(first.results)
    assert [run.readout for run in trained[count:]] == ["cls@-1"]


def test_another_comparison_that_is_interrupted_changes_no_checkpoint(
    model, task, animals, tmp_path, monkeypatch, compare
):
    found = compare(model, task, folder=tmp_path)
    before = {spec: weights(path) for spec, path in found.checkpoints.items()}
    train, results = train_runs.train_and_save, []

    def interrupted(model, task, store, run, *rest, **options):
        if run.seed:
            raise KeyboardInterrupt
        results.append(train(model, task, store, run, *rest, **options))
        return results[-1]

    monkeypatch.setattr(train_runs, "train_and_save", interrupted)
    with pytest.raises(KeyboardInterrupt):
        compare(model, of_other_labels(animals), folder=tmp_path)
    assert [result for result in results if not result.run.rate_trial]
    assert {spec: weights(path) for spec, path in found.checkpoints.items()} == before


def test_a_folder_of_somebody_elses_is_left_alone(model, task, tmp_path, compare):
    (tmp_path / "checkpoints" / "cls@-1").mkdir(parents=True)
    (tmp_path / "checkpoints" / "cls@-1" / "thesis.txt").write_text("mine")
    with pytest.raises(StoreError, match="cls@-1 cannot be written"):
        compare(model, task, ["cls@-1"], seeds=1, folder=tmp_path)
    assert (tmp_path / "checkpoints" / "cls@-1" / "thesis.txt").read_text() == "mine"


def test_the_model_that_is_tuned_is_not_replaced(model, task, tmp_path, trained, compare):
    first = compare(model, task, ["cls@-1"], seeds=1, folder=tmp_path)
    count, tuned = len(trained), poolwise.load(first.checkpoints["cls@-1"])
    with pytest.raises(StoreError, match="cls@-1 holds the model that is tuned"):
        compare(tuned, task, ["cls@-1"], seeds=1, folder=tmp_path)
    assert len(trained) == count


def test_an_unreadable_run_is_named(model, task, tmp_path, compare):
    compare(model, task, ["cls@-1"], seeds=1, folder=tmp_path)
    path = next(p for p in (tmp_path / "runs").glob("*.json") if "epochs" in p.read_text())
    for broken in ("{", '{"made": {}}', "[]"):
        path.write_text(broken)
        with pytest.raises(StoreError, match=f"{path.name}: not what a training wrote"):
            compare(model, task, ["cls@-1"], seeds=1, folder=tmp_path)


def test_torchrun_walks_the_same_way_and_only_the_first_writes(
    model, task, tmp_path, monkeypatch, compare
):
    monkeypatch.setenv("RANK", "1")
    found = compare(model, task, ["cls@-1"], seeds=1, folder=tmp_path)
    assert len(found.results) == 1
    assert not found.probes
    assert not [*tmp_path.iterdir()]


def test_a_folder_that_cannot_be_written(model, task, tmp_path, compare):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="file/runs cannot be written: Not a directory"):
        compare(model, task, ["cls@-1"], seeds=1, folder=tmp_path / "file")
