"""Tables and charts of a diagnosis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from poolwise.charts import Cell, DistanceRow, Distances, HeatCell, HeatMap, TextTable
from poolwise.doctor.nearness import Nearness
from poolwise.doctor.remedies import Remedy
from poolwise.doctor.statement import Statement
from poolwise.doctor.wording import (
    CONFIDENCE_NOTE,
    DISTANCE_NOTE,
    MARKS,
    MARKS_NOTE,
    confidence_text,
    runner_up_text,
    value_text,
)
from poolwise.records import Number
from poolwise.statistics.estimate import format_estimate

if TYPE_CHECKING:
    from poolwise.doctor.cost import Cost

NO_BREAK = "\N{NO-BREAK SPACE}"


def statement_table(statements: Sequence[Statement]) -> TextTable:
    """Every statement beside what the folder declares; differences have a mark and are bold."""
    rows: list[tuple[Cell, ...]] = []
    for statement in statements:
        differs = statement.agrees is False
        declared = statement.declared
        rows.append(
            (
                [(f"{MARKS[statement.agrees]}{NO_BREAK}{statement.aspect}".strip(), differs)],
                [(value_text(statement.aspect, statement.value), differs)],
                "" if declared is None else value_text(statement.aspect, declared),
                confidence_text(statement).replace(" ", NO_BREAK),
                runner_up_text(statement),
                statement.sentence,
            )
        )
    return TextTable(
        "What was found, beside what the model's folder declares",
        ("", "found", "declared", "confidence", "runner-up", "in words"),
        rows,
        caption=f"{MARKS_NOTE} {CONFIDENCE_NOTE}",
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


def remedy_table(remedies: Sequence[Remedy], commands: Mapping[str, str]) -> TextTable:
    """What to do about each difference, and what serves other vectors."""
    rows: list[tuple[Cell, ...]] = [
        ([(f"{remedy.aspect}: ", True), (remedy.text, False)],) for remedy in remedies
    ]
    rows += [([(f"{name}: ", True), (line, False)],) for name, line in commands.items()]
    return TextTable("What to do", ("about each difference",), rows)


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


def cosine_map(nearness: Nearness, chosen: str | None) -> HeatMap:
    """Cosines to the found vectors by layer and pool; ``chosen`` is the spec that was found."""
    places = [(*spec.partition("@")[::2], spec) for spec in nearness.cosines]
    depth = len({layer for _, layer, _ in places if layer}) - 1
    cells = [
        HeatCell(
            depth if layer == "-1" else int(layer),
            pool,
            Number("", nearness.cosines[spec]),
            best=spec == chosen,
        )
        for pool, layer, spec in places
        if layer
    ]
    outlined = " Outlined: what was found." if any(cell.best for cell in cells) else ""
    return HeatMap(
        "How near every layer and pool is",
        cells,
        x_label="pool",
        y_label="layer",
        value_label="mean cosine to the found vectors",
        caption=f"One layer and one pool each, then what was found to follow.{outlined}",
    )
