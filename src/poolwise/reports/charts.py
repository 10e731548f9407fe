"""A chart's data → its drawing; one function a kind."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from poolwise.errors import PoolwiseError
from poolwise.records import Chart
from poolwise.reports.by_layer import by_layer
from poolwise.reports.density import density
from poolwise.reports.drawing import Drawing, Panel
from poolwise.reports.forest import forest
from poolwise.reports.heat import heat
from poolwise.reports.learning_curve import learning_curve
from poolwise.reports.multiples import multiples
from poolwise.reports.ranking import ranking
from poolwise.reports.table import table
from poolwise.reports.theme import CONFIG

KINDS: dict[str, Callable[[Chart], Drawing]] = {
    "by_layer": by_layer,
    "density": density,
    "forest": forest,
    "heat": heat,
    "learning_curve": learning_curve,
    "multiples": multiples,
    "ranking": ranking,
    "table": table,
}


def draw(chart: Chart) -> Drawing:
    """The chart as Vega-Lite views, each as wide as what holds it, or as a table.

    Raises PoolwiseError for a kind that has no drawing.
    """
    if chart.kind not in KINDS:
        raise PoolwiseError(
            f"chart {chart.title!r} is of kind {chart.kind!r}; "
            f"reports draw these kinds: {', '.join(KINDS)}"
        )
    drawing = KINDS[chart.kind](chart)
    return dataclasses.replace(drawing, panels=[_dressed(panel, chart) for panel in drawing.panels])


def _dressed(panel: Panel, chart: Chart) -> Panel:
    described = " ".join(part for part in (chart.title, panel.title, chart.caption) if part)
    frame = {"config": CONFIG, "width": "container", "padding": 0, "description": described}
    return Panel(panel.title, {**panel.spec, **frame})
