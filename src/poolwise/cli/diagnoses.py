"""A diagnosis in the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from poolwise.cli.console import EscapingConsole, styled
from poolwise.cli.options import console
from poolwise.doctor.diagnosis import Diagnosis
from poolwise.doctor.nearness import Near
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
from poolwise.escaping import escape_control

NARROW = 72
"""Columns below which a table has fewer."""


def print_diagnosis(diagnosis: Diagnosis) -> None:
    """The verdict first, then all statements, the differences in words, and what to do."""
    out = console()
    out.print(escape_control(diagnosis.verdict), style="bold")
    for cost in diagnosis.costs:
        out.print(escape_control(cost.sentence), style="bold")
    out.print(f"vectors of {diagnosis.source}", style="dim")
    out.print()
    out.print(_statements(diagnosis.statements, narrow=out.width < NARROW))
    out.print()
    if any(statement.agrees is not None for statement in diagnosis.statements):
        out.print(MARKS_NOTE, style="dim")
    if any(statement.confidence is not None for statement in diagnosis.statements):
        out.print(CONFIDENCE_NOTE, style="dim")
    if not diagnosis.identified:
        out.print(_nearest(diagnosis.nearness.nearest))
        out.print()
    out.print(DISTANCE_NOTE, style="dim")
    _print_differences(diagnosis, out)
    of_costs = dict.fromkeys(note for cost in diagnosis.costs for note in cost.notes)
    for note in (*diagnosis.notes, *of_costs):
        out.print(styled(("· ", "dim"), (note, "")))


def _statements(statements: Sequence[Statement], *, narrow: bool) -> Table:
    """A row a statement. What is declared has a column of its own where there is room; else it is
    said where it differs."""
    declares = any(statement.declared is not None for statement in statements) and not narrow
    header = ["", "", "found", *["declared"] * declares, "confidence"]
    table = Table(*header, box=None, padding=(0, 2, 0, 0))
    table.columns[0].no_wrap = True
    table.columns[1].min_width = len("normalisation")
    for column in table.columns[2:]:
        column.overflow = "fold"
    for statement in statements:
        differs = statement.agrees is False
        declared = _declared(statement)
        found = [styled((value_text(statement.aspect, statement.value), ""))]
        if narrow and differs and declared:
            found.append(styled((f"declared: {declared}", "not bold")))
        table.add_row(
            MARKS[statement.agrees],
            statement.aspect,
            Text("\n").join(found),
            *[declared] * declares,
            _confidence(statement),
            style="bold" if differs else None,
        )
    return table


def _declared(statement: Statement) -> str:
    return "" if statement.declared is None else value_text(statement.aspect, statement.declared)


def _confidence(statement: Statement) -> Text:
    """In a word and a number; what came next below it."""
    runner_up = runner_up_text(statement)
    lines = [styled((confidence_text(statement), ""))]
    if runner_up:
        lines.append(styled((f"next: {runner_up}", "dim not bold")))
    return Text("\n").join(lines)


def _nearest(nearest: Sequence[Near]) -> Table:
    table = Table("nearest", "distance", box=None, padding=(0, 2, 0, 0))
    table.columns[1].justify = "right"
    for way in nearest:
        table.add_row(way.name, f"{way.distance:.2g}")
    return table


def _print_differences(diagnosis: Diagnosis, out: EscapingConsole) -> None:
    remedies = {remedy.aspect: remedy.text for remedy in diagnosis.remedies}
    for statement in diagnosis.differences:
        out.print()
        out.print(
            styled(("≠ ", "bold"), (f"{statement.aspect}: ", "bold"), (statement.sentence, ""))
        )
        if remedy := remedies.get(statement.aspect):
            out.print(Padding(escape_control(remedy), (0, 0, 0, 2), expand=False))
    if diagnosis.commands:
        out.print()
    for name, line in diagnosis.commands.items():
        out.print(f"{name}: {line}", soft_wrap=True)
