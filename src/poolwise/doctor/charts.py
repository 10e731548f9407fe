"""Tables and charts of a diagnosis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from poolwise.charts import Cell, DistanceRow, Distances, HeatCell, HeatMap, TextTable
from poolwise.doctor.nearness import Nearness
from poolwise.doctor.statement import Statement
from poolwise.doctor.wording import (
    CONFIDENCE_NOTE,
    DISTANCE_NOTE,
    agreement_text,
    confidence_text,
    runner_up_text,
    value_text,
)
from poolwise.records import Number
from poolwise.statistics.estimate import format_estimate

if TYPE_CHECKING:
    from poolwise.doctor.cost import Cost


def statement_table(statements: Sequence[Statement]) -> TextTable:
    """Every statement beside what the folder declares. Differences are in bold, and in words."""
    rows: list[tuple[Cell, ...]] = []
    for statement in statements:
        differs = statement.agrees is False
        declared = statement.declared
        rows.append(
            (
                statement.aspect,
                [(value_text(statement.aspect, statement.value), differs)],
                "" if declared is None else value_text(statement.aspect, declared),
                [(agreement_text(statement), differs)],
                confidence_text(statement),
                runner_up_text(statement),
                statement.sentence,
            )
        )
    return TextTable(
        "What was found, beside what the model's folder declares",
        ("", "found", "declared", "", "confidence", "runner-up", "in words"),
        rows,
        caption=CONFIDENCE_NOTE,
    )


def cost_table(costs: Sequence[Cost]) -> TextTable:
    """Both scores on each data set, and their difference."""
    rows: list[tuple[Cell, ...]] = [
        (
            cost.data,
            cost.score,
            f"{cost.rows:,}",
            format_estimate(cost.declared),
            format_estimate(cost.found),
            [(format_estimate(cost.difference, sign=True), cost.significant)],
            cost.sentence,
        )
        for cost in costs
    ]
    notes = dict.fromkeys(note for cost in costs for note in cost.notes)
    return TextTable(
        "What the difference costs on these data",
        ("", "score", "rows", "declared", "found", "difference", "in words"),
        rows,
        caption="; ".join(["Differences are paired by row, with 95 % intervals", *notes]) + ".",
    )


def distance_chart(nearness: Nearness, tolerance: float) -> Distances:
    """How far the nearest readouts are from the found vectors."""
    rows = [
        DistanceRow(way.name, way.distance, best=k == 0, same=way.same)
        for k, way in enumerate(nearness.nearest)
    ]
    return Distances(
        "How near the nearest readouts are",
        rows,
        x_label="distance from the found vectors",
        tolerance=tolerance,
        caption=DISTANCE_NOTE,
    )


def cosine_map(nearness: Nearness) -> HeatMap:
    """Cosines to the found vectors by layer and pool."""
    cosines = nearness.cosines
    best = max(cosines, key=cosines.__getitem__)
    cells = []
    for spec, cosine in cosines.items():
        pool, _, layer = spec.partition("@")
        if layer:
            cells.append(HeatCell(layer, pool, Number("", cosine), best=spec == best))
    return HeatMap(
        "How near every layer and pool is",
        cells,
        x_label="pool",
        y_label="layer",
        value_label="mean cosine to the found vectors",
        caption="Of one layer and one pool each, followed by what was found to follow.",
    )
