"""The checkpoints in the folder of a comparison.

checkpoints/<readout>/     of each readout, the checkpoint of the comparison that ended last
runs/<digest>.checkpoint/  an unpublished one: the best on dev of trainings that differ by their
                           seed alone
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from poolwise.encoders.modules.modules import POOLWISE_JSON
from poolwise.errors import StoreError
from poolwise.files import os_errors_as, remove_folder, sync_path
from poolwise.model import Model
from poolwise.tuning.checkpoint import write_checkpoint
from poolwise.tuning.classifier_module import ReadoutClassifier
from poolwise.tuning.records import TrainingResult
from poolwise.tuning.run_files import make_folder, read_json, run_path

Key = Mapping[str, Any]
"""All that a training depends on, as plain data."""


@dataclass(frozen=True)
class CheckpointStore:
    """Checkpoints of a comparison in ``folder``, which several comparisons may share.

    A checkpoint is recognised by the key in its provenance. Raises StoreError for what cannot be
    read or written.
    """

    folder: Path

    def save(
        self, result: TrainingResult, key: Key, module: ReadoutClassifier, model: Model
    ) -> None:
        """Write the module unpublished, unless a better one that differs by its seed alone exists.

        Better on dev, and of equals the smaller seed: so the same one stays in whatever order they
        end.
        """
        unpublished = self._unpublished(key)
        for path in (self._published(result.run.readout), unpublished):
            provenance = _provenance(path)
            same = provenance and self._unpublished(_key(provenance)) == unpublished
            if same and _saved_merit(provenance) >= merit(result):
                return
        make_folder(unpublished.parent)
        provenance = {**key, "dev": result.dev_score}
        write_checkpoint(module, model, unpublished, provenance=provenance, replace=True)

    def publish(self, result: TrainingResult, key: Key) -> Path | None:
        """Moves the checkpoint of ``result`` to checkpoints/READOUT, and returns its path.

        Another comparison's checkpoint that lies there is moved back to runs. None where the
        checkpoint of ``result`` does not exist, as after somebody has deleted it; then
        checkpoints/READOUT does not exist either.
        """
        published, unpublished = self._published(result.run.readout), self._unpublished(key)
        if _key(_provenance(published)) == key:
            return published
        with os_errors_as(published):
            self._make_room(published, unpublished)
            if _key(_provenance(unpublished)) != key:
                remove_folder(unpublished)
                return None
            published.parent.mkdir(parents=True, exist_ok=True)
            unpublished.rename(published)
            sync_path(published.parent)
        return published

    def check_source(self, source: Path, readouts: Iterable[str]) -> None:
        """Raises StoreError where the model that is tuned lies where a checkpoint is to be."""
        for readout in readouts:
            published = self._published(readout)
            if source.resolve().is_relative_to(published.resolve()):
                raise StoreError(
                    f"{published} holds the model that is tuned; choose another folder "
                    "for what comes of it"
                )

    def _make_room(self, published: Path, unpublished: Path) -> None:
        """A folder that poolwise did not write stays, and publishing fails."""
        if provenance := _provenance(published):
            own = self._unpublished(_key(provenance))
            remove_folder(own if own != unpublished else published)
            if own != unpublished:
                own.parent.mkdir(parents=True, exist_ok=True)
                published.rename(own)

    def _published(self, readout: str) -> Path:
        # Not every file system has colons in names, as of concat(-4:-1).
        return self.folder / "checkpoints" / re.sub(r"[^\w@.,=()\[\]+-]", "_", readout)

    def _unpublished(self, key: Key) -> Path:
        """One path for all trainings that differ by their seed alone."""
        setting = {**key.get("setting", {}), "seed": None}
        return run_path(self.folder, {**key, "setting": setting}, ".checkpoint")


def merit(result: TrainingResult) -> tuple[float, int]:
    """The larger, the better: of trainings at the same rate the best is published."""
    return result.dev_score, -result.run.seed


def _saved_merit(provenance: Mapping[str, Any]) -> tuple[float, int]:
    return provenance["dev"], -provenance["setting"]["seed"]


def _provenance(folder: Path) -> dict[str, Any]:
    """A checkpoint's provenance; empty where there is no checkpoint of poolwise."""
    return read_json(folder / POOLWISE_JSON, lambda about: dict(about["made"])) or {}


def _key(provenance: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in provenance.items() if name != "dev"}
