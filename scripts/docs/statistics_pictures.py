"""Draws what each interval and correction means, with poolwise's own statistics on drawn rows.

`python -m statistics_pictures OUT` writes findings.json and charts/NAME.svg there, as a report has
them. Everything is drawn by seed: the numbers are the same on every machine, but for rounding.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import altair as alt
import numpy as np
import vl_convert
from numpy.typing import NDArray
from scipy.stats import norm

from poolwise.reports.svg import VEGA_LITE_VERSION
from poolwise.reports.theme import ACCENT, BANDS, CONFIG, CONTROL, EDGE, INK, SERIES
from poolwise.statistics.holm import holm
from poolwise.statistics.max_t import max_t
from poolwise.statistics.paired import mean_differences, mean_estimates

Array = NDArray[np.float64]
Numbers = dict[str, Any]
Figure = tuple[alt.TopLevelMixin, list[Numbers]]

WIDTH = 640
BLUE = SERIES[0]
TRUE = 0.85
"""The share of rows that the drawn readouts predict right."""


def number(name: str, value: float, low: float | None = None, high: float | None = None) -> Numbers:
    """One of findings.json."""
    return {"name": name, "value": value, "low": low, "high": high}


def rows_right(
    rng: np.random.Generator, rows: int, shares: Array, correlation: float = 0.8
) -> Array:
    """Whether each readout is right, [rows, readouts], correlated by the rows' difficulty."""
    common = rng.standard_normal((rows, 1))
    own = rng.standard_normal((rows, len(shares)))
    latent = np.sqrt(correlation) * common + np.sqrt(1 - correlation) * own
    return np.asarray(latent < norm.ppf(shares), np.float64)


def interval() -> Figure:
    """Fifty samples of 400 rows, and what each says of the share that all rows have."""
    rng = np.random.default_rng(0)
    estimates = [mean_estimates(rng.random((400, 1)) < TRUE)[0] for _ in range(1000)]
    covered = [bool(e.low <= TRUE <= e.high) for e in estimates]
    table = [
        {"sample": k, "low": e.low, "high": e.high, "value": e.value, "holds": holds}
        for k, (e, holds) in enumerate(zip(estimates[:50], covered[:50], strict=True))
    ]
    colour = alt.condition("datum.holds", alt.value(BLUE), alt.value(ACCENT))
    base = alt.Chart(alt.Data(values=table)).encode(x=alt.X("sample:O", axis=None))
    bars = base.mark_rule(strokeWidth=2).encode(
        y=alt.Y("low:Q", title="accuracy", scale=alt.Scale(zero=False)), y2="high:Q", color=colour
    )
    points = base.mark_point(filled=True, size=28, opacity=1).encode(y="value:Q", color=colour)
    return line_at(TRUE) + bars + points, [
        number("share of 1,000 intervals that hold the true value", float(np.mean(covered)))
    ]


def copies() -> Figure:
    """How often intervals hold the truth where each text stands in the table 5 to 10 times."""
    rng = np.random.default_rng(0)
    counted: dict[str, list[bool]] = {"rows counted": [], "texts counted": []}
    for _ in range(1000):
        sizes = rng.integers(5, 11, 60)
        right = np.repeat(rng.random(60) < TRUE, sizes).astype(np.float64)[:, None]
        groups = np.repeat(np.arange(60), sizes)
        for name, e in (
            ("rows counted", mean_estimates(right)[0]),
            ("texts counted", mean_estimates(right, groups)[0]),
        ):
            counted[name].append(bool(e.low <= TRUE <= e.high))
    shares = {name: float(np.mean(holds)) for name, holds in counted.items()}
    table = [
        {"name": name, "share": share, "text": f"{100 * share:.0f} %"}
        for name, share in shares.items()
    ]
    base = alt.Chart(alt.Data(values=table)).encode(
        y=alt.Y("name:N", title=None, sort=None),
        x=alt.X(
            "share:Q",
            title="intervals that hold the true accuracy",
            axis=alt.Axis(format="%"),
            scale=alt.Scale(domain=[0, 1]),
        ),
    )
    bars = base.mark_bar(height=22).encode(
        color=alt.Color(
            "name:N", scale=alt.Scale(domain=[*shares], range=[ACCENT, BLUE]), legend=None
        )
    )
    text = base.mark_text(align="left", dx=6, color=INK).encode(text="text:N")
    rule = (
        alt.Chart(alt.Data(values=[{"x": 0.95}]))
        .mark_rule(strokeDash=[4, 3], color=CONTROL)
        .encode(x="x:Q")
    )
    return (bars + text + rule).properties(height=90), [
        number(f"share of intervals that hold the true value, {name}", share)
        for name, share in shares.items()
    ]


