"""Draws what fine-tuning does to each readout, from a committed comparison of `poolwise tune`.

`python -m tuned_pictures OUT RESULT` writes findings.json, of what is drawn, and charts/tuned.svg;
RESULT is a path from the root of the repository.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import altair as alt
from statistics_pictures import drawn

from poolwise.reports.theme import CONTROL, SERIES

ROOT = Path(__file__).parent.parent.parent
KINDS = {"accuracy": "fine-tuned", "accuracy, frozen": "frozen, with a linear probe"}
COLORS = [SERIES[0], CONTROL]


def rows(numbers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The accuracies on test, one row a readout, size and kind."""
    return [
        {
            "readout": number["where"]["readout"],
            "size": f"{number['where']['n']:,} rows to train on",
            "kind": KINDS[number["name"]],
            **{key: number[key] for key in ("value", "low", "high")},
        }
        for number in numbers
        if number["name"] in KINDS and number["where"].get("part") == "test"
    ]


def picture(table: list[dict[str, Any]]) -> alt.HConcatChart:
    """A panel a size: the readouts below each other, tuned and frozen with their intervals."""
    sizes = list(dict.fromkeys(row["size"] for row in table))
    last = [row for row in table if row["size"] == sizes[-1] and row["kind"] == "fine-tuned"]
    order = [row["readout"] for row in sorted(last, key=lambda row: -row["value"])]
    return alt.hconcat(
        *[panel([row for row in table if row["size"] == size], size, order) for size in sizes]
    )


def panel(table: list[dict[str, Any]], title: str, order: list[str]) -> alt.LayerChart:
    kinds = list(KINDS.values())
    base = alt.Chart(alt.Data(values=table)).encode(
        y=alt.Y("readout:N", title=None, sort=order),
        yOffset=alt.YOffset("kind:N", sort=kinds),
        color=alt.Color(
            "kind:N",
            title=None,
            sort=kinds,
            scale=alt.Scale(domain=kinds, range=COLORS),
            legend=alt.Legend(orient="top"),
        ),
    )
    x = alt.X("low:Q", title="accuracy", scale=alt.Scale(zero=False), axis=alt.Axis(tickCount=5))
    bars = base.mark_rule(strokeWidth=2.5).encode(x=x, x2="high:Q")
    points = base.mark_point(filled=True, size=50, opacity=1).encode(x="value:Q")
    return alt.layer(bars, points).properties(
        width=250, height=34 * len(order), title=alt.Title(title, anchor="start")
    )


if __name__ == "__main__":
    folder, source = Path(sys.argv[1]), ROOT / sys.argv[2]
    (folder / "charts").mkdir(parents=True)
    result = json.loads(source.read_text(encoding="utf-8"))
    kept = [n for n in result["numbers"] if n["name"] in KINDS and n["where"].get("part") == "test"]
    svg = drawn(picture(rows(kept)))
    (folder / "charts/tuned.svg").write_text(svg, encoding="utf-8")
    finding = {"question": "Which readout, once the encoder is fine-tuned?", "numbers": kept}
    (folder / "findings.json").write_text(json.dumps([finding]), encoding="utf-8")
