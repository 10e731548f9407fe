"""How much of a whole an interval supports, in words."""

from __future__ import annotations

from poolwise.statistics.estimate import Estimate

EXTENTS = ((0.9, "nearly all"), (0.5, "more than half"), (0.1, "a part"))
"""What a share is called whose whole interval lies above the number, and below the one before."""

LITTLE = "little or nothing"


def extent(share: Estimate) -> str:
    """``more than half``, ``a part or more than half`` where the interval crosses the bound."""
    low = _name(share.value if share.low is None else share.low)
    high = _name(share.value if share.high is None else share.high)
    return low if low == high else f"{low} or {high}"


def is_most(share: Estimate, least: float = 0.5) -> bool:
    """Whether the whole interval lies above ``least``."""
    return (share.low if share.low is not None else share.value or 0.0) > least


def _name(value: float | None) -> str:
    return next((name for least, name in EXTENTS if (value or 0.0) > least), LITTLE)