def paired() -> Figure:
    """Two readouts on the same 1,000 rows: their intervals overlap, their difference is clear."""
    right = rows_right(np.random.default_rng(0), 1000, np.array([0.85, 0.88]), 0.95)
    first, second = mean_estimates(right)
    change = mean_differences(right, 0)[1].value
    table = [
        {"name": "readout A", "panel": "accuracy", **plain(first)},
        {"name": "readout B", "panel": "accuracy", **plain(second)},
        {"name": "B − A, row by row", "panel": "difference", **plain(change)},
    ]
    apart = {"name": "B − A, as if on other rows", "panel": "difference", **unpaired(first, second)}
    left = forest(table[:2], "accuracy")
    right_panel = forest([table[2], apart], "difference", zero=True)
    return alt.hconcat(left, right_panel, spacing=40), [
        number("accuracy of A", first.value, first.low, first.high),
        number("accuracy of B", second.value, second.low, second.high),
        number("B less A, paired", change.value, change.low, change.high),
        number("B less A, unpaired", apart["value"], apart["low"], apart["high"]),
    ]


def largest_of_many() -> Figure:
    """The largest t of 130 equal readouts, in 2,000 samples of 500 rows."""
    rng = np.random.default_rng(0)
    largest, called = [], 0
    critical = 0.0
    for k in range(600):
        right = rows_right(rng, 500, np.full(131, TRUE))
        changes = right[:, 1:] - right[:, :1]
        mean = changes.mean(0)
        error = changes.std(0, ddof=1) / np.sqrt(len(changes))
        largest.append(float((mean / error).max()))
        test = max_t(mean, changes - mean, seed=k, n_draws=2000)
        called += bool(test.significant.any())
        critical += test.critical / 600
    alone = float(np.mean(np.array(largest) > 1.645))
    table = [{"t": value} for value in largest]
    bars = (
        alt.Chart(alt.Data(values=table))
        .mark_bar(color=BANDS[1])
        .encode(
            x=alt.X(
                "t:Q", bin=alt.Bin(step=0.2), title="largest t of 130 readouts that are no better"
            ),
            y=alt.Y("count()", title="samples"),
        )
    )
    marks = [
        {"x": 1.645, "text": "bound for one", "colour": ACCENT},
        {"x": critical, "text": "bound for the largest of 130", "colour": BLUE},
    ]
    rules = alt.Chart(alt.Data(values=marks)).encode(
        x="x:Q", color=alt.Color("colour:N", scale=None)
    )
    text = rules.mark_text(align="left", dx=5, baseline="top").encode(text="text:N", y=alt.value(2))
    return bars + rules.mark_rule(strokeWidth=2) + text, [
        number("share of samples in which one of 130 equals passes the bound for one", alone),
        number("share of samples in which max-T calls one of 130 equals better", called / 600),
        number("bound for the largest of 130", critical),
        number("bound for one", 1.645),
    ]


def step_down() -> Figure:
    """Ten p-values beside the bounds that Holm's correction sets."""
    p = np.array([0.0008, 0.003, 0.0052, 0.011, 0.018, 0.026, 0.043, 0.21, 0.48, 0.77])
    passes = holm(p) <= 0.05
    table = [
        {
            "rank": k + 1,
            "p": float(value),
            "bound": 0.05 / (len(p) - k),
            "colour": BLUE if passed else CONTROL,
        }
        for k, (value, passed) in enumerate(zip(p, passes, strict=True))
    ]
    base = alt.Chart(alt.Data(values=table)).encode(
        x=alt.X("rank:O", title="comparison, by p-value", axis=alt.Axis(labelAngle=0))
    )
    y = alt.Y("p:Q", title="p", scale=alt.Scale(type="log", domain=[0.0005, 1]))
    steps = base.mark_line(interpolate="step", color=ACCENT, strokeWidth=2).encode(
        y=alt.Y("bound:Q", scale=alt.Scale(type="log", domain=[0.0005, 1]), title="p")
    )
    points = base.mark_point(filled=True, size=70, opacity=1).encode(
        y=y, color=alt.Color("colour:N", scale=None)
    )
    return steps + points, [
        number("comparisons below 0.05 alone", float((p < 0.05).sum())),
        number("comparisons that Holm keeps", float(passes.sum())),
    ]


