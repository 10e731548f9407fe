"""Counts, token F1 and BLEU against numbers worked by hand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from poolwise.statistics.bleu import bleu, ngram_counts, token_f1

SENTENCES = st.lists(st.integers(0, 4), max_size=9)


def test_counts_worked_by_hand():
    # the cat sat on the mat / the cat the cat on a mat
    reference, answer = [1, 2, 3, 4, 1, 5], [1, 2, 1, 2, 4, 6, 5]
    (counts,) = ngram_counts([answer], [reference])
    # "the" twice of two, "cat" once of two, "on", "mat"; then "the cat" once of two
    assert counts.tolist() == [5, 1, 0, 0, 7, 6, 5, 4, 7, 6]
    assert token_f1(counts) == pytest.approx(2 * 5 / 13)
    assert bleu(counts) == 0


def test_bleu_worked_by_hand():
    # Common: 5 of 6 words, 4 of 5 pairs, 3 of 4 threes, 2 of 3 fours; as long as the reference.
    one = ngram_counts([[1, 2, 3, 4, 5, 9]], [[1, 2, 3, 4, 5, 6]])[0]
    whole = (5 / 6 * 4 / 5 * 3 / 4 * 2 / 3) ** (1 / 4)
    assert bleu(one) == pytest.approx(whole)
    # Shorter than the reference by one of six: every n-gram is right, but for exp(1 − 6/5).
    short = ngram_counts([[1, 2, 3, 4, 5]], [[1, 2, 3, 4, 5, 6]])[0]
    assert bleu(short) == pytest.approx(math.exp(-1 / 5))
    # Longer costs no more than precision.
    long = ngram_counts([[1, 2, 3, 4, 5, 6]], [[1, 2, 3, 4, 5]])[0]
    assert bleu(long) == pytest.approx((5 / 6 * 4 / 5 * 3 / 4 * 2 / 3) ** (1 / 4))


def test_a_corpus_is_scored_from_its_sums():
    counts = ngram_counts([[1, 2, 3, 4, 5, 9], [7, 7, 7, 8]], [[1, 2, 3, 4, 5, 6], [7, 7, 7, 7]])
    # Sums: 5 + 3 of 10, 4 + 2 of 8, 3 + 1 of 6, 2 + 0 of 4; both ten long.
    expected = (8 / 10 * 6 / 8 * 4 / 6 * 2 / 4) ** (1 / 4)
    assert bleu(counts.sum(axis=0)) == pytest.approx(expected)
    np.testing.assert_allclose(bleu(np.stack([counts.sum(axis=0), counts.mean(axis=0)])), expected)


def test_nothing_said_scores_nothing():
    counts = ngram_counts([[], []], [[1, 2, 3, 4], []])
    assert token_f1(counts).tolist() == [0, 1]
    assert bleu(counts.sum(axis=0)) == 0
    assert ngram_counts([], []).shape == (0, 10)


@given(SENTENCES, SENTENCES)
def test_bounds_and_symmetry(answer, reference):
    (counts,) = ngram_counts([answer], [reference])
    (turned,) = ngram_counts([reference], [answer])
    assert token_f1(counts) == pytest.approx(token_f1(turned))
    assert 0 <= bleu(counts) <= 1
    assert (token_f1(counts) == 1) == (sorted(answer) == sorted(reference))
    if answer == reference and len(answer) >= 4:
        assert bleu(counts) == pytest.approx(1)
