from __future__ import annotations

import pytest

from poolwise.records import Number
from poolwise.reports import digits


@pytest.mark.parametrize(
    ("value", "low", "high", "written", "interval"),
    [
        (0.0312345, 0.027, 0.036, "0.0312", "[0.0270, 0.0360]"),
        (0.5, 0.31, 0.72, "0.50", "[0.31, 0.72]"),
        (-0.00001, -0.0002, 0.0011, "0.0000", "[−0.0002, 0.0011]"),
        (7.31, 6.0, 28.0, "7", "[6, 28]"),
        (1.0, 1.0, 1.0, "1", "[1, 1]"),
        (20412.0, None, None, "20,412", ""),
        (0.0, None, None, "0", ""),
        (1234.5678, None, None, "1,235", ""),
        (0.98765, None, None, "0.988", ""),
        (-0.5, None, None, "−0.500", ""),
        (0.000123, None, None, "0.000123", ""),
        (2.3e-7, None, None, "2.3·10⁻⁷", ""),
        (-2.3e-12, None, None, "−2.3·10⁻¹²", ""),
        (None, None, None, "–", ""),
        (float("nan"), 0.0, 1.0, "–", "[0.0, 1.0]"),
        (3.0, 2.0, float("inf"), "3", "[2, ∞]"),
    ],
)
def test_a_number_shows_the_digits_that_mean_something(
    value: float | None, low: float | None, high: float | None, written: str, interval: str
) -> None:
    number = Number("x", value, low, high)
    assert digits.value(number) == written
    assert digits.interval(number) == interval


def test_a_place_names_the_integers_and_quotes_the_words() -> None:
    number = Number("x", 1.0, where={"readout": "cls@6", "layer": 6, "length": "tokens"})
    assert digits.place(number) == "cls@6 · layer 6 · tokens"


def test_places_are_every_key_in_order() -> None:
    numbers = [Number("x", 1.0, where={"b": 1}), Number("y", 1.0, where={"a": 1, "b": 2})]
    assert digits.places(numbers) == ["b", "a"]
