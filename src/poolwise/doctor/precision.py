"""In which numbers vectors were stored or sent, read from their values alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]

NumberKind = Literal[
    "bits", "int8", "uint8", "bfloat16", "float16", "int8 steps", "decimals", "digits", "float32",
    "float64",
]  # fmt: skip

SHARE = 0.999
"""Of the values, how many must lie on a grid."""

SAMPLE = 100_000


@dataclass(frozen=True, slots=True)
class NumberFormat:
    """``kind`` of the numbers; ``digits`` of decimals or significant digits.

    ``rounding`` is the median over rows of the distance between a vector and its rounded self (see
    ``matching.distances``) that this format makes by itself.
    """

    kind: NumberKind
    digits: int | None = None
    rounding: float = 0.0

    def __str__(self) -> str:
        if self.kind == "decimals":
            return f"{self.digits} decimals"
        if self.kind == "digits":
            return f"{self.digits} significant digits"
        if self.kind == "int8 steps":
            return "float values in at most 256 equal steps (int8 with one scale)"
        return self.kind


def number_format(values: NDArray[Any]) -> NumberFormat:
    """The coarsest format that holds ``values`` [n, d], finite ones."""
    if values.dtype.kind in "iub":
        return _integers(values)
    x = np.asarray(values, np.float64)
    flat = x.ravel()
    if len(flat) > SAMPLE:
        flat = flat[np.random.default_rng(0).choice(len(flat), SAMPLE, replace=False)]
    flat = flat[flat != 0]
    if not len(flat):
        return NumberFormat("float32")
    return (
        _coarse(x, flat)
        or _binary_float(flat, values.dtype)
        or _decimal(x, flat, values.dtype)
        or (
            NumberFormat("float32", rounding=2.0**-24)
            if _holds_float32(flat)
            else NumberFormat("float64", rounding=2.0**-53)
        )
    )


def _coarse(x: Doubles, flat: Doubles) -> NumberFormat | None:
    """Signs alone, or at most 256 equal steps."""
    if (np.abs(flat) == 1).all():
        return NumberFormat("bits")
    if step := _step(x, flat):
        return NumberFormat("int8 steps", rounding=step / np.sqrt(12) * _spread(x))
    return None


def _binary_float(flat: Doubles, kind: np.dtype[Any]) -> NumberFormat | None:
    if _share(_bfloat16(flat) == flat) >= SHARE and kind != np.float16:
        return NumberFormat("bfloat16", rounding=2.0**-9)
    if kind == np.float16 or _share(_as_float16(flat) == flat) >= SHARE:
        return NumberFormat("float16", rounding=2.0**-12)
    return None


def _decimal(x: Doubles, flat: Doubles, kind: np.dtype[Any]) -> NumberFormat | None:
    """As few decimals, or significant digits, as hold nearly all values; float32 needs 9 digits."""
    for digits in range(1, 8):
        if _share(_near(np.round(flat, digits), flat, kind)) >= SHARE:
            return NumberFormat("decimals", digits, 10.0**-digits / np.sqrt(12) * _spread(x))
    for digits in range(1, 7):
        if _share(_near(_significant(flat, digits), flat, kind)) >= SHARE:
            return NumberFormat("digits", digits, 10.0 ** (1 - digits) / np.sqrt(12))
    return None


def _spread(x: Doubles) -> float:
    """The distance between directions that an error of 1 in every value makes, in the median."""
    return float(np.sqrt(x.shape[1]) / (np.median(np.linalg.norm(x, axis=1)) or 1.0))


def _holds_float32(flat: Doubles) -> bool:
    if _share(flat.astype(np.float32) == flat) >= SHARE:
        return True
    # Decimals in JSON are the shortest that give a float32 back.
    some = flat[:2000]
    return _share(np.array([float(str(v)) for v in some.astype(np.float32)]) == some) >= SHARE


def _integers(values: NDArray[Any]) -> NumberFormat:
    x = np.asarray(values, np.float64)
    levels = set(np.unique(x).tolist())
    if levels <= {0.0, 1.0} or levels <= {-1.0, 1.0}:
        return NumberFormat("bits")
    norm = float(np.median(np.linalg.norm(x, axis=1))) or 1.0
    kind: NumberKind = "uint8" if min(levels) >= 0 else "int8"
    return NumberFormat(kind, rounding=float(np.sqrt(x.shape[1] / 12)) / norm)


def _step(x: Doubles, flat: Doubles) -> float:
    """The step of which every value is at most 128 times, 0 where there is none: of all values, or
    of each row by itself."""
    steps = [_common_step(np.abs(flat))]
    if not steps[0] and x.shape[1] >= 16:
        steps = [_common_step(np.abs(row[row != 0])) for row in x[:64]]
    return float(np.median(steps)) if all(steps) else 0.0


def _common_step(magnitudes: Doubles) -> float:
    if len(magnitudes) < 8:
        return 0.0
    largest = float(magnitudes.max())
    if len(np.unique(np.round(magnitudes / largest, 6))) > 128:
        return 0.0
    for levels in (127, 128):
        step = largest / levels
        multiples = magnitudes / step
        if float(np.abs(multiples - np.round(multiples)).max()) < 1e-3:
            return step
    return 0.0


def _share(hits: NDArray[np.bool_]) -> float:
    return float(np.mean(hits))


def _bfloat16(x: Doubles) -> Doubles:
    bits = x.astype(np.float32).view(np.uint32)
    return (bits & np.uint32(0xFFFF0000)).view(np.float32).astype(np.float64)


def _as_float16(x: Doubles) -> Doubles:
    with np.errstate(over="ignore"):
        return x.astype(np.float16).astype(np.float64)


def _significant(x: Doubles, digits: int) -> Doubles:
    power = 10.0 ** (digits - 1 - np.floor(np.log10(np.abs(x))))
    return np.asarray(np.round(x * power) / power, np.float64)


def _near(rounded: Doubles, x: Doubles, kind: np.dtype[Any]) -> NDArray[np.bool_]:
    """Equal, as far as the type of the values can hold a decimal."""
    if kind == np.float32:
        return np.asarray(rounded.astype(np.float32) == x.astype(np.float32))
    return np.asarray(np.abs(rounded - x) <= 4e-16 * np.abs(x))
