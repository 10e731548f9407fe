"""Measures → charts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from poolwise.records import Chart
from poolwise.selection.finding import format_estimate
from poolwise.statistics.estimate import Estimate
from poolwise.studies.attention.agreement import BLIND, LETTERS, Agreement
from poolwise.studies.attention.attributions import RAW
from poolwise.studies.attention.measures import Measures
from poolwise.studies.token_classes import CLASSES, ITSELF, SEPARATOR

Cell = tuple[str, int | str, str, Estimate]
"""Panel, row, column, value."""

UNIFORM = "a uniform head"
HEAT = ("panel", "layer", "pool", "value", "low", "high", "best", "tied")


def charts(measures: Measures, agreed: Agreement) -> Iterator[Chart]:
    """Shares by class and block; agreement with deletion; likeness of ways; every head."""
    yield _shares(measures)
    if agreed.scores:
        yield _agreement(agreed)
    if agreed.family.comparisons:
        yield _forest(agreed)
    if measures.alike:
        yield _alike(measures)
    yield _heads(measures)
    yield _entropy(measures)


def _shares(measures: Measures) -> Chart:
    points = [
        (name, place, way, found.value, found.low, found.high)
        for (way, place, name), found in measures.shares.items()
        if isinstance(place, int)
    ]
    bands = [(name, found.low, found.high, UNIFORM) for name, found in measures.tokens.items()]
    return Chart(
        "multiples",
        "What [CLS] takes from each class of tokens",
        {
            "shared_y": True,
            "x_label": "block",
            "y_label": "share of [CLS]",
            **_columns(("panel", "layer", "series", "value", "low", "high"), points),
            "bands": _columns(("panel", "low", "high", "name"), bands),
        },
        f"Mean over {measures.n:,} sentences, with 95 % intervals. Grey: the class's share of the "
        "tokens, which a head gives that looks everywhere alike. “Itself” is [CLS], by norms with "
        "the residual connection, by Value Zeroing without: there only what passes through "
        "attention is taken away.",
    )


def _agreement(agreed: Agreement) -> Chart:
    cells = [
        (yardstick, place, way, agreed.mean(yardstick, (way, place)))
        for yardstick, scores in agreed.scores.items()
        for way, place in scores
        if (way, place) not in BLIND
    ]
    letters = ", ".join(
        f"{format_estimate(agreed.mean(yardstick, LETTERS))} ({yardstick})"
        for yardstick in agreed.scores
    )
    return _heat(
        "Which way agrees with what really changes [CLS]",
        cells,
        x_label="way",
        value_label="mean rank correlation x 100",
        caption="Rank correlation, within a sentence, of each word's share and the cosine distance "
        "by which [CLS] of the last block moves without the word; mean over sentences. The number "
        f"of a word's letters, which looks into no encoder, has {letters}.",
    )


def _forest(agreed: Agreement) -> Chart:
    drawn = agreed.family.chart(
        "Ways against raw attention in the last block",
        x_label="difference in mean rank correlation with deletion",
        reference="raw attention, last block",
    )
    caption = (
        "Differences paired by sentence, with 95 % intervals. Filled: not zero after Holm over all "
        "of them."
    )
    return replace(drawn, caption=caption)


def _alike(measures: Measures) -> Chart:
    cells = [
        ("", place, f"{first} · {second}", found)
        for (first, second, place), found in measures.alike.items()
    ]
    return _heat(
        "How alike the ways rank the tokens",
        cells,
        x_label="two ways",
        value_label="mean rank correlation x 100",
        caption="Spearman's correlation within a sentence over its tokens without [CLS] itself, "
        "mean over sentences. The control, norms shuffled within each sentence, should be 0.",
    )


def _heads(measures: Measures) -> Chart:
    cells = [
        (panel, block, str(head), measures.heads[block, head, name])
        for panel, name in (("to itself", CLASSES[ITSELF]), ("to [SEP]", CLASSES[SEPARATOR]))
        for block, head in measures.head_entropy
    ]
    return _heat(
        "Where each head of [CLS] looks",
        cells,
        x_label="head",
        value_label="share of its attention x 100",
        caption=f"{RAW.capitalize()}, mean over sentences.",
    )


def _entropy(measures: Measures) -> Chart:
    cells = [
        ("", block, str(head), found) for (block, head), found in measures.head_entropy.items()
    ]
    untrained = [found.value for found in measures.untrained.values() if found.value is not None]
    least = f" at least {min(untrained):.3f}" if untrained else ""
    return _heat(
        "How evenly each head of [CLS] looks",
        cells,
        x_label="head",
        value_label="entropy by its maximum x 100",
        caption="Entropy of the attention that [CLS] pays, divided by log t: 100 for a head that "
        f"looks everywhere alike. The re-initialised encoder has{least} in every block.",
    )


def _heat(
    title: str, cells: Sequence[Cell], *, x_label: str, value_label: str, caption: str
) -> Chart:
    rows = [
        (panel, row, column, found.value, found.low, found.high, False, False)
        for panel, row, column, found in cells
    ]
    labels = {"x_label": x_label, "y_label": "block", "value_label": value_label}
    return Chart("heat", title, {**labels, **_columns(HEAT, rows)}, caption)


def _columns(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> Mapping[str, list[Any]]:
    return {name: [row[i] for row in rows] for i, name in enumerate(names)}
