"""Running a preset: each published figure, measured where the checkpoint and the data exist."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from poolwise.errors import PoolwiseError
from poolwise.model import Model
from poolwise.records import Precision
from poolwise.reproduction.data_paths import DATA_PATHS, find_data
from poolwise.reproduction.presets import Preset, PresetKind, PublishedRow
from poolwise.reproduction.probing import measure_probing
from poolwise.reproduction.similarity import measure_similarity
from poolwise.reproduction.tagging import measure_tagging
from poolwise.reproduction.transfer import measure_transfer

MeasureFigure = Callable[[Model, Path, str, PublishedRow, Precision], float]
"""Model, path of the data, name of the data set, row, precision → the figure, x 100."""

MEASURES: Mapping[PresetKind, MeasureFigure] = {
    "similarity": measure_similarity,
    "transfer": measure_transfer,
    "tagging": measure_tagging,
    "probing": measure_probing,
}

Status = Literal["reproduced", "off", "not run"]


@dataclass(frozen=True, slots=True)
class ReproducedFigure:
    """One printed figure, and the ``measured`` one; None where it was not run, for a ``reason``."""

    row: str
    data: str
    expected: float
    measured: float | None
    tolerance: float
    reason: str = ""

    @property
    def status(self) -> Status:
        if self.measured is None:
            return "not run"
        # Printed figures are rounded themselves.
        close = abs(self.measured - self.expected) <= self.tolerance + 0.005
        return "reproduced" if close else "off"

    def __str__(self) -> str:
        if self.measured is None:
            return f"not run because {self.reason}"
        off = f"off by {self.measured - self.expected:+.2f}".replace("-", "−")
        return f"{self.measured:.2f}, {'reproduced' if self.status == 'reproduced' else off}"


def reproduce(
    preset: Preset,
    folder: Path,
    load: Callable[[], Model],
    *,
    precision: Precision = "exact",
) -> Iterator[ReproducedFigure]:
    """Every printed figure in order. ``load`` is called once, if any row can be run."""
    model: Model | str | None = None
    for row in preset.rows:
        for data, expected in row.expected.items():
            measured, reason = None, row.reason
            path = find_data(folder, data)
            if row.readout is None:
                pass
            elif path is None:
                reason = f"there is no {' or '.join(DATA_PATHS[data])} in {folder}"
            else:
                model = _try_load(load) if model is None else model
                if isinstance(model, str):
                    reason = model
                else:
                    measure = MEASURES[preset.kind]
                    run = partial(measure, model, path, data, row, precision)
                    measured, reason = _try_measure(run)
            yield ReproducedFigure(row.name, data, expected, measured, preset.tolerance, reason)


def _try_load(load: Callable[[], Model]) -> Model | str:
    try:
        return load()
    except PoolwiseError as error:
        return str(error).splitlines()[0]


def _try_measure(measure: Callable[[], float]) -> tuple[float | None, str]:
    try:
        return measure(), ""
    except PoolwiseError as error:
        # Some advice is about options, of which a published protocol has none.
        clauses = str(error).splitlines()[0].split("; ")
        return None, "; ".join(clause for clause in clauses if "--" not in clause)
