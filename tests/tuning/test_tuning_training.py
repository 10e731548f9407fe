from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest
import torch

import poolwise
from poolwise.errors import ReadoutError, StoreError, StudyError
from poolwise.tuning import early_stopping
from poolwise.tuning.batches import ShuffledTexts, TokenizedTexts, shuffled
from poolwise.tuning.classifier_module import ReadoutClassifier
from poolwise.tuning.out_of_memory import oom_as
from poolwise.tuning.records import TrainingOptions, TrainingRun
from poolwise.tuning.task import TuningTask
from poolwise.tuning.trainable_readout import parse_trainable
from poolwise.tuning.training import optimizer, passes_per_epoch, train, training_cost

EVALUATED = early_stopping.EarlyStopping.on_evaluate
OPTIONS = TrainingOptions(epochs=4, batch_size=8, rates=(1e-3,), steps=0)


@pytest.fixture
def model(tiny):
    return poolwise.load(tiny("bert"))


@pytest.fixture
def task(animals):
    return TuningTask(animals(), "classification", 0)


def trained(
    model,
    task,
    readout="mean@-1",
    n=40,
    options=OPTIONS,
    resume_folder=None,
    report=None,
    **changes,
):
    run = TrainingRun(readout, n, changes.get("seed", 0), changes.get("rate", 3e-3))
    return train(model, task, run, options, test=True, resume_folder=resume_folder, report=report)


def same(one, other):
    a, b = one.state_dict(), other.state_dict()
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


@pytest.mark.parametrize("readout", ["mean@-1", "cls@mix", "token[9]@2"])
def test_learns_and_says_what_came_of_it(model, task, readout, capfd):
    passed = []
    trial, module = trained(model, task, readout, report=passed.append)
    if readout == "mean@-1":
        assert trial.dev_score > 0.6
        assert trial.test_scores.mean() > 0.6
    assert trial.test_scores.shape == task.splits.test.shape
    assert 1 <= trial.best_epoch <= trial.epochs <= 4
    assert sum(passed) == pytest.approx(4 * 40)
    assert not module.training
    assert poolwise.parse(trial.learned_readout) == module.learned_readout()
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("kind", ["multilabel", "regression"])
def test_other_kinds(model, animals, kind):
    task = TuningTask(animals(kind), kind, 0)
    trial, _ = trained(model, task, options=TrainingOptions(20, 8, (), steps=0, patience=20))
    assert trial.test_scores.mean() > 0.2


def test_scores_stand_in_the_order_of_test(model, task):
    trial, module = trained(model, task)
    rows = task.splits.test
    found = []
    for row in rows.tolist():
        (text,) = model.tokenize([task.texts[row]])
        ids = torch.from_numpy(text.windows[0].ids.astype(np.int64))[None]
        words = torch.from_numpy(~text.windows[0].special)[None]
        with torch.no_grad():
            found.append(module(ids, torch.ones_like(ids), words).logits[0].numpy())
    np.testing.assert_array_equal(trial.test_scores, task.scores(np.array(found), rows))


def test_the_seed_decides_alone(model, task):
    first = trained(model, task, seed=1)
    torch.rand(3)
    again = trained(model, task, seed=1)
    other = trained(model, task, seed=2)
    assert same(first[1], again[1])
    np.testing.assert_array_equal(first[0].test_scores, again[0].test_scores)
    assert not same(first[1], other[1])


def test_the_callers_draws_are_left_alone(model, task):
    def draws():
        return random.random(), np.random.random(), torch.rand(1).item()  # noqa: NPY002

    random.seed(1), np.random.seed(1), torch.manual_seed(1)  # noqa: NPY002
    expected = draws()
    random.seed(1), np.random.seed(1), torch.manual_seed(1)  # noqa: NPY002
    trained(model, task, options=TrainingOptions(1, 8, (1e-3,), steps=0))
    assert draws() == expected


class KilledError(Exception):
    """Raised where a kill would come."""


def killed_after(texts):
    passed = []

    def report(count):
        passed.append(count)
        if sum(passed) >= texts:
            raise KilledError

    return report


