"""Findings and answers in the terminal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from poolwise import charts
from poolwise.api.answer_text import labelled_fields
from poolwise.cli.console import styled
from poolwise.cli.options import console
from poolwise.escaping import escape_control
from poolwise.records import CAREFUL, Answer, Finding

BEST, TIED, CLEAR = "→", "=", "●"
UNDEFINED = "–"
TABLE_ROWS = 6
"""Rows of a text table that the terminal shows."""


def print_finding(finding: Finding) -> None:
    """The question, its tables, the notes, and the verdict last."""
    out = console()
    out.print()
    out.print(finding.question, style="bold")
    out.print()
    for chart in finding.charts:
        if type(chart) in TABLES:
            out.print(chart.title)
            out.print()
            table, legend = TABLES[type(chart)](chart)
            out.print(table)
            if legend:
                out.print(legend, style="dim")
            out.print()
    for note in finding.notes:
        out.print(styled(("· ", "dim"), (note, "")))
    out.print()
    out.print(finding.verdict, style="bold")
    if finding.evidence:
        out.print(finding.evidence)
    out.print()


def print_answer(answer: Answer) -> None:
    """The recommendation, then why, what it costs, how sure it is and what to run next."""
    out = console()
    out.print()
    out.print(answer.recommendation, style="bold")
    out.print()
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column()
    for label, text in labelled_fields(answer):
        if text == answer.command:
            continue
        table.add_row(label, text)
    out.print(table)
    if answer.command:
        out.print()
        out.print(answer.command, soft_wrap=True)
    out.print()


def print_questions(findings: Sequence[Finding]) -> None:
    """Each question with its verdict below it."""
    out = console()
    for finding in findings:
        out.print(finding.question, style="dim")
        out.print(Padding(escape_control(finding.verdict), (0, 0, 0, 2)))
        for note in finding.notes:
            if note.startswith(CAREFUL):
                out.print(Padding(escape_control(note), (0, 0, 0, 2)))
    out.print()


def print_table(table: charts.TextTable) -> None:
    """A text table whole, under its title."""
    out = console()
    out.print(table.title)
    grid = Table(*table.columns, box=None, padding=(0, 1, 0, 0))
    cells = table.rows[0] if table.rows else ()
    _align_right(grid, first=next((k for k, c in enumerate(cells) if isinstance(c, float)), 1))
    for row in table.rows:
        grid.add_row(*(f"{cell:.4f}" if isinstance(cell, float) else _cell(cell) for cell in row))
    out.print(grid)
    out.print()


def _layer_curves(chart: charts.LayerCurves) -> tuple[Table, str]:
    """A row a curve, a column a layer."""
    n_layers = max((len(curve.values) for curve in chart.curves), default=0)
    table = Table("", *(f"@{k}" for k in range(n_layers)), box=None)
    _align_right(table, first=1)
    for curve in chart.curves:
        values = (_fixed(estimate.value, 2) for estimate in curve.values)
        table.add_row(curve.name, *values, style="dim" if curve.control else None)
    undefined = any(estimate.value is None for curve in chart.curves for estimate in curve.values)
    return table, f"{UNDEFINED}  undefined there" if undefined else ""


def _learning_curve(chart: charts.LearningCurve) -> tuple[Table, str]:
    """A row a readout, its frozen probe below it, a column a number of rows trained on."""
    sizes = sorted({point.n for point in chart.points})
    table = Table("", *(f"n = {n:,}" for n in sizes), box=None)
    _align_right(table, first=1)
    scores: dict[tuple[str, bool], dict[int, float | None]] = {}
    for series in dict.fromkeys(point.series for point in chart.points):
        for frozen in (False, True):
            scores[series, frozen] = {}
    for point in chart.points:
        scores[point.series, point.frozen][point.n] = point.estimate.value
    for (series, frozen), by_size in scores.items():
        if by_size:
            name, style = ("  frozen", "dim") if frozen else (series, None)
            table.add_row(name, *(_fixed(by_size.get(n), 3) for n in sizes), style=style)
    frozen = any(point.frozen for point in chart.points)
    return table, chart.y_label + "   dim: a linear probe on frozen vectors" * frozen


def _ranking(chart: charts.Ranking) -> tuple[Table, str]:
    """A row a readout, best first."""
    whole = any(row.whole_value is not None for row in chart.rows)
    header = ["", "readout", chart.value_label, "95 %", *["all rows"] * whole, "size", "blocks"]
    table = Table(*header, box=None, padding=(0, 1, 0, 0))
    table.columns[1].no_wrap = True
    table.columns[1].min_width = max(len(row.name) for row in chart.rows)
    _align_right(table, first=2)
    for row in chart.rows:
        table.add_row(
            BEST if row.best else TIED if row.tied else "",
            row.name,
            _fixed(row.estimate.value, 4),
            _interval(row.estimate, ".3f"),
            *[_fixed(row.whole_value, 4)] * whole,
            f"{row.dimensions:,}",
            f"{row.cost:.0%}",
            style="dim" if row.baseline else "bold" if row.best else None,
        )
    legend = f"{BEST} chosen   {TIED} cannot be told from the highest   dim: baselines"
    return table, legend


def _forest_plot(chart: charts.ForestPlot) -> tuple[Table, str]:
    """A row a comparison, in the order of the chart, below its headings."""
    table = Table("", "", "difference", "95 %", box=None)
    table.columns[2].justify = "right"
    group = None
    for row in chart.rows:
        if row.group and row.group != group:
            table.add_row("", styled((row.group, "bold")))
        group = row.group
        value = row.estimate.value
        table.add_row(
            CLEAR if row.clear else "",
            row.name,
            UNDEFINED if value is None else f"{value:+.3f}",
            _interval(row.estimate, "+.3f"),
            style="dim" if row.control else None,
        )
    controls = "   dim: controls" if any(row.control for row in chart.rows) else ""
    return table, f"{CLEAR} clear, once corrected for all comparisons{controls}"


def _text_table(chart: charts.TextTable) -> tuple[Table, str]:
    """A few rows at equal distances, the first and the last among them."""
    n = len(chart.rows)
    indices = sorted(
        {round(i * (n - 1) / (TABLE_ROWS - 1)) for i in range(TABLE_ROWS)} if n else []
    )
    table = Table(*chart.columns, box=None, padding=(0, 1, 1, 0))
    for i in indices:
        table.add_row(*map(_cell, chart.rows[i]))
    return table, f"{len(indices)} of {n} rows; a report (-o) has all of them"


def _cell(cell: charts.Cell) -> str | Text:
    if isinstance(cell, str):
        return cell
    if isinstance(cell, list | tuple):
        return styled(*((text, "bold" if bold else "") for text, bold in cell))
    return UNDEFINED if cell is None else f"{cell:.2f}"


def _align_right(table: Table, *, first: int) -> None:
    for column in table.columns[first:]:
        column.justify = "right"


def _fixed(value: float | None, decimals: int) -> str:
    return UNDEFINED if value is None else f"{value:.{decimals}f}"


def _interval(estimate: charts.IntervalEstimate, form: str) -> str:
    low, high = estimate.low, estimate.high
    return "" if low is None or high is None else f"{low:{form}} … {high:{form}}"


def _cost_front(chart: charts.CostFront) -> tuple[Table, str]:
    """The readouts of the front, fastest first."""
    table = Table("", "readout", "ms a text", chart.y_label, "95 %", box=None, padding=(0, 1, 0, 0))
    _align_right(table, first=2)
    front = [point for point in chart.points if point.front]
    for point in sorted(front, key=lambda point: point.milliseconds):
        table.add_row(
            BEST if point.best else "",
            point.name,
            f"{point.milliseconds:.3g}",
            _fixed(point.estimate.value, 4),
            _interval(point.estimate, ".3f"),
            style="bold" if point.best else None,
        )
    return table, "no other readout scores higher in as little time"


TABLES: dict[type[charts.Chart], Callable[[Any], tuple[Table, str]]] = {
    charts.LayerCurves: _layer_curves,
    charts.CostFront: _cost_front,
    charts.ForestPlot: _forest_plot,
    charts.LearningCurve: _learning_curve,
    charts.Ranking: _ranking,
    charts.TextTable: _text_table,
}
