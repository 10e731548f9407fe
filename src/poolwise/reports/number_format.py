"""Numbers as text: the digits that the interval supports, the interval in brackets."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

from poolwise.records import Number

NONE = "–"
_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def value(number: Number, decimals: int | None = None) -> str:
    """The value, to the digits its interval supports; three significant ones without interval.

    ``decimals`` overrules both, for numbers in a column.
    """
    if number.value is None or not math.isfinite(number.value):
        return NONE
    return _fixed(number.value, _decimals(number) if decimals is None else decimals)


def interval(number: Number, decimals: int | None = None) -> str:
    """``[low, high]``, or nothing."""
    if number.low is None or number.high is None:
        return ""
    decimals = _decimals(number) if decimals is None else decimals
    return f"[{_fixed(number.low, decimals)}, {_fixed(number.high, decimals)}]"


def with_interval(x: float | None, low: float | None, high: float | None) -> str:
    """``0.735 [0.721, 0.748]``."""
    number = Number("", x, low, high)
    return f"{value(number)} {interval(number)}".rstrip()


def signed(number: Number, decimals: int | None = None) -> str:
    """A difference: ``+0.012``."""
    text = value(number, decimals)
    return f"+{text}" if (number.value or 0) > 0 and text.strip("0.") else text


def hundredfold(x: float | None) -> str:
    """A share or a correlation in hundredths: 0.7346 is 73.5."""
    if x is None:
        return NONE
    text = _fixed(100 * x, 1)
    return text.removesuffix(".0") if len(text) > 4 else text


def power_of_ten(exponent: int) -> str:
    """``0.001`` down to there, then ``10⁻⁴``."""
    if -4 < exponent <= 0:
        return f"{10**exponent:g}"
    return f"10{str(exponent).translate(_SUPERSCRIPT)}"


def column_decimals(numbers: Sequence[Number]) -> int | None:
    """The decimals that the most intervals support, for all numbers to share."""
    counts = [decimals for number in numbers if (decimals := _decimals(number)) is not None]
    return statistics.mode(counts) if counts else None


def location(number: Number) -> str:
    """What the number is about, in one line: ``cls@6 · layer 6 · tokens``."""
    return " · ".join(
        str(item) if isinstance(item, str) else f"{key} {item}"
        for key, item in number.where.items()
    )


def location_keys(numbers: Sequence[Number]) -> list[str]:
    """Every key of ``where``, in the order of first appearance."""
    return list(dict.fromkeys(key for number in numbers for key in number.where))


def _decimals(number: Number) -> int | None:
    low, high = number.low, number.high
    if low is None or high is None or not 0 < high - low < math.inf:
        return None
    return min(4, max(0, 1 - math.floor(math.log10(high - low))))


def _fixed(x: float, decimals: int | None) -> str:
    if not math.isfinite(x):
        return NONE if math.isnan(x) else "∞" if x > 0 else "−∞"
    if decimals is None and x != int(x):
        magnitude = math.floor(math.log10(abs(x)))
        if magnitude < -4:
            mantissa, exponent = f"{x:.1e}".split("e")
            return f"{_minus(mantissa)}·{power_of_ten(int(exponent))}"
        decimals = max(0, 2 - magnitude)
    text = f"{x:,.{decimals or 0}f}"
    return _minus(text if float(text.replace(",", "")) else text.lstrip("-"))


def _minus(text: str) -> str:
    return text.replace("-", "−")