def test_goes_on_after_kills_as_if_nothing_had_been(model, task, tmp_path, monkeypatch):
    """Within an epoch, at its end, in the first and the last: the same to the last bit."""
    readout, options = "cls@mix", TrainingOptions(4, 8, (), steps=0, patience=9)
    whole = trained(model, task, readout, options=options)
    monkeypatch.setattr(early_stopping, "SAVED_EVERY_S", 0.0)
    for at in (16, 24, 40, 104, 160):
        with pytest.raises(KilledError):
            trained(
                model,
                task,
                readout,
                options=options,
                resume_folder=tmp_path,
                report=killed_after(at),
            )
        assert len([*tmp_path.iterdir()]) == 1
    half_written = tmp_path / "checkpoint-99"
    half_written.mkdir()
    (half_written / "trainer_state.json").write_text("{")
    passed = []
    resumed = trained(
        model, task, readout, options=options, resume_folder=tmp_path, report=passed.append
    )
    assert passed[0] == pytest.approx(152)
    assert sum(passed) == pytest.approx(160)
    assert same(whole[1], resumed[1])
    np.testing.assert_array_equal(whole[0].test_scores, resumed[0].test_scores)
    told = [(t.dev_score, t.best_epoch, t.epochs, t.learned_readout) for t, _ in (whole, resumed)]
    assert told[0] == told[1]


def test_a_damaged_checkpoint_is_named(model, task, tmp_path, monkeypatch):
    monkeypatch.setattr(early_stopping, "SAVED_EVERY_S", 0.0)
    with pytest.raises(KilledError):
        trained(model, task, resume_folder=tmp_path, report=killed_after(56))
    (seen,) = tmp_path.glob("*/watched.json")
    seen.write_text('{"score": ')
    with pytest.raises(StoreError, match=r"checkpoint-\d+: a training cannot go on from here"):
        trained(model, task, resume_folder=tmp_path)


def test_a_short_training_writes_nothing(model, task, tmp_path):
    trained(model, task, resume_folder=tmp_path / "state")
    assert not [*(tmp_path / "state").iterdir()]


def test_ends_early_with_the_best_epoch(model, task, monkeypatch):
    def stopped(patience):
        told = iter([0.2, 0.5, 0.4, 0.5, 0.9])
        monkeypatch.setattr(task, "scores", lambda _, rows: np.full(len(rows), next(told)))
        losses(monkeypatch, [3, 2, 2, 2, 2])
        passed = []
        options = TrainingOptions(8, 8, (1e-3,), steps=0, patience=patience)
        run = TrainingRun("mean@-1", 40, 0, 1e-3)
        trial, module = train(
            model, task, run, options, test=False, resume_folder=None, report=passed.append
        )
        assert (trial.dev_score, trial.best_epoch, trial.epochs) == (0.5, 2, 2 + patience)
        assert sum(passed) == pytest.approx(8 * 40)
        assert trial.test_scores.shape == (0,)
        return module

    assert same(stopped(1), stopped(2))


def losses(monkeypatch, told):
    """What dev's loss is said to be, epoch by epoch."""
    told = iter(told)

    def on_evaluate(self, args, state, control, **now):
        now["metrics"]["eval_loss"] = next(told)
        return EVALUATED(self, args, state, control, **now)

    monkeypatch.setattr(early_stopping.EarlyStopping, "on_evaluate", on_evaluate)


def test_goes_on_while_the_loss_falls(model, task, monkeypatch):
    """Outputs that are not finite, say, score the same in each epoch; the first one is taken."""
    losses(monkeypatch, [3, 2, 1, 1.5, 1, 0])
    monkeypatch.setattr(task, "scores", lambda _, rows: np.full(len(rows), -np.inf))
    trial, _ = trained(model, task, options=TrainingOptions(6, 8, (), steps=0))
    assert (trial.dev_score, trial.best_epoch, trial.epochs) == (-np.inf, 1, 5)


def test_small_data_are_gone_through_more_often():
    options = TrainingOptions(epochs=3, batch_size=16, rates=(1e-4,), steps=150)
    assert passes_per_epoch(options, 100) == 7  # of 7 batches, in each of 3 epochs
    assert passes_per_epoch(options, 10_000) == 1
    assert passes_per_epoch(replace(options, epochs=2), 1000) == 1
    assert training_cost(options, TrainingRun("a", 100, 0, 1e-4)) == 2100
    assert training_cost(options, TrainingRun("a", 100, 0, 1e-4, rate_trial=True)) == 700


def test_an_epoch_may_pass_its_rows_several_times(model, task):
    texts = ShuffledTexts(model, task, task.subset(20, 0), batch_size=8, seed=0, passes=3)
    assert len(texts) == 60
    assert np.bincount(texts.order).tolist() == [3] * 20


