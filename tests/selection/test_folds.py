"""Folds and the clusters of rows that stay in one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poolwise.errors import StudyError
from poolwise.selection.folds import N_FOLDS, TEST, fold_rows
from poolwise.selection.splits import row_clusters


def singles(n):
    return [(f"text {i}",) for i in range(n)]


@settings(max_examples=40, deadline=None)
@given(st.integers(50, 300), st.integers(0, 10_000))
def test_from_50_rows_on_every_seed_makes_five_folds_of_nearly_equal_size(n, seed):
    folds = fold_rows([""] * n, singles(n), seed)
    sizes = np.bincount(folds.codes, minlength=N_FOLDS)
    assert len(sizes) == N_FOLDS
    assert np.ptp(sizes) <= 1
    assert not folds.has_test
    np.testing.assert_array_equal(folds.codes, fold_rows([""] * n, singles(n), seed).codes)


def test_another_seed_makes_other_folds():
    first, second = (fold_rows([""] * 500, singles(500), seed).codes for seed in (0, 1))
    assert (first == second).mean() == pytest.approx(1 / N_FOLDS, abs=0.08)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 300), st.integers(0, 300)), min_size=80, max_size=160),
    st.integers(0, 100),
)
def test_rows_that_share_a_text_are_in_one_fold_or_it_is_said(pairs, seed):
    texts = [(str(a), str(b)) for a, b in pairs]
    folds = fold_rows([""] * len(texts), texts, seed)
    texts_of = [{text for i in rows for text in texts[i]} for _, _, rows in folds.divisions()]
    apart = sum(map(len, texts_of)) == len(set().union(*texts_of))
    # Rows that are connected through more than a fifth of all are divided, and then it is said.
    assert apart or any("hang together" in note or "of one text" in note for note in folds.notes)
    assert (np.bincount(folds.codes, minlength=N_FOLDS) > 0).all()


def test_what_is_fitted_for_a_fold_is_every_other_row():
    folds = fold_rows([""] * 60 + ["test"] * 12, singles(72), 3)
    seen = []
    for fold, fitted, rows in folds.divisions():
        seen += rows.tolist()
        choice = set(range(60)) - set(rows.tolist() if fold != TEST else ())
        assert set(fitted.tolist()) == choice
    assert sorted(seen) == list(range(72))


def test_a_declared_test_split_stays_apart_and_dev_is_chosen_on():
    folds = fold_rows(["train"] * 60 + ["dev"] * 20 + ["test"] * 10, singles(90), 0)
    assert folds.choice_rows.tolist() == list(range(80))
    assert folds.report_rows.tolist() == list(range(80, 90))
    assert folds.has_test
    assert "chosen on 80 rows, reported on the 10 that the data call test" in folds.notes[0]


def test_a_test_text_that_is_also_chosen_on_is_counted():
    texts = singles(90)
    texts[85], texts[86] = texts[0], texts[1]
    folds = fold_rows([""] * 80 + ["test"] * 10, texts, 0)
    assert any(note.startswith("2 rows of test hold a text") for note in folds.notes)


def test_too_few_rows_are_refused_whatever_the_seed():
    for seed in range(20):
        with pytest.raises(StudyError, match=r"49 rows .* at least 50, .* give more rows"):
            fold_rows([""] * 49, singles(49), seed)
    with pytest.raises(StudyError, match="9 rows are declared test; expected at least 10"):
        fold_rows([""] * 60 + ["test"] * 9, singles(69), 0)


def test_one_text_in_most_rows_is_divided_row_by_row_and_said():
    texts = [("the same",)] * 70 + singles(30)
    folds = fold_rows([""] * 100, texts, 0)
    assert np.bincount(folds.codes).tolist() == [20] * 5
    assert any(note.startswith("70 rows of one text") for note in folds.notes)


def test_clusters_are_connected_rows_up_to_a_fifth_of_all():
    chain = [("a", "b"), ("b", "c"), ("c", "d"), ("d", "c")]
    clusters = row_clusters([*chain, *singles(20)])
    assert len(set(clusters.codes[:4].tolist())) == 1
    assert len(set(clusters.codes.tolist())) == 21
    assert not clusters.large_text.any()
    few = row_clusters([*chain, *singles(10)])
    assert len(set(few.codes[:4].tolist())) == 4  # only rows of the very same texts
    assert "4 that hang together" in few.note
