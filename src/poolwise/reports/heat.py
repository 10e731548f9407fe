"""Layers by pools: cells shaded by their values, which stand in them; ties and best outlined."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import numpy as np

from poolwise.json_values import rows
from poolwise.records import Chart
from poolwise.reports import number_format as digits
from poolwise.reports.drawing import Drawing, Key, Panel
from poolwise.reports.theme import ACCENT, DENSITY, FAINT, PAPER, QUIET

COLUMNS = ("layer", "pool", "value", "low", "high", "best", "tied")
BLACK = "#000000"

# From here on white is the colour that can be read on DENSITY, before it black: either is then at
# least 4.5 : 1 on every shade.
DARK = 0.655

PHONE, CHARACTER = 290, 7
"""Room for a row of cells on a narrow page, and a letter's width, in pixels."""

# A cell's side → where its line begins and ends, as shares of the cell: x, x2, y, y2; and the
# neighbour behind it: steps along pools and along rows.
SIDES = {
    "left": ((0, 0, 0, 1), (-1, 0)),
    "right": ((1, 1, 0, 1), (1, 0)),
    "top": ((0, 1, 0, 0), (0, -1)),
    "bottom": ((0, 1, 1, 1), (0, 1)),
}

Cell = Mapping[str, Any]


def heat(chart: Chart) -> Drawing:
    """A map of layers, the last on top, by pools; values are written as 100 times themselves.

    Columns of equal length ``layer, pool, value, low, high, best, tied`` and, for several maps
    side by side, ``panel``; None is a gap. ``y_label`` says what the rows are, ``x_label`` the
    columns, ``value_label`` what is measured. All panels share rows, columns and shades.
    """
    data = chart.data
    panels = data.get("panel", [""] * len(data["layer"]))
    cells = rows({**data, "panel": panels}, (*COLUMNS, "panel"))
    dressed = [
        {**cell, "layer": str(cell["layer"]), **_look(cell, shade)}
        for cell, shade in zip(cells, shades([cell["value"] for cell in cells]), strict=True)
    ]
    layers, pools = _layers(cells), list(dict.fromkeys(cell["pool"] for cell in cells))
    axes = _axes(layers, pools, data)
    names = max(44, 10 + CHARACTER * max((len(layer) for layer in layers), default=0))
    return Drawing(
        [
            Panel(name, _map([cell for cell in dressed if cell["panel"] == name], axes))
            for name in dict.fromkeys(panels)
        ],
        key=_key(cells, data["value_label"]),
        least=max(240, names + 36 * len(pools)),
        most=max(300, names + 78 * len(pools)),
    )


def shades(values: Sequence[float | None]) -> list[float | None]:
    """Where each value lies between the lowest, 0, and the highest, 1.

    Values further below the quartile than one and a half times the quartiles' distance count as
    lowest, so that one bad cell does not flatten all others.
    """
    known = np.array([value for value in values if value is not None])
    if not len(known):
        return list(values)
    lower, upper = np.quantile(known, [0.25, 0.75])
    high = known.max()
    low = max(known.min(), lower - 1.5 * (upper - lower))
    span = high - low
    return [
        None if value is None else round(max(0.0, (value - low) / span), 3) if span else 0.5
        for value in values
    ]


def _look(cell: Cell, shade: float | None) -> dict[str, Any]:
    return {
        "shade": shade,
        "ink": FAINT if shade is None else PAPER if shade > DARK else BLACK,
        "place": f"{cell['pool']} · {cell['layer']}",
        "text": digits.hundredfold(cell["value"]),
        "written": digits.both(cell["value"], cell["low"], cell["high"]),
    }


def _layers(cells: Sequence[Cell]) -> list[str]:
    """From the top: what has a name, as given; the last layer, …, the first."""
    found = list(dict.fromkeys(cell["layer"] for cell in cells))
    numbered = sorted(layer for layer in found if not isinstance(layer, str))
    named = [layer for layer in found if isinstance(layer, str)]
    return [*named, *(str(layer) for layer in reversed(numbered))]


