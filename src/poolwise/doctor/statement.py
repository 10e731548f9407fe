"""What is said of found vectors, one aspect at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Aspect = Literal[
    "readout",
    "after pooling",
    "normalisation",
    "dimensions",
    "prompt",
    "special tokens",
    "casing",
    "characters",
    "white space",
    "typed special tokens",
    "pairs",
    "empty text",
    "truncation",
    "numbers",
    "arithmetic",
    "repetition",
    "batch neighbours",
    "order",
    "cache",
    "rows",
]


@dataclass(frozen=True, slots=True)
class Statement:
    """One aspect of how vectors were made.

    ``value`` is short, for programs; ``sentence`` for people. ``declared`` is the same value as the
    model's folder has it, None where it says nothing; ``agrees`` whether that is what was found,
    None where there is nothing to compare.

    ``confidence`` is 1 − ``error`` / ``next_error``: how much of the distance to the ``runner_up``
    is explained; 1 for an exact match, 0 for a tie, None where nothing else was compared. Errors
    are distances between directions (see ``matching.distances``), of ``texts`` texts.
    """

    aspect: Aspect
    value: str
    sentence: str
    confidence: float | None = None
    runner_up: str | None = None
    error: float | None = None
    next_error: float | None = None
    texts: int = 0
    declared: str | None = None
    agrees: bool | None = None


def confidence(error: float, next_error: float | None) -> float | None:
    """1 − error / next_error, from 0 to 1."""
    if next_error is None:
        return None
    if next_error <= 0:
        return 0.0
    return max(0.0, 1 - error / next_error)
