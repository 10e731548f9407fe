"""What a finding shows: one frozen dataclass a kind of chart, filled by studies, drawn elsewhere.

Reports turn them into Vega-Lite, the command line into tables; findings.json holds ``to_json()``.
"""

from poolwise.charts.chart import Chart, IntervalEstimate
from poolwise.charts.cost_front import CostFront, CostPoint
from poolwise.charts.density import Density, DensityCell, Quantiles
from poolwise.charts.distances import DistanceRow, Distances
from poolwise.charts.forest import ForestPlot, ForestRow
from poolwise.charts.heat_map import HeatCell, HeatMap
from poolwise.charts.layer_curves import LayerCurve, LayerCurves
from poolwise.charts.learning_curve import LearningCurve, LearningPoint
from poolwise.charts.multiples import Band, PanelPoint, SmallMultiples
from poolwise.charts.ranking import Ranking, RankingRow
from poolwise.charts.table import Cell, TextTable

__all__ = [
    "Band",
    "Cell",
    "Chart",
    "CostFront",
    "CostPoint",
    "Density",
    "DensityCell",
    "DistanceRow",
    "Distances",
    "ForestPlot",
    "ForestRow",
    "HeatCell",
    "HeatMap",
    "IntervalEstimate",
    "LayerCurve",
    "LayerCurves",
    "LearningCurve",
    "LearningPoint",
    "PanelPoint",
    "Quantiles",
    "Ranking",
    "RankingRow",
    "SmallMultiples",
    "TextTable",
]