def margin() -> Figure:
    """What an interval of a difference says beside a margin of 0.01."""
    table = [
        {"name": "better", "value": 0.021, "low": 0.012, "high": 0.030},
        {"name": "no worse than 0.01", "value": 0.001, "low": -0.006, "high": 0.008},
        {"name": "nothing is shown", "value": -0.004, "low": -0.021, "high": 0.013},
        {"name": "worse", "value": -0.025, "low": -0.036, "high": -0.014},
    ]
    picture = forest(table, "difference from the readout in use", zero=True, width=WIDTH - 150)
    bound = (
        alt.Chart(alt.Data(values=[{"x": -0.01}]))
        .mark_rule(strokeDash=[4, 3], color=ACCENT, strokeWidth=1.5)
        .encode(x="x:Q")
    )
    return bound + picture, []


def folds() -> Figure:
    """Five folds: a row is scored by a probe and by steps that were fitted without it."""
    table = [
        {
            "fit": f"fit {fit + 1}",
            "fold": f"fold {fold + 1}",
            "use": "is scored" if fit == fold else "fits the probe and the steps",
        }
        for fit in range(5)
        for fold in range(5)
    ]
    return (
        alt.Chart(alt.Data(values=table))
        .mark_rect(stroke=EDGE)
        .encode(
            x=alt.X("fold:O", title="rows, texts whole", axis=alt.Axis(labelAngle=0, domain=False)),
            y=alt.Y("fit:O", title=None),
            color=alt.Color(
                "use:N",
                title=None,
                scale=alt.Scale(
                    domain=["is scored", "fits the probe and the steps"], range=[BLUE, BANDS[0]]
                ),
                legend=alt.Legend(orient="top"),
            ),
        )
        .properties(height=170),
        [],
    )


FIGURES: dict[str, Callable[[], Figure]] = {
    "interval": interval,
    "copies": copies,
    "paired": paired,
    "largest_of_many": largest_of_many,
    "step_down": step_down,
    "margin": margin,
    "folds": folds,
}


def plain(estimate: Any) -> dict[str, float]:
    """Of an estimate, as a row of a chart."""
    return {"value": estimate.value, "low": estimate.low, "high": estimate.high}


def unpaired(first: Any, second: Any) -> dict[str, float]:
    """The difference of two shares as if each had rows of its own."""
    value = second.value - first.value
    reach = float(np.hypot(first.high - first.low, second.high - second.low)) / 2
    return {"value": value, "low": value - reach, "high": value + reach}


def forest(
    table: list[dict[str, Any]], title: str, *, zero: bool = False, width: int = 210
) -> alt.LayerChart:
    """Estimates with their intervals, one below the other."""
    base = alt.Chart(alt.Data(values=table)).encode(y=alt.Y("name:N", title=None, sort=None))
    x = alt.X(
        "low:Q", title=title, scale=alt.Scale(zero=False, padding=12), axis=alt.Axis(tickCount=5)
    )
    bars = base.mark_rule(strokeWidth=2.5, color=BLUE).encode(x=x, x2="high:Q")
    points = base.mark_point(filled=True, size=60, color=BLUE, opacity=1).encode(x="value:Q")
    layers = [bars, points]
    if zero:
        layers.insert(
            0, alt.Chart(alt.Data(values=[{"x": 0}])).mark_rule(color=EDGE).encode(x="x:Q")
        )
    return alt.layer(*layers).properties(width=width, height=34 * len(table))


def line_at(value: float) -> alt.Chart:
    """A horizontal line: the true value."""
    rows = alt.Data(values=[{"y": value}])
    return alt.Chart(rows).mark_rule(strokeDash=[4, 3], color=CONTROL).encode(y="y:Q")


def drawn(figure: alt.TopLevelMixin) -> str:
    """As SVG, in the colours and letters of a report."""
    spec = figure.to_dict()
    axis = {**CONFIG["axisY"], "titleY": -12}
    spec["config"] = {**CONFIG, "axisY": axis, "view": {"stroke": None, "continuousHeight": 220}}
    if "hconcat" not in spec:
        spec.setdefault("width", WIDTH)
    spec["padding"] = 12
    return vl_convert.vegalite_to_svg(spec, vl_version=VEGA_LITE_VERSION)


def measured(output: Path) -> Iterator[Numbers]:
    """The numbers of all figures, each of which is written first."""
    for name, draw in FIGURES.items():
        figure, numbers = draw()
        (output / "charts" / f"{name}.svg").write_text(drawn(figure), encoding="utf-8")
        yield from numbers


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    (folder / "charts").mkdir(parents=True)
    finding = {"question": "What do the statistics mean?", "numbers": [*measured(folder)]}
    (folder / "findings.json").write_text(
        json.dumps([finding], ensure_ascii=False), encoding="utf-8"
    )
