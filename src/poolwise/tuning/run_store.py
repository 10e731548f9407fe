"""The folder of a comparison: finished trainings and probes, which are not computed again.

runs/<digest>.json         a result or a probe; the digest is over all that it depends on
runs/<digest>.training/    the checkpoint from which an interrupted training resumes
runs/<digest>.checkpoint/  and
checkpoints/<readout>/     see ``CheckpointStore``
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from poolwise.encoders.provenance import prompt_provenance
from poolwise.files import clear_leftovers, remove_folder
from poolwise.model import Model
from poolwise.tuning.checkpoint_store import CheckpointStore
from poolwise.tuning.classifier_module import ReadoutClassifier
from poolwise.tuning.records import FrozenProbe, TrainingOptions, TrainingResult, TrainingRun
from poolwise.tuning.run_files import make_folder, read_json, run_path, write_json
from poolwise.tuning.task import TuningTask
from poolwise.tuning.trainable_readout import TrainableReadout
from poolwise.version import __version__

FORMAT = 2


def fingerprint(model: Model, task: TuningTask) -> dict[str, Any]:
    """All that every training and probe of a comparison depends on, as plain data.

    Texts and targets count by their content, not by the name or hash of a file.
    """
    splits = (task.splits.train, task.splits.dev, task.splits.test, task.dev_sample)
    return {
        "format": FORMAT,
        "poolwise": __version__,
        "model": model.hash,
        "max_length": model.max_length,
        "prompt": prompt_provenance(model),
        "kind": task.kind,
        "texts": _digest([text.encode("utf-8", "surrogatepass") for text in task.texts]),
        "labels": _digest([label.encode() for label in task.output_space.labels]),
        "targets": _digest([str(task.targets.dtype).encode(), task.targets.tobytes()]),
        "parts": _digest([np.asarray(rows, np.int64).tobytes() for rows in splits]),
    }


def _digest(chunks: Iterable[bytes]) -> str:
    """SHA-256 of the chunks in this order, each preceded by its length."""
    digest = sha256()
    for chunk in chunks:
        digest.update(f"{len(chunk)} ".encode() + chunk)
    return digest.hexdigest()


@dataclass(frozen=True)
class RunStore:
    """Results, probes and checkpoints in ``folder``; None: nothing is saved.

    ``fingerprint`` is that of the model and the task. Checkpoints are saved of trainings on
    ``largest_size`` rows. Several comparisons may share a folder; each finds its own runs by their
    digest. Raises StoreError for what cannot be read or written.
    """

    folder: Path | None
    fingerprint: Mapping[str, Any]
    options: TrainingOptions
    largest_size: int

    def run_key(self, run: TrainingRun) -> dict[str, Any]:
        """All that a training depends on. Which other rates are tried is not part of it."""
        options = self.options.to_json()
        del options["rates"]
        return {**self.fingerprint, "recipe": options, "setting": run.to_json()}

    def clear(self) -> None:
        """Remove partial files of a killed comparison, and what finished trainings resume from."""
        if self.folder is None:
            return
        for place in ("runs", "checkpoints"):
            clear_leftovers(self.folder / place)
        for path in self.folder.glob("runs/*.training"):
            if path.with_suffix(".json").exists():
                remove_folder(path)

    def resume_folder(self, run: TrainingRun) -> Path | None:
        """Where a training leaves a checkpoint to resume from; its parent is created."""
        path = self._path(self.run_key(run))
        if path is None:
            return None
        make_folder(path.parent)
        return path.with_suffix(".training")

    def load_result(self, run: TrainingRun) -> TrainingResult | None:
        """The result of a training that is finished, or None."""

        def build(values: dict[str, Any]) -> TrainingResult:
            return TrainingResult(
                run=run,
                dev_score=values["dev"],
                test_scores=np.array(values["scores"], np.float64),
                learned_readout=values["final"],
                best_epoch=values["epoch"],
                epochs=values["epochs"],
                seconds=values["seconds"],
            )

        path = self._path(self.run_key(run))
        return None if path is None else read_json(path, build)

    def save_result(self, result: TrainingResult) -> None:
        key = self.run_key(result.run)
        values = {
            "made": key,
            "dev": result.dev_score,
            "scores": result.test_scores.tolist(),
            "final": result.learned_readout,
            "epoch": result.best_epoch,
            "epochs": result.epochs,
            "seconds": result.seconds,
        }
        if path := self._path(key):
            write_json(path, values)
        if folder := self.resume_folder(result.run):
            remove_folder(folder)

    def load_probe(self, trainable: TrainableReadout, n: int, seed: int) -> FrozenProbe | None:
        """The probe of the initial readout, if it is finished, or None."""

        def build(values: dict[str, Any]) -> FrozenProbe:
            return FrozenProbe(trainable.spec, n, seed, np.array(values["scores"], np.float64))

        path = self._path(self._probe_key(trainable, n, seed))
        return None if path is None else read_json(path, build)

    def save_probe(self, probe: FrozenProbe, trainable: TrainableReadout) -> None:
        key = self._probe_key(trainable, probe.n, probe.seed)
        if path := self._path(key):
            write_json(path, {"made": key, "scores": probe.test_scores.tolist()})

    def save_checkpoint(
        self, result: TrainingResult, module: ReadoutClassifier, model: Model
    ) -> None:
        """Of a training on the most rows; see ``CheckpointStore.save``."""
        run = result.run
        if self.folder is not None and not run.rate_trial and run.n >= self.largest_size:
            CheckpointStore(self.folder).save(result, self.run_key(run), module, model)

    def publish_checkpoint(self, result: TrainingResult) -> Path | None:
        """See ``CheckpointStore.publish``."""
        if self.folder is None:
            return None
        return CheckpointStore(self.folder).publish(result, self.run_key(result.run))

    def check_source(self, source: Path, readouts: Iterable[str]) -> None:
        """Raises StoreError where the model that is tuned lies where a checkpoint is to be."""
        if self.folder is not None:
            CheckpointStore(self.folder).check_source(source, readouts)

    def _probe_key(self, trainable: TrainableReadout, n: int, seed: int) -> dict[str, Any]:
        return {**self.fingerprint, "frozen": str(trainable.initial), "n": n, "seed": seed}

    def _path(self, key: Mapping[str, Any]) -> Path | None:
        return None if self.folder is None else run_path(self.folder, key, ".json")
