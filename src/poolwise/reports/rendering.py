"""A chart → Vega-Lite views or a table; one function a kind."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from poolwise import charts
from poolwise.errors import PoolwiseError
from poolwise.reports.cost_front import cost_front
from poolwise.reports.density import density
from poolwise.reports.distances import distances
from poolwise.reports.forest import forest_plot
from poolwise.reports.heat_map import heat_map
from poolwise.reports.layer_curves import layer_curves
from poolwise.reports.learning_curve import learning_curve
from poolwise.reports.multiples import small_multiples
from poolwise.reports.ranking import ranking
from poolwise.reports.rendered_chart import Panel, RenderedChart
from poolwise.reports.table import text_table
from poolwise.reports.theme import CONFIG

RENDERERS: dict[type[charts.Chart], Callable[[Any], RenderedChart]] = {
    charts.LayerCurves: layer_curves,
    charts.CostFront: cost_front,
    charts.Density: density,
    charts.Distances: distances,
    charts.ForestPlot: forest_plot,
    charts.HeatMap: heat_map,
    charts.LearningCurve: learning_curve,
    charts.SmallMultiples: small_multiples,
    charts.Ranking: ranking,
    charts.TextTable: text_table,
}


def render_chart(chart: charts.Chart) -> RenderedChart:
    """The chart as Vega-Lite views, each as wide as its container, or as a table.

    Raises PoolwiseError for a kind that has no renderer.
    """
    if type(chart) not in RENDERERS:
        raise PoolwiseError(
            f"chart {chart.title!r} is of kind {chart.kind!r}; "
            f"reports draw these kinds: {', '.join(kind.kind for kind in RENDERERS)}"
        )
    rendered = RENDERERS[type(chart)](chart)
    return dataclasses.replace(rendered, panels=[_complete(p, chart) for p in rendered.panels])


def _complete(panel: Panel, chart: charts.Chart) -> Panel:
    """The panel with the theme, its width and a description."""
    description = " ".join(text for text in (chart.title, panel.title, chart.caption) if text)
    frame = {"config": CONFIG, "width": "container", "padding": 0, "description": description}
    return Panel(panel.title, {**panel.spec, **frame})
