"""Figures of BERT's table 7: entity F1 of a mix of layers under a BiLSTM."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from poolwise.errors import StudyError
from poolwise.model import Model
from poolwise.records import Precision
from poolwise.reproduction.data_paths import DATA_PATHS
from poolwise.reproduction.presets import PublishedRow
from poolwise.studies.study import Context
from poolwise.studies.tagging import Tagging
from poolwise.texts import open_tags

RESTARTS = 5


def measure_tagging(
    model: Model, path: Path, data: str, row: PublishedRow, precision: Precision
) -> float:
    """F1 x 100 on the file of dev. Raises StudyError without that file."""
    dev = path.with_name(Path(DATA_PATHS[f"{data} dev"][0]).name)
    if not dev.exists():
        raise StudyError(f"{dev.name} is not beside {path}")
    return 100 * _mix_scores(model, path, dev, precision)[str(row.readout)]


@lru_cache(maxsize=1)
def _mix_scores(model: Model, train: Path, dev: Path, precision: Precision) -> Mapping[str, float]:
    """F1 of every mix, from one run for all rows of the table."""
    study = Tagging(open_tags(str(train), test=str(dev)), restarts=RESTARTS, heads=["bilstm"])
    (finding,) = study.run(Context(model, precision, progress=True))
    return {
        str(number.where["features"]): number.value
        for number in finding.numbers
        if number.where.get("part") == "test" and number.value is not None
        if number.name == "entity F1"
    }
