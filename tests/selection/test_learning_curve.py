"""Learning curves: sizes and samples by hand, scores against one's own loop of scikit-learn's."""

from __future__ import annotations

import os

import numpy as np
import pytest
from scipy.stats import ttest_1samp
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import r2_score
from sklearn.model_selection import ShuffleSplit, learning_curve

from poolwise.readouts import parse
from poolwise.selection.candidates import candidates_of
from poolwise.selection.folds import fold_rows
from poolwise.selection.learning_curve import (
    DRAWS,
    _sample,
    learning_curves,
    mean_over_draws,
    sizes,
)
from poolwise.selection.learning_curve_part import learning_curve_part
from poolwise.selection.row_samples import chosen_on
from poolwise.selection.selection import Selection
from poolwise.statistics.ridge import PENALTIES

WHOLE = os.environ.get("POOLWISE_SIMULATIONS") == "whole"


class Encoder:
    """What a selection asks of an encoder."""

    name, depth, width = "drawn", 12, 8
    declared = None


class Drawn:
    """A task whose scores are drawn, and that trains nothing."""

    name, score, scale, notes, strata = "drawn", "R²", "real", (), None

    def __init__(self, n, splits=None):
        self.n = n
        self.groups = np.arange(n)
        self.folds = fold_rows(splits or [""] * n, [(g,) for g in range(n)], 0)

    def __len__(self):
        return self.n


def drawn_selection(n, gains, seed=0, splits=None):
    """Scores of candidates that are better than the first by ``gains`` of their noise."""
    rng = np.random.default_rng(seed)
    scores = 2 * rng.standard_normal((n, 1)) + rng.standard_normal((n, len(gains))) + gains
    readouts = [parse("mean@-1"), *(parse(f"mean@{k}") for k in range(len(gains) - 1))]
    candidates = candidates_of(Encoder(), readouts, None)
    chance = np.zeros(n)
    return Selection(candidates, Drawn(n, splits), (), [1] * len(gains), scores, chance)


@pytest.mark.parametrize(
    ("n", "expected"),
    [(60, [48]), (100, [50, 80]), (1000, [50, 100, 200, 500, 800]), (300, [50, 100, 240])],
)
def test_sizes_are_1_2_5_up_to_what_a_fold_leaves(n, expected):
    assert sizes(drawn_selection(n, [0.0, 0.1])) == expected


def test_with_a_declared_test_split_all_other_rows_are_learned_from():
    splits = ["test"] * 50 + [""] * 250
    selection = drawn_selection(300, [0.0, 1.0], splits=splits)
    assert sizes(selection) == [50, 100, 200, 250]
    curves = learning_curves(selection)
    assert curves.points[0].choice.shape == (DRAWS, 50)
    assert curves.points[-1].choice.shape == (1, 50)
    np.testing.assert_array_equal(curves.points[-1].choice[0], selection.row_scores[:50, 1])


def test_samples_are_nested_and_keep_clusters_together():
    selection = drawn_selection(300, [0.0, 1.0])
    selection.task.folds.clusters[:] = np.repeat(np.arange(100), 3)
    small, large = (_sample(selection, n, 7) for n in (80, 160))
    assert not (small & ~large).any()
    assert small.sum() == pytest.approx(100, abs=3)
    assert (small.reshape(100, 3).sum(axis=1) % 3 == 0).all()
    assert (_sample(selection, 80, 8) != small).any()


def test_the_last_size_is_the_selection_itself(regression_selection):
    selection = regression_selection(300)
    last = learning_curves(selection).points[-1]
    np.testing.assert_array_equal(last.reference[0], selection.row_scores[:, 0])
    np.testing.assert_array_equal(last.best[0], selection.row_scores[:, 2])
    assert set(last.chosen) == {2}
    assert len(last.chosen) == 5


def test_a_probe_learns_from_the_sample_alone_as_scikit_learn_s_does(regression_selection):
    selection = regression_selection(400)
    point = next(p for p in learning_curves(selection).points if p.n == 100)
    x = selection.candidates[2].cache["mean@2"].astype(np.float64)
    task, folds = selection.task, selection.task.folds.codes
    for draw in range(DRAWS):
        sample = _sample(selection, 100, draw)
        predicted = np.empty((5, len(PENALTIES), 400))
        for fold in range(5):
            rows = sample & (folds != fold)
            for p, penalty in enumerate(PENALTIES):
                alpha = penalty * rows.sum() * x[rows].var(axis=0).mean()
                predicted[fold, p] = Ridge(alpha=alpha).fit(x[rows], task.targets[rows]).predict(x)
        losses = (predicted[folds, :, np.arange(400)].T - task.targets) ** 2
        final = np.empty(400)
        for fold in range(5):
            best = losses[:, sample & (folds != fold)].sum(axis=1).argmin()
            final[folds == fold] = predicted[fold, best, folds == fold]
        assert point.best[draw].mean() == pytest.approx(r2_score(task.targets, final), abs=1e-6)


