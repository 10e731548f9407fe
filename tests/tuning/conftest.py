"""Trainings of tiny models: their matrices are too small to be shared among threads."""

import pytest
import torch

from poolwise.texts import LabelledTexts
from poolwise.tuning.records import TrainingOptions
from poolwise.tuning.train_runs import train_runs
from poolwise.tuning.trainable_readout import parse_trainable

OPTIONS = TrainingOptions(epochs=1, batch_size=8, rates=(3e-3, 1e-3), steps=0)
ANIMALS = ("cat", "dog", "bird")
PLACES = ("on mat", "in old house", "over hill to sea", "was big and red", "ran", "we saw it")


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def told_of_animals(kind="classification"):
    """72 texts that say which animal is where, and the splits they belong to."""
    rows = [(a, p, more) for a in ANIMALS for p in PLACES for more in ("", "the", "and you", "no")]
    tell = {
        "classification": lambda animal, _: animal,
        "multilabel": lambda animal, place: f"{animal};{place[0]}",
        "regression": lambda animal, place: str(ANIMALS.index(animal) + len(place) / 20),
    }[kind]
    splits = [("train", "train", "train", "dev", "test")[i % 5] for i in range(len(rows))]
    texts = [f"{more} {animal} {place}" for animal, place, more in rows]
    return LabelledTexts("animals", texts, [tell(a, p) for a, p, _ in rows], splits, "0")


@pytest.fixture
def animals():
    return told_of_animals


def trained_once(module, inputs, *, training, seed):
    """The output and every gradient of one backward pass, dropout drawn by ``seed``."""
    module.train(training).zero_grad()
    torch.manual_seed(seed)
    out = module(**inputs)
    out.loss.backward()
    return out, {name: parameter.grad for name, parameter in module.named_parameters()}


@pytest.fixture
def assert_same_training():
    """Ours and transformers' give the same logits, loss and gradients, to 1e-6; returns these."""

    def same(ours, theirs, inputs, *, training, seed):
        their_inputs = {name: tensor for name, tensor in inputs.items() if name != "words"}
        out, gradients = trained_once(ours, inputs, training=training, seed=seed)
        expected, wanted = trained_once(theirs, their_inputs, training=training, seed=seed)
        torch.testing.assert_close(out.logits, expected.logits, rtol=1e-6, atol=1e-6)
        torch.testing.assert_close(out.loss, expected.loss, rtol=1e-6, atol=1e-6)
        assert gradients.keys() == wanted.keys()
        for name, gradient in wanted.items():
            torch.testing.assert_close(gradients[name], gradient, rtol=1e-6, atol=1e-6)
        return gradients

    return same


def compare(model, task, readouts=("cls@-1", "mean@-1"), sizes=(16,), seeds=2, **options):
    options = {"options": OPTIONS, "folder": None, "workers": 1, "progress": False, **options}
    asked = [parse_trainable(spec, model.depth) for spec in readouts]
    return train_runs(model, task, asked, sizes, seeds, **options)


def facts(trials):
    """All but the time taken."""
    return [
        (t.run, t.dev_score, t.test_scores.tolist(), t.learned_readout, t.best_epoch, t.epochs)
        for t in trials
    ]


def files(folder):
    return {path.name: path.stat().st_mtime_ns for path in (folder / "runs").glob("*.json")}


@pytest.fixture(name="compare")
def _compare():
    return compare


@pytest.fixture(name="facts")
def _facts():
    return facts


@pytest.fixture(name="files")
def _files():
    return files
