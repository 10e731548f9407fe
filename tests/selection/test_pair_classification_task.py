"""Average precision of cosines: scikit-learn's, sentence-transformers' and MTEB's."""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

import poolwise
from poolwise.errors import StudyError
from poolwise.selection.tasks.data_tasks import task_of
from poolwise.selection.tasks.pair_classification_task import PairClassificationTask
from poolwise.selection.tasks.task import PairsTask, estimate_on
from poolwise.selection.vector_cache import cache_vectors
from poolwise.texts import TextPairs

BANKING77 = Path(__file__).parents[2] / "examples" / "banking77.csv"
READOUT = "mean@-1"
N = 400


@pytest.fixture(scope="module")
def pairs():
    """Of questions to a bank: a match has the same intent."""
    with BANKING77.open(encoding="utf-8", newline="") as file:
        rows = [(row["text"], row["category"]) for row in csv.DictReader(file)]
    rng = np.random.default_rng(0)
    rows = [rows[i] for i in rng.permutation(len(rows))[:150]]
    order = [(i, j) for i in range(150) for j in range(i) if rows[i][1] == rows[j][1]]
    order += [tuple(rng.permutation(150)[:2].tolist()) for _ in range(N - len(order))]
    first, second = ([rows[pair[side]] for pair in order] for side in (0, 1))
    scores = [float(a[1] == b[1]) for a, b in zip(first, second, strict=True)]
    texts = ([text for text, _ in side] for side in (first, second))
    return TextPairs("intents", *texts, np.array(scores), [""] * N, [""] * N, "hash")


@pytest.fixture(scope="module")
def cache(demo, pairs):
    return cache_vectors(demo, [*pairs.first, *pairs.second], [poolwise.parse(READOUT)])


@pytest.fixture(scope="module")
def task(pairs):
    return PairClassificationTask(pairs, 0)


@pytest.fixture(scope="module")
def cosines(task, cache):
    return task.cosines(cache, cache[READOUT])


class Vectors:
    """What encodes a text as the cache does."""

    def __init__(self, cache):
        self.cache, self.vectors = cache, cache[READOUT]

    def __call__(self, texts):
        return self.vectors[self.cache.rows(texts)]


def test_it_is_scikit_learns_average_precision(task, cache, cosines, pairs):
    expected = average_precision_score(pairs.scores, cosines)
    assert task.row_scores(cache, cache[READOUT]).mean() == pytest.approx(expected, abs=1e-12)


def test_it_is_sentence_transformers_cosine_ap(task, cache, pairs):
    evaluation = pytest.importorskip("sentence_transformers.sentence_transformer.evaluation")

    class Evaluator(evaluation.BinaryClassificationEvaluator):
        def embed_inputs(self, model, sentences, **_):
            return model(sentences)

    evaluator = Evaluator(
        pairs.first, pairs.second, pairs.scores.astype(int), similarity_fn_names=["cosine"]
    )
    found = evaluator.compute_metrics(Vectors(cache))["cosine"]
    expected = task.row_scores(cache, cache[READOUT]).mean()
    assert found["ap"] == pytest.approx(expected, abs=1e-6)


def test_it_is_mtebs_cosine_ap(task, cache, pairs):
    mteb = pytest.importorskip("mteb.abstasks.pair_classification")
    from sklearn.metrics.pairwise import paired_cosine_distances

    vectors = Vectors(cache)
    distances = 1 - paired_cosine_distances(vectors(pairs.first), vectors(pairs.second))
    theirs = object.__new__(mteb.AbsTaskPairClassification)
    labels = pairs.scores.astype(int)
    values = theirs._compute_metrics_values(distances.tolist(), labels, True)
    assert values["ap"] == pytest.approx(task.row_scores(cache, cache[READOUT]).mean(), abs=1e-6)


def test_the_higher_score_is_a_match_whichever_is_rarer(pairs, cosines):
    turned = PairClassificationTask(replace(pairs, scores=5 - 2 * pairs.scores), 0)
    expected = average_precision_score(1 - pairs.scores, cosines)
    assert turned.pseudo_values(cosines).mean() == pytest.approx(expected, abs=1e-12)


def test_chance_is_the_share_of_matches(task, pairs, cosines):
    assert task.chance_scores().mean() == pytest.approx(pairs.scores.mean())
    rng, found = np.random.default_rng(0), []
    for _ in range(50):
        others = rng.permutation(task.positive)
        found.append(task.scores_by(cosines, others).mean())
    assert np.mean(found) == pytest.approx(pairs.scores.mean(), abs=0.02)


def test_pairs_that_share_texts_widen_the_interval(task, cosines):
    values = task.pseudo_values(cosines)
    alone = PairClassificationTask(task.pairs, 0)
    alone.groups = np.arange(2 * N).reshape(N, 2)
    wide, narrow = (estimate_on(t, values, task.folds.report_rows) for t in (task, alone))
    assert wide.high - wide.low > 1.1 * (narrow.high - narrow.low)


def test_a_threshold_is_chosen_without_the_fold_it_decides(task, cosines, pairs):
    found = task.threshold_scores("accuracy at the best threshold", cosines)
    hits = np.empty(N)
    for _, fitted, rows in task.folds.divisions():
        places = np.unique(cosines[fitted])
        cuts = np.append((places[1:] + places[:-1]) / 2, places[-1] + 1)
        right = [np.mean((cosines[fitted] > c) == task.positive[fitted]) for c in cuts]
        cut = cuts[np.flatnonzero(np.isclose(right, max(right))).max()]
        hits[rows] = (cosines[rows] > cut) == task.positive[rows]
    np.testing.assert_allclose(found, hits, atol=1e-9)
    f1 = task.threshold_scores("F1 at the best threshold", cosines).mean()
    assert 0.3 < f1 < 1


def test_pairs_of_two_scores_are_matches_and_of_more_are_not(pairs):
    assert type(task_of(pairs, 0)) is PairClassificationTask
    graded = replace(pairs, scores=np.arange(N) % 3 / 2)
    assert type(task_of(graded, 0)) is PairsTask
    with pytest.raises(StudyError, match=r"the scores take 3 values, such as 0, 0\.5 and 1"):
        PairClassificationTask(graded, 0)


def test_matches_alone_are_an_error(pairs):
    with pytest.raises(StudyError, match=r"all pairs have the score 1; .* add pairs that are none"):
        PairClassificationTask(replace(pairs, scores=np.ones(N)), 0)


def test_a_split_of_one_kind_is_an_error(pairs):
    splits = ["test" if score else "" for score in pairs.scores]
    with pytest.raises(StudyError, match="the score 0"):
        PairClassificationTask(replace(pairs, splits=splits), 0)
