"""Numbers as a person reads them: digits that mean something, an interval in brackets."""

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
    return _written(number.value, _decimals(number) if decimals is None else decimals)


def interval(number: Number, decimals: int | None = None) -> str:
    """``[low, high]``, or nothing."""
    if number.low is None or number.high is None:
        return ""
    decimals = _decimals(number) if decimals is None else decimals
    return f"[{_written(number.low, decimals)}, {_written(number.high, decimals)}]"


def both(value_: float | None, low: float | None, high: float | None) -> str:
    """``0.735 [0.721, 0.748]``."""
    number = Number("", value_, low, high)
    return f"{value(number)} {interval(number)}".rstrip()


def signed(number: Number, decimals: int | None = None) -> str:
    """A difference: ``+0.012``."""
    written = value(number, decimals)
    return f"+{written}" if (number.value or 0) > 0 and written.strip("0.") else written


def hundredfold(x: float | None) -> str:
    """A share or a correlation as people say it: 0.7346 is 73.5."""
    if x is None:
        return NONE
    written = _written(100 * x, 1)
    return written.removesuffix(".0") if len(written) > 4 else written


def in_column(numbers: Sequence[Number]) -> int | None:
    """The decimals that suit most of several numbers, for all of them to share."""
    suited = [decimals for number in numbers if (decimals := _decimals(number)) is not None]
    return statistics.mode(suited) if suited else None


def place(number: Number) -> str:
    """Where the number belongs, in one line: ``cls@6 · layer 6 · tokens``."""
    return " · ".join(
        str(item) if isinstance(item, str) else f"{key} {item}"
        for key, item in number.where.items()
    )


def places(numbers: Sequence[Number]) -> list[str]:
    """Every key of ``where``, in the order of first appearance."""
    return list(dict.fromkeys(key for number in numbers for key in number.where))


def _decimals(number: Number) -> int | None:
    low, high = number.low, number.high
    if low is None or high is None or not 0 < high - low < math.inf:
        return None
    return min(4, max(0, 1 - math.floor(math.log10(high - low))))


def _written(x: float, decimals: int | None) -> str:
    if not math.isfinite(x):
        return NONE if math.isnan(x) else "∞" if x > 0 else "−∞"
    if decimals is None and x != int(x):
        magnitude = math.floor(math.log10(abs(x)))
        if magnitude < -4:
            mantissa, exponent = f"{x:.1e}".split("e")
            return _minus(mantissa) + f"·10{str(int(exponent)).translate(_SUPERSCRIPT)}"
        decimals = max(0, 2 - magnitude)
    written = f"{x:,.{decimals or 0}f}"
    return _minus(written if float(written.replace(",", "")) else written.lstrip("-"))


def _minus(written: str) -> str:
    return written.replace("-", "−")
