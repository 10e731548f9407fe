"""One promise of the native engine, its target and what a run measured."""

from __future__ import annotations

from dataclasses import dataclass

Measured = list[tuple[str, float]]
"""Where, and how much."""


@dataclass(frozen=True, slots=True)
class Claim:
    """``met`` is None where this run could not tell, and ``measured`` says why."""

    claim: str
    target: str
    measured: str
    met: bool | None


def at_least(claim: str, target: float, values: Measured, unit: str, reason: str = "") -> Claim:
    return _claim(claim, "≥", target, values=values, unit=unit, reason=reason)


def at_most(claim: str, target: float, values: Measured, unit: str, reason: str = "") -> Claim:
    return _claim(claim, "≤", target, values=values, unit=unit, reason=reason)


def _claim(
    claim: str, sign: str, target: float, *, values: Measured, unit: str, reason: str
) -> Claim:
    target_text = f"{sign} {target:g}{unit}"
    if not values:
        return Claim(claim, target_text, reason or "not part of this run", None)
    good = [v >= target if sign == "≥" else v <= target for _, v in values]
    place, worst = (min if sign == "≥" else max)(values, key=lambda pair: pair[1])
    measured = f"{number(worst)}{unit}"
    if len(values) > 1:
        measured += f" at worst ({place}); {sum(good)} of {len(values)} hold"
    return Claim(claim, target_text, measured, all(good))


def number(value: float) -> str:
    """Few digits, but all the nines of a cosine."""
    if 0.99 <= value < 1:
        return f"{value:.6f}"
    return f"{value:.1e}" if abs(value) < 1e-3 and value else f"{value:.3g}"