def _map(cells: Sequence[Cell], axes: tuple[alt.X, alt.Y]) -> dict[str, Any]:
    x, y = axes
    pools, layers = x["sort"], y["sort"]
    base = alt.Chart(alt.InlineData(values=list(cells))).encode(x=x, y=y)
    fills = base.mark_rect(stroke=PAPER, strokeWidth=2).encode(
        color=alt.Color(
            "shade:Q", scale=alt.Scale(domain=[0, 1], range=DENSITY), legend=None, title=None
        ),
        tooltip=[
            alt.Tooltip("place:N", title="at"),
            alt.Tooltip("written:N", title="value"),
        ],
    )
    ring = base.mark_rect(fill=None, stroke=ACCENT, strokeWidth=4, cornerRadius=1)
    texts = base.mark_text(
        fontSize=alt.ExprRef("clamp(bandwidth('x') * 0.34, 8.5, 12.5)"),
        fontWeight=alt.ExprRef("datum.best ? 700 : 400"),
        color=alt.ExprRef("datum.ink"),
    ).encode(text="text:N")
    shapes = [
        fills,
        *_contour(base, cells, layers, pools),
        ring.properties(data=alt.InlineData(values=[cell for cell in cells if cell["best"]])),
        texts,
    ]
    height = (26 if len(layers) <= 15 else 21) * len(layers)
    spec: dict[str, Any] = alt.LayerChart(layer=shapes, height=height).to_dict(validate=False)
    return spec


def _axes(layers: list[str], pools: list[str], data: Mapping[str, Any]) -> tuple[alt.X, alt.Y]:
    longest = max((len(pool) for pool in pools), default=0)
    slanted = CHARACTER * longest > PHONE / max(1, len(pools))
    return alt.X(
        "pool:N",
        sort=pools,
        title=None if slanted else data["x_label"],
        scale=alt.Scale(domain=pools, padding=0),
        axis=alt.Axis(
            orient="top",
            labelAngle=-50 if slanted else 0,
            labelOverlap=False,
            domain=False,
            titleColor=QUIET,
            titleAnchor="start",
            titlePadding=4,
        ),
    ), alt.Y(
        "layer:O",
        sort=layers,
        title=data["y_label"],
        scale=alt.Scale(domain=layers, padding=0),
        axis=alt.Axis(
            labelLimit=170,
            titleX=-8,
            titleY=-6,
            titleAlign="right",
            titleColor=QUIET,
            labelOverlap=False,
        ),
    )


def _contour(
    base: alt.Chart, cells: Sequence[Cell], layers: list[str], pools: list[str]
) -> list[alt.Chart]:
    """A line around the best and whatever cannot be told from it; none around the best alone."""
    inside = {
        (pools.index(cell["pool"]), layers.index(cell["layer"])): cell
        for cell in cells
        if cell["tied"] or cell["best"]
    }
    if all(cell["best"] for cell in inside.values()):
        return []
    sides = []
    for (x, x2, y, y2), (right, down) in SIDES.values():
        edge = [cell for (i, j), cell in inside.items() if (i + right, j + down) not in inside]
        side = base.mark_rule(color=ACCENT, strokeWidth=2, strokeCap="square").encode(
            x=alt.X("pool:N", bandPosition=x, sort=pools),
            x2=alt.X2("pool:N", bandPosition=x2),
            y=alt.Y("layer:O", bandPosition=y, sort=layers),
            y2=alt.Y2("layer:O", bandPosition=y2),
        )
        sides.append(side.properties(data=alt.InlineData(values=edge)))
    return sides


def _key(cells: Sequence[Cell], value_label: str) -> list[Key]:
    times = "" if "100" in value_label else " x 100"
    marks = [Key("", QUIET, f"In each cell: {value_label}{times}")]
    if any(cell["best"] for cell in cells):
        marks.append(Key("▣", ACCENT, "chosen"))
    if any(cell["tied"] for cell in cells):
        marks.append(Key("▢", ACCENT, "cannot be told from it"))
    return marks