def test_the_curve_of_a_classifier_is_near_scikit_learn_s(class_selection):
    selection = class_selection(600)
    curves = learning_curves(selection)
    x = selection.candidates[1].cache["mean@1"]
    counts = [point.n for point in curves.points]
    division = ShuffleSplit(10, test_size=0.2, random_state=0)
    model, options = LogisticRegression(C=0.1), {"shuffle": True, "random_state": 0}
    _, _, accuracies = learning_curve(
        model, x, selection.task.targets, train_sizes=counts, cv=division, **options
    )
    expected = accuracies.mean(axis=1)
    for point, accuracy in zip(curves.points, expected, strict=True):
        interval = curves.difference(point.best).value
        assert interval.low <= accuracy <= interval.high


def test_a_choice_is_scored_on_folds_that_it_was_made_without():
    selection = drawn_selection(500, [0.0, 0.25, 0.3])
    point = learning_curves(selection).points[1]
    folds, scores = selection.task.folds.codes, selection.row_scores
    for draw in range(DRAWS):
        sample = _sample(selection, point.n, draw)
        for fold in range(5):
            chosen = point.chosen[5 * draw + fold]
            made = chosen_on(selection, sample & (folds != fold))
            assert made.chosen_index == chosen
            own = folds == fold
            np.testing.assert_array_equal(point.choice[draw, own], scores[own, chosen])


def test_the_sentence_says_from_how_many_rows_on_the_choice_is_better():
    selection = drawn_selection(1000, [0.0, 0.0, 0.4])
    part = learning_curve_part(learning_curves(selection))
    assert part.sentence.startswith("from ")
    assert "rows on the choice scores higher than mean@-1" in part.sentence
    assert part.sentence.endswith("for twice as many)")
    assert {point.series for point in part.charts[0].points} == {
        "the choice on as many rows",
        "mean@-1, in use",
        "mean@1, highest",
        "chance",
    }
    assert [n.where["rows"] for n in part.numbers if n.where][::2] == [50, 100, 200, 500, 800]


def test_where_nothing_is_better_the_choice_is_to_keep():
    part = learning_curve_part(learning_curves(drawn_selection(200, [0.0, -0.5, -1.0])))
    assert part.sentence == "with 50 rows as with 160 the choice is mean@-1"


def test_the_seed_alone_decides_the_samples():
    selection = drawn_selection(300, [0.0, 0.2, 0.2])
    first, again, other = (learning_curves(selection, seed=s).points[0] for s in (1, 1, 9))
    np.testing.assert_array_equal(first.choice, again.choice)
    assert first.chosen == again.chosen
    assert (_sample(selection, 50, 1) != _sample(selection, 50, 9)).any()
    assert other.choice.shape == first.choice.shape


def test_of_one_draw_the_interval_is_student_s():
    scores = np.random.default_rng(0).standard_normal((1, 40))
    difference = mean_over_draws(scores, np.arange(40), np.zeros(40, np.intp))
    expected = ttest_1samp(scores[0], 0)
    low, high = expected.confidence_interval(0.95)
    assert (difference.value.low, difference.value.high) == pytest.approx((low, high), rel=1e-9)
    assert difference.p == pytest.approx(expected.pvalue, rel=1e-9)


@pytest.mark.parametrize("noise_of_draws", [0.0, 0.1, 0.3])
def test_intervals_over_rows_and_draws_hold_the_mean(noise_of_draws):
    rng, folds = np.random.default_rng(0), np.repeat(np.arange(5), 40)
    runs, covered = 4000 if WHOLE else 400, 0
    for _ in range(runs):
        rows = rng.standard_normal(200)
        training = noise_of_draws * rng.standard_normal((DRAWS, 5))[:, folds]
        scores = rows + training + 0.5 * rng.standard_normal((DRAWS, 200))
        value = mean_over_draws(scores, np.arange(200), folds).value
        covered += value.low <= 0 <= value.high
    print(f"| {noise_of_draws} | {100 * covered / runs:.1f} |")
    assert 0.93 <= covered / runs <= (0.98 if WHOLE else 0.99)
