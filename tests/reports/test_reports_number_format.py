from __future__ import annotations

import pytest

from poolwise.records import Number
from poolwise.reports import number_format


@pytest.mark.parametrize(
    ("value", "low", "high", "text", "interval"),
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
    value: float | None, low: float | None, high: float | None, text: str, interval: str
) -> None:
    number = Number("x", value, low, high)
    assert number_format.value(number) == text
    assert number_format.interval(number) == interval


@pytest.mark.parametrize(
    ("x", "text"),
    [(0.7346, "73.5"), (1.0, "100"), (0.03, "3.0"), (-0.412, "−41.2"), (-1.0, "−100"), (None, "–")],
)
def test_a_share_is_text_a_hundredfold(x: float | None, text: str) -> None:
    assert number_format.hundredfold(x) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0.0123, "+0.012"), (-0.5, "−0.500"), (0.00001, "0.000"), (None, "–")]
)
def test_a_difference_has_a_sign(value: float | None, text: str) -> None:
    assert number_format.signed(Number("x", value), 3) == text


def test_numbers_in_a_column_share_their_decimals() -> None:
    numbers = [Number("", 0.5, 0.5 - w, 0.5 + w) for w in (0.01, 0.02, 0.0001)]
    assert number_format.column_decimals(numbers) == 3
    assert number_format.column_decimals([Number("", 0.5)]) is None
    assert number_format.interval(numbers[2], 3) == "[0.500, 0.500]"


def test_a_place_names_the_integers_and_quotes_the_words() -> None:
    number = Number("x", 1.0, where={"readout": "cls@6", "layer": 6, "length": "tokens"})
    assert number_format.location(number) == "cls@6 · layer 6 · tokens"


def test_places_are_every_key_in_order() -> None:
    numbers = [Number("x", 1.0, where={"b": 1}), Number("y", 1.0, where={"a": 1, "b": 2})]
    assert number_format.location_keys(numbers) == ["b", "a"]
