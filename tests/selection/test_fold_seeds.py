"""Probes in other folds: the same clusters, and the scores of a task that has them."""

from __future__ import annotations

import numpy as np
import pytest

from poolwise.selection.fold_seeds import N_SEEDS, SEEDS, fold_seeds_part, retrain
from poolwise.selection.folds import TEST, fold_rows, redrawn
from poolwise.selection.row_samples import row_scores, with_folds


def test_other_folds_keep_clusters_and_test():
    texts = [(k // 2,) for k in range(200)]
    folds = fold_rows(["test"] * 40 + [""] * 160, texts, 0)
    other = redrawn(folds, 1)
    np.testing.assert_array_equal(other.codes == TEST, folds.codes == TEST)
    assert (other.codes != folds.codes).mean() > 0.5
    assert (other.codes[::2] == other.codes[1::2]).all()
    assert np.bincount(other.codes[40:]).tolist() == [32] * 5
    np.testing.assert_array_equal(redrawn(folds, 0).codes, folds.codes)


def test_scores_are_those_of_the_task_in_other_folds(regression_selection):
    selection = regression_selection(200)
    seeds = retrain(selection, seed=4)
    assert len(seeds.reference) == len(seeds.other) == N_SEEDS + 1
    assert seeds.other_index == selection.chosen_index == 2
    assert seeds.other[0] == pytest.approx(selection.scores[2].value, abs=1e-12)
    task = with_folds(selection.task, redrawn(selection.task.folds, 4 + SEEDS))
    again = row_scores(task, selection.candidates[2]).mean()
    assert seeds.other[1] == pytest.approx(again, abs=1e-12)
    assert len(set(seeds.other.tolist())) == N_SEEDS + 1


def test_the_sentence_names_both_and_the_range(regression_selection):
    part = fold_seeds_part(retrain(regression_selection(200)))
    assert part.sentence.startswith(
        "with probes trained in 5 other divisions into folds, mean@2 less mean@-1 lies between +0."
    )
    assert [number.value > 0 for number in part.numbers] == [True] * 3
    assert part.numbers[-1].note == "6 of 6 have the sign of the selection's own"
