"""Rows that stand in two parts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poolwise.texts import duplicates


def test_rows_that_also_stand_in_train():
    parts = ["train", "train", "dev", "dev", "dev", "test"]
    assert duplicates(parts, ["a", "b", "a", "a", "c", "c"]) == {"dev": 2}
    assert duplicates(parts, [("a", "b")] * 6) == {"dev": 3, "test": 1}
    assert duplicates([""] * 3, ["a", "a", "a"]) == {}
    with pytest.raises(ValueError, match="zip"):
        duplicates(parts, ["a"])


@given(st.lists(st.tuples(st.sampled_from(["train", "dev", "test", ""]), st.integers(0, 5))))
def test_it_counts_what_a_search_of_each_row_counts(rows):
    found = duplicates([part for part, _ in rows], [key for _, key in rows])
    for part in ("dev", "test"):
        again = sum(("train", key) in rows for own, key in rows if own == part)
        assert found.get(part, 0) == again
