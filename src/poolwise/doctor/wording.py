"""Values and confidences of statements, as people read them."""

from __future__ import annotations

from poolwise.doctor.statement import Aspect, Statement

CONFIDENCES = ((0.99, "certain"), (0.9, "high"), (0.5, "fair"), (0.0, "low"))
"""The least of each, with its word."""

MARKS = {True: "=", False: "≠", None: ""}
"""By whether a statement is as declared."""

MARKS_NOTE = "= as the folder declares, ≠ not so, neither where it declares nothing."
CONFIDENCE_NOTE = (
    "Confidence is 1 − distance / distance of the runner-up: 1 where nothing else fits, 0 for a "
    "tie."
)
DISTANCE_NOTE = (
    "A distance is that of two directions, √(2 − 2·cos): 0 where they are the same, 2 where they "
    "are opposite; the median over texts."
)


def value_text(aspect: Aspect, value: str) -> str:
    """``none`` for an empty prompt, ``"query: "`` for another; ``256 tokens, cut on the right``."""
    if aspect == "prompt":
        return f'"{value}"' if value else "none"
    length, _, side = value.partition(" ")
    if aspect == "truncation" and length.isdigit() and side:
        return f"{length} tokens, cut on the {side}"
    return value


def runner_up_text(statement: Statement) -> str:
    """What came next; nothing where nothing did."""
    if statement.runner_up is None:
        return ""
    return value_text(statement.aspect, statement.runner_up)


def confidence_text(statement: Statement) -> str:
    """``certain 1.00``, ``fair 0.71``; nothing where nothing else was compared."""
    value = statement.confidence
    if value is None:
        return ""
    word = next(word for least, word in CONFIDENCES if value >= least)
    return f"{word} {value:.2f}"
