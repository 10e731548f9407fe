"""A finding in the terminal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rich.table import Table
from rich.text import Text

from poolwise.cli.console import styled
from poolwise.cli.options import console
from poolwise.records import Chart, Finding

BEST, TIED, CLEAR = "→", "=", "●"
ROWS = 6
"""Of a table, in the terminal."""


def show(finding: Finding) -> None:
    """The question, its tables, the notes, and the verdict last."""
    out = console()
    out.print()
    out.print(finding.question, style="bold")
    out.print()
    for chart in finding.charts:
        if chart.kind in TABLES:
            out.print(chart.title)
            out.print()
            table, key = TABLES[chart.kind](chart)
            out.print(table)
            if key:
                out.print(key, style="dim")
            out.print()
    for note in finding.notes:
        out.print(styled(("· ", "dim"), (note, "")))
    out.print()
    out.print(finding.verdict, style="bold")
    out.print()


def _by_layer(chart: Chart) -> tuple[Table, str]:
    """A row a series, a column a layer."""
    data = chart.data
    layers = list(dict.fromkeys(data["layer"]))
    table = Table("", *(f"@{k}" for k in layers), box=None)
    for column in table.columns[1:]:
        column.justify = "right"
    points = zip(data["series"], data["layer"], data["value"], data["control"], strict=True)
    rows: dict[str, dict[int, str]] = {}
    dim: set[str] = set()
    for series, layer, value, control in points:
        rows.setdefault(series, {})[layer] = "–" if value is None else f"{value:.2f}"
        if control:
            dim.add(series)
    for series, values in rows.items():
        style = "dim" if series in dim else None
        table.add_row(series, *(values.get(k, "") for k in layers), style=style)
    constant = None in data["value"]
    return table, "–  undefined there" if constant else ""


def _learning_curve(chart: Chart) -> tuple[Table, str]:
    """A row a readout, its frozen probe under it, a column a number of rows learned from."""
    data = chart.data
    sizes = sorted(dict.fromkeys(data["n"]))
    table = Table("", *(f"n = {n:,}" for n in sizes), box=None)
    for column in table.columns[1:]:
        column.justify = "right"
    points = zip(data["series"], data["frozen"], data["n"], data["value"], strict=True)
    found = {(series, frozen, n): value for series, frozen, n, value in points}
    for series in dict.fromkeys(data["series"]):
        for frozen in sorted({other for name, other, _ in found if name == series}):
            values = [found.get((series, frozen, n)) for n in sizes]
            name, style = ("  frozen", "dim") if frozen else (series, None)
            table.add_row(name, *("–" if x is None else f"{x:.3f}" for x in values), style=style)
    return table, f"{data['y_label']}   dim: a linear probe on frozen vectors"


def _ranking(chart: Chart) -> tuple[Table, str]:
    """A row a readout, best first."""
    data = chart.data
    compared = any(value is not None for value in data["whole"])
    heads = ["", "readout", data["value_label"], "95 %", *["all rows"] * compared, "size", "blocks"]
    table = Table(*heads, box=None, padding=(0, 1, 0, 0))
    table.columns[1].no_wrap, table.columns[1].min_width = True, max(map(len, data["name"]))
    for column in table.columns[2:]:
        column.justify = "right"
    for i, name in enumerate(data["name"]):
        mark = BEST if data["best"][i] else TIED if data["tied"][i] else ""
        value, low, high = (data[key][i] for key in ("value", "low", "high"))
        table.add_row(
            mark,
            name,
            _score(value),
            "" if low is None or high is None else f"{low:.3f} … {high:.3f}",
            *[_score(data["whole"][i])] * compared,
            f"{data['dimensions'][i]:,}",
            f"{data['cost'][i]:.0%}",
            style="dim" if data["baseline"][i] else "bold" if data["best"][i] else None,
        )
    key = f"{BEST} chosen on dev   {TIED} cannot be told from the best on dev   dim: baselines"
    return table, key


def _forest(chart: Chart) -> tuple[Table, str]:
    """A row a comparison, in the order of the picture, under its headings."""
    data = chart.data
    groups = ["", *data.get("group", [""] * len(data["name"]))]
    table = Table("", "", "difference", "95 %", box=None)
    table.columns[2].justify = "right"
    for i, name in enumerate(data["name"]):
        value, low, high = (data[key][i] for key in ("value", "low", "high"))
        if groups[i + 1] != groups[i]:
            table.add_row("", styled((groups[i + 1], "bold")))
        table.add_row(
            CLEAR if data["clear"][i] else "",
            name,
            "–" if value is None else f"{value:+.3f}",
            "" if low is None or high is None else f"{low:+.3f} … {high:+.3f}",
            style="dim" if data["control"][i] else None,
        )
    controls = "   dim: controls" if any(data["control"]) else ""
    return table, f"{CLEAR} clear, once corrected for all comparisons{controls}"


def _table(chart: Chart) -> tuple[Table, str]:
    """Some rows from the first to the last."""
    columns, rows = chart.data["columns"], chart.data["rows"]
    shown = sorted({round(i * (len(rows) - 1) / (ROWS - 1)) for i in range(ROWS)}) if rows else []
    table = Table(*columns, box=None, padding=(0, 1, 1, 0))
    for i in shown:
        table.add_row(*map(_cell, rows[i]))
    return table, f"{len(shown)} of {len(rows)} rows; a report (-o) has all of them"


def _cell(cell: Any) -> str | Text:
    if isinstance(cell, str):
        return cell
    if isinstance(cell, list | tuple):
        return styled(*((text, "bold" if out else "") for text, out in cell))
    return "–" if cell is None else f"{cell:.2f}"


def _score(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"


TABLES: dict[str, Callable[[Chart], tuple[Table, str]]] = {
    "by_layer": _by_layer,
    "forest": _forest,
    "learning_curve": _learning_curve,
    "ranking": _ranking,
    "table": _table,
}
