"""Every readout's scores as rows of a table: what ``scores.parquet`` holds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from poolwise.selection.selection import Selection


def score_rows(selection: Selection) -> Iterator[dict[str, Any]]:
    """One row for each readout or baseline."""
    c = len(selection.readouts)
    for i, (name, estimate) in enumerate(zip(selection.names, selection.scores, strict=True)):
        readout = selection.readouts[i] if i < c else None
        yield {
            "data": selection.task.name,
            "model": selection.models[i] if i < c else None,
            "readout": name if readout is None else str(readout),
            "baseline": readout is None,
            "pool": str(readout.pool) if readout else None,
            "layers": str(readout.layers) if readout and readout.layers else None,
            "steps": "|".join(map(str, readout.steps)) if readout else None,
            "part": selection.task.folds.part,
            "score": selection.task.score,
            "value": estimate.value,
            "low": estimate.low,
            "high": estimate.high,
            "chosen": i == selection.chosen_index,
            "tied": i < c and bool(selection.tied[i]),
            "dimensions": selection.dimensions[i],
            "cost": selection.cost(i),
        }
