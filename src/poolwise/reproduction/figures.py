"""Running a preset: each published figure, measured where the checkpoint and the data exist."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Literal, Protocol, TypeVar

from poolwise.errors import PoolwiseError
from poolwise.model import Model
from poolwise.records import Precision
from poolwise.reproduction.data_paths import DataFolder
from poolwise.reproduction.presets import Preset, PresetKind, PublishedRow
from poolwise.reproduction.probing import measure_probing, read_probing
from poolwise.reproduction.scored_pairs import read_pairs
from poolwise.reproduction.similarity import measure_similarity
from poolwise.reproduction.tagging import measure_tagging, read_tagging
from poolwise.reproduction.transfer import measure_transfer
from poolwise.reproduction.transfer_tasks import read_task

Result = TypeVar("Result")


class Data(Protocol):
    """What a figure is measured on."""

    @property
    def difference(self) -> str:
        """How it differs from what published figures are of; empty if it does not."""
        ...


@dataclass(frozen=True, slots=True)
class Procedure:
    """``read``: folder, name of the data, row → data. ``measure``: model, data, row, precision →
    the figure, x 100. Both raise PoolwiseError, whose message is the reason of "not run"."""

    read: Callable[[DataFolder, str, PublishedRow], Data]
    measure: Callable[[Model, Any, PublishedRow, Precision], float]


PROCEDURES: Mapping[PresetKind, Procedure] = {
    "similarity": Procedure(
        lambda folder, data, row: read_pairs(folder, data, fitted_on_all=row.fitted_on_all),
        measure_similarity,
    ),
    "transfer": Procedure(lambda folder, data, _: read_task(folder, data), measure_transfer),
    "tagging": Procedure(lambda folder, data, _: read_tagging(folder, data), measure_tagging),
    "probing": Procedure(lambda folder, data, _: read_probing(folder, data), measure_probing),
}

Status = Literal["reproduced", "off", "not comparable", "not run"]


@dataclass(frozen=True, slots=True)
class ReproducedFigure:
    """One printed figure, and the ``measured`` one; None where it was not run, for a ``reason``.

    A measured figure with a ``reason`` is of other data than the printed one.
    """

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
        if self.reason:
            return "not comparable"
        # Printed figures are rounded themselves.
        close = abs(self.measured - self.expected) <= self.tolerance + 0.005
        return "reproduced" if close else "off"

    def __str__(self) -> str:
        if self.measured is None:
            return f"not run because {self.reason}"
        if self.reason:
            return f"{self.measured:.2f}, not comparable: {self.reason}"
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
    data_folder = DataFolder(folder)
    procedure = PROCEDURES[preset.kind]
    cached_load = lru_cache(maxsize=1)(partial(_attempt, load))
    for row in preset.rows:
        for name, expected in row.expected.items():
            measured, reason = None, row.reason
            if row.readout is not None:
                data, reason = _attempt(partial(procedure.read, data_folder, name, row))
                if data is not None:
                    model, reason = cached_load()
                    if model is not None:
                        run = partial(procedure.measure, model, data, row, precision)
                        measured, reason = _attempt(run)
                        reason = reason or data.difference
            yield ReproducedFigure(row.name, name, expected, measured, preset.tolerance, reason)


def _attempt(call: Callable[[], Result]) -> tuple[Result | None, str]:
    """What the call returns; or None, and why it fails."""
    try:
        return call(), ""
    except PoolwiseError as error:
        # Some advice is about options, of which a published protocol has none.
        clauses = str(error).splitlines()[0].split("; ")
        return None, "; ".join(clause for clause in clauses if "--" not in clause)
