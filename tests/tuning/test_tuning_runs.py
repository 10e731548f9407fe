from __future__ import annotations

import json
import multiprocessing
import shutil
import signal
import subprocess
import sys
import time
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import poolwise
from poolwise.classifier.classifier import load_classifier
from poolwise.encoders.variants.reinitialize import reinitialize
from poolwise.errors import ReadoutError, StoreError, StudyError
from poolwise.tuning import frozen as frozen_module
from poolwise.tuning import run_store as kept_module
from poolwise.tuning import runs, workers
from poolwise.tuning.records import Recipe, Setting, Trial
from poolwise.tuning.run_store import Kept, materials
from poolwise.tuning.schedule import ToDo
from poolwise.tuning.task import Task
from poolwise.tuning.trainable_readout import tunable

RECIPE = Recipe(epochs=1, batch=8, rates=(3e-3, 1e-3), steps=0)


@pytest.fixture
def model(tiny):
    return poolwise.load(tiny("bert"))


@pytest.fixture
def task(animals):
    return Task(animals(), "classification", 0)


def compare(model, task, readouts=("cls@-1", "mean@-1"), sizes=(16,), seeds=2, **options):
    options = {"recipe": RECIPE, "folder": None, "workers": 1, "progress": False, **options}
    asked = [tunable(spec, model.depth) for spec in readouts]
    return runs.compare(model, task, asked, sizes, seeds, **options)


def told(trials):
    """All but the time taken."""
    return [(t.setting, t.dev, t.scores.tolist(), t.final, t.epoch, t.epochs) for t in trials]


def files(folder):
    return {path.name: path.stat().st_mtime_ns for path in (folder / "runs").glob("*.json")}


def todo(**changes):
    given = {"readouts": ["a", "b"], "sizes": [10, 100], "seeds": 3, "rates": [1e-4, 1e-5]}
    return ToDo(**{**given, **changes}, cost=lambda setting: setting.n)


def ended(setting, dev):
    return Trial(setting, dev, np.ones(0 if setting.tried else 2), setting.readout, 1, 1, 0.0)


def test_the_best_rate_on_dev_is_chosen_the_smaller_of_equals():
    list_ = todo(readouts=["a"], sizes=[10])
    dev = {1e-4: 0.5, 1e-5: 0.5}
    while (setting := list_.next()) is not None:
        list_.ended(ended(setting, dev[setting.rate]))
    assert [t.setting for t in list_.trials] == [Setting("a", 10, seed, 1e-5) for seed in range(3)]
    tried = [Setting("a", 10, 0, rate, tried=True) for rate in (1e-4, 1e-5)]
    assert [t.setting for t in list_.tried] == tried


def test_a_single_rate_need_not_be_tried():
    list_ = todo(readouts=["a"], sizes=[10], rates=[1e-4])
    assert list_.waiting == [Setting("a", 10, seed, 1e-4) for seed in range(3)]
    assert list_.tried == []


def test_each_readout_and_size_has_its_rate_and_the_longest_go_first():
    list_ = todo()
    assert (len(list_), list_.left) == (20, 1100)
    begun = []
    while (setting := list_.next()) is not None:
        begun.append(setting)
        better = 1e-4 if (setting.readout == "a") == (setting.n == 10) else 1e-5
        list_.ended(ended(setting, float(setting.rate == better)))
    assert (len(begun), len(list_), list_.left) == (20, 0, 0)
    assert [s.n for s in begun] == [100] * 10 + [10] * 10
    assert {(t.setting.readout, t.setting.n): t.setting.rate for t in list_.trials} == {
        ("a", 10): 1e-4,
        ("a", 100): 1e-5,
        ("b", 10): 1e-5,
        ("b", 100): 1e-4,
    }


