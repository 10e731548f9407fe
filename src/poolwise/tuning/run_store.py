"""What lies on disk of a comparison: every training and probe that has ended, and checkpoints.

runs/<digest>.json         a trial or a probe; the digest is over all that it depends on
runs/<digest>.training/    what a training under way can go on from
runs/<digest>.checkpoint/  the best on dev of trainings that differ by their seed alone, while it is
                           not the one reported
checkpoints/<readout>/     of each readout, that of the training reported last
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from poolwise.encoders.modules.modules import POOLWISE_JSON
from poolwise.errors import StoreError
from poolwise.files import atomic_write, clear_leftovers, os_errors_as, remove_folder, sync_path
from poolwise.model import Model
from poolwise.tuning.checkpoint import write_checkpoint
from poolwise.tuning.module import ReadoutClassifier
from poolwise.tuning.records import Frozen, Recipe, Setting, Trial
from poolwise.tuning.task import Task
from poolwise.tuning.trainable_readout import Tunable
from poolwise.version import __version__

FORMAT = 2

Found = TypeVar("Found")


def materials(model: Model, task: Task) -> dict[str, Any]:
    """What every training and every probe of a comparison depends on: its fingerprint.

    The texts and what is to be told of them count as they are, not by the name or hash of a file.
    """
    parts = (task.splits.train, task.splits.dev, task.splits.test, task.choosing)
    return {
        "format": FORMAT,
        "poolwise": __version__,
        "model": model.hash,
        "max_length": model.max_length,
        "prompt": model.prompt_provenance(),
        "kind": task.kind,
        "texts": _digest([text.encode("utf-8", "surrogatepass") for text in task.texts]),
        "labels": _digest([label.encode() for label in task.output_space.labels]),
        "targets": _digest([str(task.targets.dtype).encode(), task.targets.tobytes()]),
        "parts": _digest([np.asarray(rows, np.int64).tobytes() for rows in parts]),
    }


def _digest(parts: Iterable[bytes]) -> str:
    """SHA-256 of bytes in this order, each kept apart from the next by its length."""
    digest = sha256()
    for part in parts:
        digest.update(f"{len(part)} ".encode() + part)
    return digest.hexdigest()


@dataclass(frozen=True)
class Kept:
    """``folder`` may be None: then nothing is kept. ``of`` is what ``materials`` gave. Checkpoints
    are those of trainings with as many rows as the ``largest`` size has.

    Several comparisons may share a folder. Each finds what is its own, and nothing else: runs by
    their digest, checkpoints by what they tell of their making.

    Raises StoreError for what cannot be read or written.
    """

    folder: Path | None
    of: Mapping[str, Any]
    recipe: Recipe
    largest: int

    def provenance(self, setting: Setting) -> dict[str, Any]:
        """All that a training depends on. Which other rates are tried is not part of it."""
        recipe = {name: value for name, value in asdict(self.recipe).items() if name != "rates"}
        return {**self.of, "recipe": recipe, "setting": asdict(setting)}

    def clear(self) -> None:
        """Remove what a killed comparison was about to write here, and states of trainings that
        have ended."""
        if self.folder is None:
            return
        for place in ("runs", "checkpoints"):
            clear_leftovers(self.folder / place)
        for state in self.folder.glob("runs/*.training"):
            if state.with_suffix(".json").exists():
                remove_folder(state)

    def state(self, setting: Setting) -> Path | None:
        """Where a training leaves what it can go on from."""
        path = self._run(self.provenance(setting))
        if path is None:
            return None
        _folder(path.parent)
        return path.with_suffix(".training")

    def trial(self, setting: Setting) -> Trial | None:
        """What came of this training, if it has ended before."""

        def read(found: dict[str, Any]) -> Trial:
            del found["made"]
            scores = np.array(found.pop("scores"), np.float64)
            return Trial(setting=setting, scores=scores, **found)

        return self._read(self._run(self.provenance(setting)), read)

    def keep(self, trial: Trial) -> None:
        found = asdict(trial)
        made = self.provenance(trial.setting)
        del found["setting"]
        self._write(self._run(made), {"made": made, **found, "scores": trial.scores.tolist()})
        if state := self.state(trial.setting):
            remove_folder(state)

    def probe(self, asked: Tunable, n: int, seed: int) -> Frozen | None:
        """What came of this probe of the readout before any training, if it has ended before."""
        path = self._run(self._probed(asked, n, seed))
        return self._read(
            path, lambda found: Frozen(asked.spec, n, seed, np.array(found["scores"], np.float64))
        )

    def keep_probe(self, probe: Frozen, asked: Tunable) -> None:
        made = self._probed(asked, probe.n, probe.seed)
        self._write(self._run(made), {"made": made, "scores": probe.scores.tolist()})

    def keep_checkpoint(self, trial: Trial, module: ReadoutClassifier, model: Model) -> None:
        """Write the module, unless a better one is kept that differs by its seed alone.

        Better on dev, and of equals the smaller seed: so whichever ends first, the same one stays.
        It is put aside: ``checkpoint`` shows it when the comparison is over.
        """
        if self.folder is None or trial.setting.tried or trial.setting.n < self.largest:
            return
        made = self.provenance(trial.setting)
        aside = self._aside(made)
        for place in (self._shown(trial.setting.readout), aside):
            there = self._about(place)
            if there and self._aside(there) == aside and _merit(there) >= merit(trial):
                return
        _folder(aside.parent)
        write_checkpoint(module, model, aside, provenance={**made, "dev": trial.dev}, replace=True)

    def checkpoint(self, trial: Trial) -> Path | None:
        """The folder checkpoints/READOUT, which from now on holds what came of this training.

        Another comparison's is put aside until that one is asked for again. None where this one's
        is nowhere, as after somebody has deleted it; then nothing is in its place.
        """
        if self.folder is None:
            return None
        made = self.provenance(trial.setting)
        shown, aside = self._shown(trial.setting.readout), self._aside(made)
        if _of(self._about(shown)) == made:
            return shown
        with os_errors_as(shown):
            self._make_room(shown, aside)
            if _of(self._about(aside)) != made:
                remove_folder(aside)
                return None
            shown.parent.mkdir(parents=True, exist_ok=True)
            aside.rename(shown)
            sync_path(shown.parent)
        return shown

    def check_source(self, source: Path, readouts: Iterable[str]) -> None:
        """Raises StoreError where the model that is tuned lies where a checkpoint is to be."""
        for readout in readouts if self.folder else ():
            if source.resolve().is_relative_to(self._shown(readout).resolve()):
                raise StoreError(
                    f"{self._shown(readout)} holds the model that is tuned; choose another folder "
                    "for what comes of it"
                )

    def _make_room(self, shown: Path, aside: Path) -> None:
        """What poolwise did not write there stays, and is in the way."""
        if there := self._about(shown):
            own = self._aside(there)
            remove_folder(own if own != aside else shown)
            if own != aside:
                own.parent.mkdir(parents=True, exist_ok=True)
                shown.rename(own)

    def _shown(self, readout: str) -> Path:
        assert self.folder is not None
        # A colon, of concat(-4:-1), is no part of a name everywhere.
        return self.folder / "checkpoints" / re.sub(r"[^\w@.,=()\[\]+-]", "_", readout)

    def _aside(self, made: Mapping[str, Any]) -> Path:
        """One place for all trainings that differ by their seed alone."""
        setting = {**made.get("setting", {}), "seed": None}
        return self._named({**_of(made), "setting": setting}, ".checkpoint")

    def _about(self, folder: Path) -> dict[str, Any]:
        """What is told of a checkpoint's making; nothing of one that is not there, or not ours."""
        about = self._read(folder / POOLWISE_JSON, lambda found: dict(found["made"]))
        return about or {}

    def _probed(self, asked: Tunable, n: int, seed: int) -> dict[str, Any]:
        return {**self.of, "frozen": str(asked.readout), "n": n, "seed": seed}

    def _run(self, made: Mapping[str, Any]) -> Path | None:
        return self._named(made, ".json") if self.folder else None

    def _named(self, made: Mapping[str, Any], suffix: str) -> Path:
        assert self.folder is not None
        digest = sha256(json.dumps(made, sort_keys=True).encode()).hexdigest()[:32]
        return self.folder / "runs" / f"{digest}{suffix}"

    def _read(self, path: Path | None, made: Callable[[dict[str, Any]], Found]) -> Found | None:
        if path is None:
            return None
        try:
            return made(json.loads(path.read_text("utf-8")))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StoreError(
                f"{path}: not what a training wrote there ({error}); delete it, and what it held "
                "is computed again"
            ) from error

    def _write(self, path: Path | None, found: Mapping[str, Any]) -> None:
        if path is None:
            return
        _folder(path.parent)
        with atomic_write(path) as file:
            file.write(json.dumps(found, indent=1).encode())


def _folder(path: Path) -> None:
    with os_errors_as(path):
        path.mkdir(parents=True, exist_ok=True)


def merit(trial: Trial) -> tuple[float, int]:
    """Which training of the same rate is the best, the largest first."""
    return trial.dev, -trial.setting.seed


def _merit(about: Mapping[str, Any]) -> tuple[float, int]:
    return about["dev"], -about["setting"]["seed"]


def _of(about: Mapping[str, Any]) -> dict[str, Any]:
    """All that a training depended on, of what its checkpoint tells."""
    return {name: value for name, value in about.items() if name != "dev"}
