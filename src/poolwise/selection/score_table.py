"""Every readout's scores as rows of a table: what ``scores.parquet`` holds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from poolwise.selection.selection import Selection


def score_rows(selection: Selection) -> Iterator[dict[str, Any]]:
    """One row for each readout or baseline and each of dev and test."""
    c = len(selection.readouts)
    for i, name in enumerate(selection.names):
        readout = selection.readouts[i] if i < c else None
        for part, found in (("dev", selection.dev_scores[i]), ("test", selection.test_scores[i])):
            yield {
                "data": selection.task.name,
                "readout": name,
                "baseline": readout is None,
                "pool": str(readout.pool) if readout else None,
                "layers": str(readout.layers) if readout and readout.layers else None,
                "steps": "|".join(map(str, readout.steps)) if readout else None,
                "part": part,
                "score": selection.task.score,
                "value": found.value,
                "low": found.low,
                "high": found.high,
                "chosen": i == selection.chosen_index,
                "tied": i < c and bool(selection.tied[i]),
                "dimensions": selection.dimensions[i],
                "cost": selection.cost(i),
            }
