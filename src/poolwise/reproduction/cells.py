"""Run a preset's rows where the checkpoint and the data are there; say why where they are not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from poolwise.errors import PoolwiseError
from poolwise.model import Model
from poolwise.records import Finding, Number, Precision
from poolwise.reproduction.presets import WHERE, Kind, Preset, Row
from poolwise.reproduction.probing import probing
from poolwise.reproduction.similarity import similarity
from poolwise.reproduction.tagging import tagging
from poolwise.reproduction.transfer import transfer

Measure = Callable[[Model, Path, str, Row, Precision], float]
"""Model, folder of the data, name of the set, row → the figure, x 100."""

MEASURES: Mapping[Kind, Measure] = {
    "similarity": similarity,
    "transfer": transfer,
    "tagging": tagging,
    "probing": probing,
}

Mark = Literal["reproduced", "off", "not run"]


@dataclass(frozen=True, slots=True)
class Cell:
    """One printed figure, and what came of it."""

    row: str
    data: str
    expected: float
    found: float | None
    tolerance: float
    why: str = ""

    @property
    def mark(self) -> Mark:
        if self.found is None:
            return "not run"
        # Printed figures are rounded themselves.
        return "reproduced" if abs(self.found - self.expected) <= self.tolerance + 0.005 else "off"

    def __str__(self) -> str:
        if self.found is None:
            return f"not run because {self.why}"
        off = f"off by {self.found - self.expected:+.2f}".replace("-", "−")
        return f"{self.found:.2f}, {'reproduced' if self.mark == 'reproduced' else off}"


def reproduce(
    preset: Preset,
    folder: Path,
    load: Callable[[], Model],
    *,
    precision: Precision = "exact",
) -> Iterator[Cell]:
    """A cell for every printed figure, in order. ``load`` is called once, if anything can run."""
    model: Model | str | None = None
    for row in preset.rows:
        for data, expected in row.expected.items():
            found, why = None, row.why
            where = place(folder, data)
            if row.readout is None:
                pass
            elif where is None:
                why = f"there is no {' or '.join(WHERE[data])} in {folder}"
            else:
                model = _loaded(load) if model is None else model
                if isinstance(model, str):
                    why = model
                else:
                    measure = MEASURES[preset.kind]
                    found, why = _measured(partial(measure, model, where, data, row, precision))
            yield Cell(row.name, data, expected, found, preset.tolerance, why)


def place(folder: Path, data: str) -> Path | None:
    """Where the set of data lies; what is split into files by label is found by its stem."""
    for name in WHERE[data]:
        path = folder / name
        if path.exists() or any(path.parent.glob(f"{path.name}[.-]*")):
            return path
    return None


def finding(
    name: str, preset: Preset, cells: Sequence[Cell], made: Mapping[str, object]
) -> Finding:
    """All cells as numbers, and how many came out."""
    counts = {mark: sum(cell.mark == mark for cell in cells) for mark in ("reproduced", "off")}
    left = len(cells) - sum(counts.values())
    return Finding(
        study=f"reproduce {name}",
        question=f"{preset.title}: do the published figures come out?",
        verdict=f"Of {len(cells)} figures {counts['reproduced']} are reproduced within "
        f"{preset.tolerance:g}, {counts['off']} are off, {left} were not run.",
        numbers=[
            Number(
                preset.measure,
                cell.found,
                where={"row": cell.row, "data": cell.data, "published": f"{cell.expected:.2f}"},
                note=str(cell),
            )
            for cell in cells
        ],
        notes=list(dict.fromkeys(f"{row.name}: {row.source}" for row in preset.rows)),
        provenance=dict(made),
    )


def _loaded(load: Callable[[], Model]) -> Model | str:
    try:
        return load()
    except PoolwiseError as error:
        return str(error).splitlines()[0]


def _measured(measure: Callable[[], float]) -> tuple[float | None, str]:
    try:
        return measure(), ""
    except PoolwiseError as error:
        # Some advice is about options, of which a published protocol has none.
        clauses = str(error).splitlines()[0].split("; ")
        return None, "; ".join(clause for clause in clauses if "--" not in clause)
