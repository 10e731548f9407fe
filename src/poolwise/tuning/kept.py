"""What lies on disk of a comparison: every training and probe that has ended, and checkpoints.

runs/<digest>.json        a trial or a probe; the digest is over all that it depends on
runs/<digest>.training/   what a training under way can go on from
checkpoints/<readout>/    of each readout, the best on dev of those with the most rows
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from poolwise import __version__
from poolwise.encoders.modules import ABOUT
from poolwise.errors import StoreError
from poolwise.model import Model
from poolwise.stores.atomic import refusals_told, written_whole
from poolwise.tuning.checkpoint import write_checkpoint
from poolwise.tuning.module import ReadoutClassifier
from poolwise.tuning.task import Task
from poolwise.tuning.trials import Frozen, Recipe, Setting, Trial
from poolwise.tuning.tunable import Tunable

FORMAT = 1

_MATERIALS = ("format", "model", "max_length", "task", "kind", "parts")

Found = TypeVar("Found")


def materials(model: Model, task: Task) -> dict[str, Any]:
    """What every training and every probe of a comparison depends on."""
    digest = sha256()
    for rows in (task.parts.train, task.parts.dev, task.parts.test, task.choosing):
        digest.update(f"{len(rows)} ".encode() + np.asarray(rows, np.int64).tobytes())
    values = (FORMAT, model.hash, model.max_length, task.hash, task.kind, digest.hexdigest())
    return dict(zip(_MATERIALS, values, strict=True))


@dataclass(frozen=True)
class Kept:
    """``folder`` may be None: then nothing is kept. ``of`` is what ``materials`` gave. Checkpoints
    are those of trainings with as many rows as the ``largest`` size has.

    Raises StoreError for what cannot be read or written.
    """

    folder: Path | None
    of: Mapping[str, Any]
    recipe: Recipe
    largest: int

    def made(self, setting: Setting) -> dict[str, Any]:
        """All that a training depends on. Which other rates are tried is not part of it."""
        recipe = {name: value for name, value in asdict(self.recipe).items() if name != "rates"}
        return {**self.of, "recipe": recipe, "setting": asdict(setting)}

    def state(self, setting: Setting) -> Path | None:
        """Where a training leaves what it can go on from."""
        path = self._run(self.made(setting))
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

        return self._read(self._run(self.made(setting)), read)

    def keep(self, trial: Trial) -> None:
        found = asdict(trial)
        made = self.made(trial.setting)
        del found["setting"]
        self._write(self._run(made), {"made": made, **found, "scores": trial.scores.tolist()})
        if state := self.state(trial.setting):
            shutil.rmtree(state, ignore_errors=True)

    def probe(self, asked: Tunable, n: int, seed: int) -> Frozen | None:
        """What came of this probe of the readout before any training, if it has ended before."""
        path = self._run(self._probed(asked, n, seed))
        return self._read(
            path, lambda found: Frozen(asked.spec, n, seed, np.array(found["scores"], np.float64))
        )

    def keep_probe(self, probe: Frozen, asked: Tunable) -> None:
        made = self._probed(asked, probe.n, probe.seed)
        self._write(self._run(made), {"made": made, "scores": probe.scores.tolist()})

    def checkpoint(self, readout: str) -> Path | None:
        """The folder of a readout's best training of the largest size, if there is one."""
        folder = self._checkpoint(readout)
        there = self._about(folder) if folder else {}
        wanted = self.made(Setting(readout, self.largest, 0, 0.0))
        return folder if _compared(there) == _compared(wanted) else None

    def keep_checkpoint(self, trial: Trial, module: ReadoutClassifier, model: Model) -> None:
        """Write the module, unless a better one of the same comparison lies there.

        On dev, and of equals the one of the smaller rate, then of the smaller seed: so whichever
        ends first, the same one stays.
        """
        folder = self._checkpoint(trial.setting.readout)
        if folder is None or trial.setting.tried or trial.setting.n < self.largest:
            return
        made = {**self.made(trial.setting), "dev": trial.dev, "poolwise": __version__}
        there = self._about(folder)
        if _compared(there) == _compared(made) and _merit(there) >= _merit(made):
            return
        _folder(folder.parent)
        write_checkpoint(module, model, folder, made=made, replace=True)

    def _checkpoint(self, readout: str) -> Path | None:
        # A colon, of concat(-4:-1), is no part of a name everywhere.
        name = re.sub(r"[^\w@.,=()\[\]+-]", "_", readout)
        return self.folder / "checkpoints" / name if self.folder else None

    def _about(self, folder: Path) -> dict[str, Any]:
        """What is told of a checkpoint's making; nothing of one that is not there, or not ours."""
        about = self._read(folder / ABOUT, lambda found: dict(found["made"]))
        return about or {}

    def _probed(self, asked: Tunable, n: int, seed: int) -> dict[str, Any]:
        return {**self.of, "frozen": str(asked.readout), "n": n, "seed": seed}

    def _run(self, made: Mapping[str, Any]) -> Path | None:
        if self.folder is None:
            return None
        digest = sha256(json.dumps(made, sort_keys=True).encode()).hexdigest()[:32]
        return self.folder / "runs" / f"{digest}.json"

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
        with written_whole(path) as file:
            file.write(json.dumps(found, indent=1).encode())


def _folder(path: Path) -> None:
    with refusals_told(path):
        path.mkdir(parents=True, exist_ok=True)


def _compared(made: Mapping[str, Any]) -> dict[str, Any]:
    """What trainings have in common of which the best is wanted: all but rate and seed."""
    setting = made.get("setting", {})
    same = {name: made.get(name) for name in (*_MATERIALS, "recipe")}
    return {**same, "readout": setting.get("readout"), "n": setting.get("n")}


def _merit(made: Mapping[str, Any]) -> tuple[float, float, int]:
    return made["dev"], -made["setting"]["rate"], -made["setting"]["seed"]
