"""Numbers as a person reads them: digits that mean something, an interval in brackets."""

from __future__ import annotations

import math
from collections.abc import Sequence

from poolwise.records import Number

NONE = "–"
_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def value(number: Number) -> str:
    """The value, to the digits its interval supports; three significant ones without interval."""
    if number.value is None or not math.isfinite(number.value):
        return NONE
    return _written(number.value, _decimals(number))


def interval(number: Number) -> str:
    """``[low, high]``, or nothing."""
    if number.low is None or number.high is None:
        return ""
    decimals = _decimals(number)
    return f"[{_written(number.low, decimals)}, {_written(number.high, decimals)}]"


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
