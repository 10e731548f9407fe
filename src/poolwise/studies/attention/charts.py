"""Charts of attention: shares by class and block, agreement with deletion, every head."""

from __future__ import annotations

from collections.abc import Iterator

from poolwise.charts import (
    Band,
    Chart,
    ForestPlot,
    HeatCell,
    HeatMap,
    PanelPoint,
    SmallMultiples,
)
from poolwise.statistics.estimate import format_estimate
from poolwise.studies.attention.agreement import CONTROLS, LETTERS, Agreement
from poolwise.studies.attention.attributions import RAW
from poolwise.studies.attention.measures import Measures
from poolwise.studies.token_classes import CLASSES, ITSELF, SEPARATOR

UNIFORM = "a uniform head"


def charts(measures: Measures, agreement: Agreement) -> Iterator[Chart]:
    """Shares by class and block; agreement with deletion; likeness of ways; every head."""
    yield _shares(measures)
    if agreement.scores:
        yield _agreement(agreement)
    if agreement.family.comparisons:
        yield _against_raw(agreement)
    if measures.correlations:
        yield _correlations(measures)
    yield _heads(measures)
    yield _entropy(measures)


def _shares(measures: Measures) -> SmallMultiples:
    points = [
        PanelPoint(name, block, method, estimate)
        for (method, block, name), estimate in measures.shares.items()
        if isinstance(block, int)
    ]
    bands = [
        Band(name, UNIFORM, estimate.low, estimate.high)
        for name, estimate in measures.tokens.items()
    ]
    return SmallMultiples(
        "What [CLS] takes from each class of tokens",
        points,
        bands,
        x_label="block",
        y_label="share of [CLS]",
        shared_y=True,
        caption=f"Mean over {measures.n:,} sentences, with 95 % intervals. Grey: the class's share "
        "of the tokens, which a head gives that looks everywhere alike. “Itself” is [CLS], by "
        "norms with the residual connection, by Value Zeroing without: there only what passes "
        "through attention is taken away.",
    )


def _agreement(agreement: Agreement) -> HeatMap:
    cells = [
        HeatCell(block, method, agreement.mean(deletion, (method, block)), panel=deletion)
        for deletion, scores in agreement.scores.items()
        for method, block in scores
        if (method, block) not in CONTROLS
    ]
    letters = ", ".join(
        f"{format_estimate(agreement.mean(deletion, LETTERS))} ({deletion})"
        for deletion in agreement.scores
    )
    return _heat_map(
        "Which way agrees with what really changes [CLS]",
        cells,
        x_label="way",
        value_label="mean rank correlation x 100",
        caption="Rank correlation, within a sentence, of each word's share and the cosine distance "
        "by which [CLS] of the last block moves without the word; mean over sentences. The number "
        f"of a word's letters, which looks into no encoder, has {letters}.",
    )


def _against_raw(agreement: Agreement) -> ForestPlot:
    return agreement.family.chart(
        "Ways against raw attention in the last block",
        x_label="difference in mean rank correlation with deletion",
        reference="raw attention, last block",
        caption="Differences paired by sentence, with 95 % intervals. Filled: not zero after Holm "
        "over all of them.",
    )


def _correlations(measures: Measures) -> HeatMap:
    cells = [
        HeatCell(block, f"{first} · {second}", estimate, panel="")
        for (first, second, block), estimate in measures.correlations.items()
    ]
    return _heat_map(
        "How alike the ways rank the tokens",
        cells,
        x_label="two ways",
        value_label="mean rank correlation x 100",
        caption="Spearman's correlation within a sentence over its tokens without [CLS] itself, "
        "mean over sentences. The control, norms shuffled within each sentence, should be 0.",
    )


def _heads(measures: Measures) -> HeatMap:
    cells = [
        HeatCell(block, str(head), measures.heads[block, head, name], panel=panel)
        for panel, name in (("to itself", CLASSES[ITSELF]), ("to [SEP]", CLASSES[SEPARATOR]))
        for block, head in measures.head_entropy
    ]
    return _heat_map(
        "Where each head of [CLS] looks",
        cells,
        x_label="head",
        value_label="share of its attention x 100",
        caption=f"{RAW.capitalize()}, mean over sentences.",
    )


def _entropy(measures: Measures) -> HeatMap:
    cells = [
        HeatCell(block, str(head), estimate, panel="")
        for (block, head), estimate in measures.head_entropy.items()
    ]
    untrained = [
        estimate.value for estimate in measures.untrained.values() if estimate.value is not None
    ]
    least = f" at least {min(untrained):.3f}" if untrained else ""
    return _heat_map(
        "How evenly each head of [CLS] looks",
        cells,
        x_label="head",
        value_label="entropy by its maximum x 100",
        caption="Entropy of the attention that [CLS] pays, divided by log t: 100 for a head that "
        f"looks everywhere alike. The re-initialised encoder has{least} in every block.",
    )


def _heat_map(
    title: str, cells: list[HeatCell], *, x_label: str, value_label: str, caption: str
) -> HeatMap:
    return HeatMap(
        title, cells, x_label=x_label, y_label="block", value_label=value_label, caption=caption
    )
