"""Figures of BERT's table 7: entity F1 of a mix of layers under a BiLSTM."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from poolwise.model import Model
from poolwise.records import Precision
from poolwise.reproduction.data_paths import DataFolder
from poolwise.reproduction.presets import PublishedRow
from poolwise.studies.study import Context
from poolwise.studies.tagging import Tagging
from poolwise.texts import open_tags

RESTARTS = 5


@dataclass(frozen=True, slots=True)
class TaggingFiles:
    """The files of the sentences to train and to test on."""

    train: Path
    dev: Path
    difference: str = ""


def read_tagging(folder: DataFolder, data: str) -> TaggingFiles:
    """The two files of CoNLL-2003. Raises StudyError where one is not there."""
    train, dev = (folder.require(data, name) for name in ("eng.train", "eng.testa"))
    return TaggingFiles(train, dev)


def measure_tagging(
    model: Model, files: TaggingFiles, row: PublishedRow, precision: Precision
) -> float:
    """F1 x 100 on the file of dev."""
    return 100 * _mix_scores(model, files, precision)[str(row.readout)]


@lru_cache(maxsize=1)
def _mix_scores(model: Model, files: TaggingFiles, precision: Precision) -> Mapping[str, float]:
    """F1 of every mix, from one run for all rows of the table."""
    tags = open_tags(str(files.train), test=str(files.dev))
    study = Tagging(tags, restarts=RESTARTS, heads=["bilstm"])
    (finding,) = study.run(Context(model, precision, progress=True))
    return {
        str(number.where["features"]): number.value
        for number in finding.numbers
        if number.where.get("part") == "test" and number.value is not None
        if number.name == "entity F1"
    }