def test_a_rate_is_tried_for_a_third_of_the_steps(model, task):
    options, told = TrainingOptions(3, 8, (), steps=0), []
    run = TrainingRun("cls@-1", 24, 0, 1e-3, rate_trial=True)
    trial, _ = train(model, task, run, options, test=False, resume_folder=None, report=told.append)
    assert (trial.epochs, trial.best_epoch, len(trial.test_scores)) == (1, 1, 0)
    assert sum(told) == pytest.approx(24)


def test_numbers_are_learned_whatever_their_scale(model, animals):
    """The same training, thousand times as large: the same R², and outputs on that scale."""
    data = animals("regression")
    large = replace(data, labels=[str(5e4 + 1e3 * float(y)) for y in data.labels])
    tasks = [TuningTask(some, "regression", 0) for some in (data, large)]
    options = TrainingOptions(2, 8, (), steps=0)
    found = [
        train(
            model,
            t,
            TrainingRun("mean@-1", 24, 0, 3e-3),
            options,
            test=True,
            resume_folder=None,
            report=None,
        )
        for t in tasks
    ]
    assert found[0][0].dev_score == pytest.approx(found[1][0].dev_score, abs=1e-3)
    assert (found[1][1].mean, found[1][1].deviation) == (0.0, 1.0)
    assert abs(found[1][1].classifier.bias.item() - 5e4) < 5e3


def test_who_learns_at_which_rate(model, task):
    module = ReadoutClassifier(model, parse_trainable("cls@mix", model.depth), task.output_space)
    made = optimizer(module, 1e-4, TrainingOptions(1, 8, (), head_factor=10.0, weight_decay=0.01))
    of = {id(p): (g["lr"], g["weight_decay"]) for g in made.param_groups for p in g["params"]}
    found = {name: of.get(id(p)) for name, p in module.named_parameters()}
    assert found["classifier.weight"] == (1e-3, 0.01)
    assert found["classifier.bias"] == (1e-3, 0.0)
    assert found["pooling.mix"] == (1e-3, 0.0)
    assert found["bert.embeddings.word_embeddings.weight"] == (1e-4, 0.01)
    assert found["bert.embeddings.LayerNorm.weight"] == (1e-4, 0.0)
    assert found["bert.encoder.layer.0.output.dense.bias"] == (1e-4, 0.0)
    assert set(found.values()) <= {(1e-3, 0.01), (1e-3, 0.0), (1e-4, 0.01), (1e-4, 0.0)}


@pytest.mark.parametrize("n", [3, 16, 41, 400])
def test_batches_are_alike_in_length_and_never_the_same(n):
    lengths = np.random.default_rng(0).integers(3, 60, n).astype(np.int32)
    first, second = (shuffled(lengths, 8, np.random.default_rng((5, e))) for e in (0, 1))
    assert sorted(first.tolist()) == [*range(n)]
    assert n < 8 or not np.array_equal(first, second)
    if n == 400:
        spread = np.ptp(lengths[first].reshape(-1, 8), axis=1).mean()
        assert spread < 12  # of 8 drawn at random: some 44


def test_texts_lie_by_length_and_are_put_back(model, task):
    rows = task.splits.test
    texts = TokenizedTexts(model, task, rows)
    lengths = [len(texts[i][0]) for i in range(len(texts))]
    assert lengths == sorted(lengths)
    np.testing.assert_array_equal(texts.in_row_order(texts.rows), rows)
    assert [texts[i][1] for i in range(len(texts))] == task.targets[texts.rows].tolist()


@pytest.mark.parametrize(
    ("error", "batch", "words"),
    [
        (torch.OutOfMemoryError("CUDA out of memory. Tried"), 8, "8 texts .* --batch-size 4$"),
        (
            RuntimeError("DefaultCPUAllocator: can't allocate memory"),
            3,
            "3 texts .* --batch-size 1$",
        ),
        (MemoryError(), 1, "1 text a batch, of up to 64 tokens: try --max-length 32$"),
    ],
)
def test_out_of_memory_says_what_to_try(error, batch, words):
    with (
        pytest.raises(StudyError, match=f"out of memory with {words}"),
        oom_as(batch, 64, resumable=False),
    ):
        raise error


def test_out_of_memory_in_training(model, task, monkeypatch, tmp_path):
    def backward(*_, **__):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(torch.Tensor, "backward", backward)
    with pytest.raises(StudyError, match="try --batch-size 4; the trainings that have ended are k"):
        trained(model, task, resume_folder=tmp_path)


def test_other_errors_pass():
    with pytest.raises(RuntimeError, match="mat1"), oom_as(8, 64, resumable=True):
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")


def test_a_readout_that_the_encoder_lacks(model, task):
    with pytest.raises(ReadoutError):
        trained(model, task, "mean@9")