def test_what_has_ended_is_left_out():
    list_ = todo(readouts=["a"], sizes=[10])
    known = {Setting("a", 10, 0, rate, tried=True): rate for rate in (1e-4, 1e-5)}
    known |= {Setting("a", 10, 0, 1e-4): 0.9, Setting("a", 10, 2, 1e-4): 0.8}
    list_.skip(lambda s: ended(s, known[s]) if s in known else None)
    assert list_.waiting == [Setting("a", 10, 1, 1e-4)]
    assert (len(list_), list_.left) == (1, 10)


def test_compares_and_keeps(model, task, tmp_path, monkeypatch):
    found = compare(model, task, sizes=(16, 24), folder=tmp_path)
    assert [(t.setting.readout, t.setting.n, t.setting.seed) for t in found.trials] == [
        (f.readout, f.n, f.seed) for f in found.frozen
    ]
    assert len(found.trials) == 8
    assert {len(t.scores) for t in found.trials} == {len(task.splits.test)}
    assert len(found.tried) == 8
    assert {len(t.scores) for t in found.tried} == {0}
    for spec, folder in found.checkpoints.items():
        best = max(
            (t for t in found.trials if t.setting.readout == spec and t.setting.n == 24),
            key=lambda t: (t.dev, -t.setting.rate, -t.setting.seed),
        )
        made = json.loads((folder / "poolwise.json").read_text())["made"]
        assert (made["dev"], Setting(**made["setting"])) == (best.dev, best.setting)
        assert poolwise.load(folder).depth == model.depth
    assert set(found.checkpoints) == {"cls@-1", "mean@-1"}

    def never(*_, **__):
        raise AssertionError("trained again")

    before = files(tmp_path)
    monkeypatch.setattr(runs, "train_and_keep", never)
    monkeypatch.setattr(frozen_module, "_made", never)
    again = compare(model, task, sizes=(16, 24), folder=tmp_path, workers=2)
    assert told(again.trials) == told(found.trials)
    assert told(again.tried) == told(found.tried)
    assert again.checkpoints == found.checkpoints
    for one, other in zip(found.frozen, again.frozen, strict=True):
        np.testing.assert_array_equal(one.scores, other.scores)
    assert files(tmp_path) == before
    assert not [*tmp_path.glob("runs/*.training")]


