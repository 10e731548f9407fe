"""Parallel sentences: MTEB's own accuracy and F1 on the same vectors."""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import f1_score

import poolwise
from poolwise.errors import StudyError
from poolwise.selection.tasks.bitext_task import F1, REVERSED, BitextTask
from poolwise.selection.vector_cache import cache_vectors
from poolwise.statistics.label_scores import weighted_f1
from poolwise.texts import RetrievalData

BANKING77 = Path(__file__).parents[2] / "examples" / "banking77.csv"
READOUT = "mean@2"
N = 300


@pytest.fixture(scope="module")
def data():
    """Questions to a bank, and their last two thirds."""
    with BANKING77.open(encoding="utf-8", newline="") as file:
        texts = [row["text"] for row in csv.DictReader(file)]
    rng = np.random.default_rng(0)
    texts = [texts[i] for i in rng.permutation(len(texts))[:N]]
    others = [" ".join(text.split()[len(text.split()) // 3 :]) for text in texts]
    ids = [f"{i:03}" for i in range(N)]
    relevance = [{i: 1.0} for i in range(N)]
    names = [f"q{i}" for i in ids], texts, [f"d{i}" for i in ids], others
    return RetrievalData("halves", *names, relevance, [""] * N, "hash")


@pytest.fixture(scope="module")
def task(data):
    return BitextTask(data, 0)


@pytest.fixture(scope="module")
def cache(demo, task):
    readouts = [poolwise.parse(READOUT)]
    return cache_vectors(demo, [], readouts, queries=task.data.queries, documents=task.documents)


@pytest.fixture(scope="module")
def theirs(cache, data):
    """What MTEB's bitext mining says of these vectors, of a search from ``a`` to ``b``."""
    evaluator = pytest.importorskip("mteb._evaluators.text.bitext_mining_evaluator")
    abstask = pytest.importorskip("mteb.abstasks.text.bitext_mining")
    import torch

    class Model:
        def similarity(self, a, b):
            return torch.nn.functional.normalize(a) @ torch.nn.functional.normalize(b).T

    def search(a, b):
        vectors = [
            torch.from_numpy(cache[READOUT][cache.rows(*texts)]).double() for texts in (a, b)
        ]
        mining = object.__new__(evaluator.BitextMiningEvaluator)
        nearest = mining._similarity_search(*vectors, Model())
        of_theirs = object.__new__(abstask.AbsTaskBitextMining)
        return of_theirs._compute_metrics(nearest, [(i, i) for i in range(len(data))])

    first, second = (data.queries, "query"), (data.documents, "document")
    return search(first, second), search(second, first)


@pytest.mark.filterwarnings("ignore:To copy construct from a tensor:UserWarning")
@pytest.mark.filterwarnings("ignore:The number of unique classes:UserWarning")
def test_accuracy_and_f1_are_mtebs(task, cache, theirs):
    there, back = theirs
    assert 0.2 < there["accuracy"] < 0.98
    scores = task.row_scores(cache, cache[READOUT])
    assert scores.mean() == pytest.approx(there["accuracy"], abs=1e-6)
    others = task.other_scores(cache, cache[READOUT])
    assert others[REVERSED].mean() == pytest.approx(back["accuracy"], abs=1e-6)
    assert others[F1].mean() == pytest.approx(there["f1"], abs=1e-6)


def test_chance_is_the_share_of_one(task):
    assert task.chance_scores().mean() == pytest.approx(1 / N)


def test_the_second_sentences_of_others_score_nothing(task, cache):
    assert task.shuffled().row_scores(cache, cache[READOUT]).mean() < 0.02


def test_several_translations_or_none_are_an_error(data):
    for relevance in ({0: 1.0, 1: 1.0}, {0: 0.0}):
        wrong = replace(data, relevance=[relevance, *data.relevance[1:]])
        with pytest.raises(StudyError, match=r"has [02] relevant documents; bitext mining takes"):
            BitextTask(wrong, 0)


@pytest.mark.parametrize("seed", range(3))
def test_weighted_f1_is_scikit_learns_and_its_influence_the_derivative(seed):
    rng = np.random.default_rng(seed)
    true, predicted = rng.integers(0, 6, 80), rng.integers(0, 8, 80)
    predicted = np.where(rng.random(80) < 0.6, true, predicted)
    value, influence = weighted_f1(predicted, true)
    options = {"average": "weighted", "zero_division": 0}
    assert value == pytest.approx(f1_score(true, predicted, **options), abs=1e-12)
    assert influence.mean() == pytest.approx(0, abs=1e-12)
    for row in range(0, 80, 9):
        weights = np.ones(80)
        weights[row] += 1e-6
        moved = f1_score(true, predicted, sample_weight=weights, **options) - value
        assert influence[row] == pytest.approx(80 * moved / 1e-6, abs=1e-4)
