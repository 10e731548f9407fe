"""The figures of a preset → a finding."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from poolwise.records import Finding, Number
from poolwise.reproduction.figures import ReproducedFigure
from poolwise.reproduction.presets import Preset


def build_finding(
    name: str,
    preset: Preset,
    figures: Sequence[ReproducedFigure],
    provenance: Mapping[str, object],
) -> Finding:
    """All figures as numbers, and how many are reproduced."""
    n = Counter(figure.status for figure in figures)
    return Finding(
        study=f"reproduce {name}",
        question=f"{preset.title}: do the published figures come out?",
        verdict=f"{len(figures)} figures: {n['reproduced']} reproduced within "
        f"{preset.tolerance:g}, {n['off']} off, {n['not comparable']} not comparable, "
        f"{n['not run']} not run.",
        numbers=[
            Number(
                preset.measure,
                figure.measured,
                where={
                    "row": figure.row,
                    "data": figure.data,
                    "published": f"{figure.expected:.2f}",
                },
                note=str(figure),
            )
            for figure in figures
        ],
        notes=list(dict.fromkeys(f"{row.name}: {row.source}" for row in preset.rows)),
        provenance=dict(provenance),
    )
