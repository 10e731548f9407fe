from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poolwise.reports.labels import dodge

positions = st.lists(st.floats(-50, 400), min_size=1, max_size=12)


@given(positions)
def test_labels_never_overlap_and_keep_their_order(wanted: list[float]) -> None:
    places = dodge(wanted, gap=17, height=340)
    assert all(b - a >= 17 - 1e-6 for a, b in pairwise(sorted(places)))
    assert [places[i] for i in sorted(range(len(wanted)), key=wanted.__getitem__)] == sorted(places)


@given(positions)
def test_labels_that_fit_stay_within_the_plot(wanted: list[float]) -> None:
    places = dodge(wanted, gap=17, height=340)
    assert min(places) >= -1e-6
    assert max(places) <= 340 + 1e-6


def test_labels_that_do_not_touch_stay_where_they_are() -> None:
    assert dodge([100, 20, 300], gap=17, height=340) == [100, 20, 300]


def test_a_block_stands_in_the_middle_of_its_wishes() -> None:
    assert dodge([100, 100], gap=10, height=340) == [95, 105]
    assert dodge([100, 100, 108], gap=10, height=340) == pytest.approx(
        [92.667, 102.667, 112.667], abs=1e-3
    )


def test_more_labels_than_fit_go_on_below() -> None:
    assert dodge([5.0] * 4, gap=10, height=20) == [0, 10, 20, 30]