def test_without_a_folder_nothing_is_kept(model, task, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = compare(model, task, ["mean@-1"], seeds=1)
    assert len(found.trials) == 1
    assert not found.checkpoints
    assert not [*tmp_path.iterdir()]


def test_whatever_matters_has_a_run_of_its_own(model, task, animals, tmp_path, monkeypatch):
    of = materials(model, task)
    setting = Setting("cls@-1", 16, 0, 1e-3)
    kept = Kept(tmp_path, of, RECIPE, 16)
    others = [
        Kept(tmp_path, {**of, "model": "another"}, RECIPE, 16),
        Kept(tmp_path, {**of, "max_length": 7}, RECIPE, 16),
        Kept(tmp_path, materials(model, Task(animals("multilabel"), "multilabel", 0)), RECIPE, 16),
        Kept(tmp_path, of, Recipe(2, 8, RECIPE.rates, steps=0), 16),
    ]
    paths = {keeper.state(setting) for keeper in (kept, *others)}
    paths |= {kept.state(Setting("cls@-1", 16, 1, 1e-3))}
    assert len(paths) == 6
    another = replace(animals(), texts=["another text", *task.texts[1:]])
    for other in (of_other_labels(animals), Task(another, "classification", 0)):
        assert materials(model, other) != of
    assert materials(model.prompted("query: "), task) != of
    monkeypatch.setattr(kept_module, "__version__", "another")
    assert materials(model, task) != of
    more_rates = Kept(tmp_path, of, Recipe(1, 8, (1.0,), steps=0), 24)
    assert more_rates.state(setting) == kept.state(setting)


def of_other_labels(animals):
    """The same texts and parts under one name and hash, and each animal called another."""
    other = dict(zip(["cat", "dog", "bird"], ["dog", "bird", "cat"], strict=True))
    data = animals()
    return Task(replace(data, labels=[other[x] for x in data.labels]), "classification", 0)


def weights(folder):
    return (folder / "model.safetensors").read_bytes()


@pytest.fixture
def trained(monkeypatch):
    """The settings of all trainings that are made in this process from here on."""
    made = []
    train = runs.train_and_keep

    def counting(model, task, kept, setting, *rest, **options):
        made.append(setting)
        return train(model, task, kept, setting, *rest, **options)

    monkeypatch.setattr(runs, "train_and_keep", counting)
    return made


def test_results_and_checkpoints_belong_together(model, task, animals, tmp_path, trained):
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
        assert told(again.trials) == told(first.trials)
        assert again.checkpoints == first.checkpoints
        for spec, path in again.checkpoints.items():
            assert weights(path) == told_first[spec]
            classifier = load_classifier(path)
            np.testing.assert_array_equal(classifier.outputs(task.texts), outputs[spec])
            assert classifier.provenance["targets"] == materials(model, task)["targets"]
        back = compare(model, other, **asked)
        assert {spec: weights(path) for spec, path in back.checkpoints.items()} == told_second
    assert len(trained) == before


def test_the_checkpoint_is_of_a_training_that_is_reported(model, task, tmp_path, trained):
    """Whatever else was trained before: with more seeds, at other rates."""
    for options in (
        {"seeds": 3},
        {"seeds": 1},
        {"seeds": 2, "recipe": replace(RECIPE, rates=(1e-4,))},
        {"seeds": 2},
        {"seeds": 3},
    ):
        found = compare(model, task, ["cls@-1"], folder=tmp_path, **options)
        best = max(found.trials, key=lambda t: (t.dev, -t.setting.seed))
        made = load_classifier(found.checkpoints["cls@-1"]).provenance
        assert (Setting(**made["setting"]), made["dev"]) == (best.setting, best.dev)
    assert len(trained) - len(set(trained)) <= 3  # those whose checkpoint gave way to a better one


def test_a_lost_checkpoint_is_trained_again_and_nothing_else(model, task, tmp_path, trained):
    first = compare(model, task, folder=tmp_path)
    lost = first.checkpoints["cls@-1"]
    before, count = weights(lost), len(trained)
    shutil.rmtree(lost)
    again = compare(model, task, folder=tmp_path)
    assert again.checkpoints == first.checkpoints
    assert weights(lost) == before
    assert told(again.trials) == told(first.trials)
    assert [setting.readout for setting in trained[count:]] == ["cls@-1"]


def test_another_comparison_that_is_interrupted_changes_no_checkpoint(
    model, task, animals, tmp_path, monkeypatch
):
    found = compare(model, task, folder=tmp_path)
    before = {spec: weights(path) for spec, path in found.checkpoints.items()}
    train, ended = runs.train_and_keep, []

    def interrupted(model, task, kept, setting, *rest, **options):
        if setting.seed:
            raise KeyboardInterrupt
        ended.append(train(model, task, kept, setting, *rest, **options))
        return ended[-1]

    monkeypatch.setattr(runs, "train_and_keep", interrupted)
    with pytest.raises(KeyboardInterrupt):
        compare(model, of_other_labels(animals), folder=tmp_path)
    assert [trial for trial in ended if not trial.setting.tried]
    assert {spec: weights(path) for spec, path in found.checkpoints.items()} == before


def test_a_folder_of_somebody_elses_is_left_alone(model, task, tmp_path):
    (tmp_path / "checkpoints" / "cls@-1").mkdir(parents=True)
    (tmp_path / "checkpoints" / "cls@-1" / "thesis.txt").write_text("mine")
    with pytest.raises(StoreError, match="cls@-1 cannot be written"):
        compare(model, task, ["cls@-1"], seeds=1, folder=tmp_path)
    assert (tmp_path / "checkpoints" / "cls@-1" / "thesis.txt").read_text() == "mine"


def test_the_model_that_is_tuned_is_not_replaced(model, task, tmp_path, trained):
    first = compare(model, task, ["cls@-1"], seeds=1, folder=tmp_path)
    count, tuned = len(trained), poolwise.load(first.checkpoints["cls@-1"])
    with pytest.raises(StoreError, match="cls@-1 holds the model that is tuned"):
        compare(tuned, task, ["cls@-1"], seeds=1, folder=tmp_path)
    assert len(trained) == count


def test_an_unreadable_run_is_named(model, task, tmp_path):
    compare(model, task, ["cls@-1"], seeds=1, folder=tmp_path)
    path = next(p for p in (tmp_path / "runs").glob("*.json") if "epochs" in p.read_text())
    for broken in ("{", '{"made": {}}', "[]"):
        path.write_text(broken)
        with pytest.raises(StoreError, match=f"{path.name}: not what a training wrote"):
            compare(model, task, ["cls@-1"], seeds=1, folder=tmp_path)


@pytest.mark.parametrize("kind", ["classification", "multilabel", "regression"])
def test_the_frozen_probe_reads_what_training_reads(model, animals, kind):
    task = Task(animals(kind), kind, 0)
    readouts = ["mean@-1", "attention@-1", "token[9]@-1"]
    asked = [tunable(spec, model.depth) for spec in readouts]
    kept, all_ = Kept(None, materials(model, task), RECIPE, 1), len(task.splits.train)
    made = frozen_module.frozen(
        model, task, asked, [20, all_], 2, kept=kept, workers=1, progress=False
    )
    scores = {(f.readout, f.n, f.seed): f.scores for f in made}
    assert len(scores) == 12
    assert all(s.shape == task.splits.test.shape for s in scores.values())
    np.testing.assert_array_equal(scores["mean@-1", 20, 1], scores["attention@-1", 20, 1])
    # All of train is the same rows, whoever draws them.
    np.testing.assert_array_equal(scores["mean@-1", all_, 0], scores["mean@-1", all_, 1])
    assert scores["mean@-1", all_, 0].mean() > 0.1


def test_a_token_that_a_text_lacks_is_sep(model, task):
    asked = tunable("token[9]@-1", model.depth)
    probe = (asked, len(task.splits.train), 0)
    cache = frozen_module._shelved(model, task, [probe], progress=False)
    rows = np.concatenate([task.splits.train, task.splits.test])
    vectors = frozen_module._vectors(task, cache, asked.readout, rows)
    texts = [task.texts[row] for row in rows.tolist()]
    lengths = np.array([text.n_tokens for text in model.tokenize(texts)])
    expected = np.where(
        (lengths > 9)[:, None],
        np.nan_to_num(model.embed(texts, "max@-1")),
        model.embed(texts, "sep@-1"),
    )
    assert (lengths <= 9).any()
    np.testing.assert_allclose(vectors[lengths <= 9], expected[lengths <= 9], rtol=1e-5, atol=1e-6)
    assert np.isfinite(vectors).all()


SCRIPT = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
import conftest, poolwise, test_tuning_runs as own
from poolwise.tuning.task import Task

if __name__ == "__main__":
    model = poolwise.load({folder!r})
    task = Task(conftest.told_of_animals(), "classification", 0)
    own.compare(model, task, folder=Path({output!r}), workers=2, recipe=own.RECIPE)
"""


def kept(model, task, folder):
    return Kept(folder, materials(model, task), RECIPE, 16)


class Gone:
    """A process that has ended."""

    def __init__(self, exitcode):
        self.exitcode = exitcode

    def join(self):
        pass


def dead_worker(pipe, kept, exitcode):
    one = workers.Worker.__new__(workers.Worker)
    one.pipe, one.process = pipe, Gone(exitcode)
    one._kept, one._longest = kept, 64
    return one


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_for(happened):
    until = time.monotonic() + 600
    while not happened():
        assert time.monotonic() < until
        time.sleep(0.02)


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="counts processes in /proc")
def test_two_workers_killed_and_gone_on(model, task, tiny, tmp_path):
    """No process outlives its parent; what has ended stays; one process gives the same as two."""
    script, output = tmp_path / "compare.py", tmp_path / "out"
    here = str(Path(__file__).parent)
    script.write_text(SCRIPT.format(tests=here, folder=str(tiny("bert")), output=str(output)))
    with subprocess.Popen([sys.executable, script], stderr=subprocess.PIPE, text=True) as parent:
        wait_for(lambda: [*output.glob("runs/*.json")] or parent.poll() is not None)
        children = Path(f"/proc/{parent.pid}/task/{parent.pid}/children").read_text().split()
        parent.kill()
        said = parent.stderr.read()
    assert len(children) >= 2
    assert "Traceback" not in said
    wait_for(lambda: not any(map(alive, children)))
    before = files(output)
    assert 1 <= len(before) < 8
    found = compare(model, task, folder=output)
    assert before.items() <= files(output).items()
    assert told(found.trials) == told(compare(model, task).trials)


def test_ctrl_c_ends_the_workers(model, task, tmp_path, monkeypatch):
    order = workers.Order(model, task, kept(model, task, tmp_path), 1)
    list_ = todo()
    begun = iter([list_.next()])

    def interrupted():
        for setting in begun:
            return setting
        raise KeyboardInterrupt

    monkeypatch.setattr(list_, "next", interrupted)
    with pytest.raises(KeyboardInterrupt):
        workers.work_through(list_, order, 2, lambda _: None)
    assert not [p for p in multiprocessing.active_children() if p.daemon]


def test_an_error_in_a_worker_is_raised_here(model, task, tmp_path):
    order = workers.Order(model, task, kept(model, task, tmp_path), 1)
    parents, theirs = workers.get_context("spawn").Pipe()
    parents.send(Setting("mean@9", 16, 0, 1e-3))
    before = signal.getsignal(signal.SIGINT)
    workers._work(theirs, order, nullcontext())
    signal.signal(signal.SIGINT, before)
    one = dead_worker(parents, order.kept, 0)
    with pytest.raises(ReadoutError, match="mean@9"):
        one.hear()
    parents.close()
    theirs.close()


@pytest.mark.parametrize(
    ("exitcode", "words"),
    [
        (-signal.SIGKILL, "out of memory with 8 texts .* 64 tokens: try --batch-size 4; .* kept"),
        (1, "ended with exit code 1; .* if __name__"),
    ],
)
def test_a_worker_that_dies(model, task, tmp_path, exitcode, words):
    parents, theirs = workers.get_context("spawn").Pipe()
    theirs.close()
    one = dead_worker(parents, kept(model, task, tmp_path), exitcode)
    with pytest.raises(StudyError, match=words):
        one.hear()
    one.pipe.close()


def test_workers_train_the_model_that_they_are_given(model, task, tmp_path):
    """Not what its folder holds: other weights, and a prompt in front of every text."""
    other = reinitialize(model, 1).prompted("the cat: ")
    two = compare(other, task, ["mean@-1"], workers=2)
    assert told(two.trials) == told(compare(other, task, ["mean@-1"]).trials)
    assert told(two.trials) != told(compare(model, task, ["mean@-1"]).trials)


def test_torchrun_walks_the_same_way_and_only_the_first_writes(model, task, tmp_path, monkeypatch):
    monkeypatch.setenv("RANK", "1")
    found = compare(model, task, ["cls@-1"], seeds=1, folder=tmp_path)
    assert len(found.trials) == 1
    assert not found.frozen
    assert not [*tmp_path.iterdir()]


def test_a_folder_that_cannot_be_written(model, task, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="file/runs cannot be written: Not a directory"):
        compare(model, task, ["cls@-1"], seeds=1, folder=tmp_path / "file")
