"""A statistic with its interval, or the reason why there is none."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

ROUNDING = 1e-6
"""What varies relatively less than this is constant.

float32 carries 24 bits (6e-8); sums over a layer's thousand terms cost one or two digits more.
"""

CONSTANT = "constant"

FEW = "no interval: nearly all rows are copies of one text"


@dataclass(frozen=True, slots=True)
class Estimate:
    """``value`` within ``[low, high]``, the 95 % interval; ``value`` None where undefined."""

    value: float | None
    low: float | None = None
    high: float | None = None
    note: str = ""

    @classmethod
    def constant(cls) -> Estimate:
        """Of something that does not vary, no correlation can be given."""
        return cls(None, note=CONSTANT)

    @classmethod
    def around(cls, value: float, reach: float) -> Estimate:
        """``value`` ± ``reach``; without an interval where that is infinite."""
        if not np.isfinite(reach):
            return cls(value, note=FEW)
        return cls(value, value - reach, value + reach)

    @property
    def squared(self) -> Estimate:
        """r² of an r: the image of the interval, which reaches 0 where the interval holds 0."""
        if self.value is None or self.low is None or self.high is None:
            return self
        ends = (self.low**2, self.high**2)
        low = 0.0 if self.low <= 0 <= self.high else min(ends)
        return Estimate(self.value**2, low, max(ends), self.note)


def is_constant(values: ArrayLike, tolerance: float = ROUNDING) -> bool:
    """Whether the standard deviation is at most ``tolerance`` times the root mean square."""
    x: NDArray[np.float64] = np.asarray(values, np.float64)
    return bool(np.std(x) <= tolerance * np.sqrt(np.mean(x**2)))


def format_estimate(estimate: Estimate, *, sign: bool = False) -> str:
    """``0.867 [0.851, 0.882]``, with ``sign`` ``+0.031 [+0.012, +0.050]``; "undefined" if it is."""
    if estimate.value is None:
        return "undefined"
    form = "+.3f" if sign else ".3f"
    text = f"{estimate.value:{form}}"
    if estimate.low is not None and estimate.high is not None:
        text += f" [{estimate.low:{form}}, {estimate.high:{form}}]"
    return text.replace("-", "−")


def format_p(p: float) -> str:
    """``below 0.0001``, ``0.0042``, ``0.21``."""
    return "below 0.0001" if p < 1e-4 else f"{p:.4f}" if p < 0.01 else f"{p:.2f}"
