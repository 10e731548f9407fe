"""Each step of a job that changes the disk, made to fail: an error that says so, only whole files,
and --resume makes the same bytes.

Each fails in one of two ways; ``POOLWISE_FAULTS=all``: in both.
"""

from __future__ import annotations

import builtins
import errno
import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import poolwise
from poolwise.errors import StoreError
from poolwise.jobs.folder import JobFolder
from poolwise.readouts import parse
from poolwise.transforms.fitted_readout import FittedReadout

ALL = os.environ.get("POOLWISE_FAULTS") == "all"
STEPS = ("fsync", "link", "rename", "replace", "mkdir", "open")


class Faults:
    """Counts steps under ``place``; the one numbered ``fatal`` fails, and where it is to
    ``persist`` (a full disk, one that has gone) each one after it."""

    def __init__(self, place: Path, fatal: int | None, persist: bool) -> None:
        self.steps = 0
        self.failed = ""
        self._place, self._fatal, self._persist = str(place), fatal, persist

    def install(self, patch: pytest.MonkeyPatch) -> None:
        for name in STEPS:
            patch.setattr(os, name, self._counted(name, getattr(os, name)))
        opening = self._opening(io.open)
        patch.setattr(io, "open", opening)
        patch.setattr(builtins, "open", opening)

    def _step(self, what: str) -> None:
        number, self.steps = self.steps, self.steps + 1
        if self._fatal is None or number < self._fatal:
            return
        if number == self._fatal or self._persist:
            self.failed = self.failed or what
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _counted(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*args: Any, **options: Any) -> Any:
            inside = name == "fsync" or str(args[0]).startswith(self._place)
            if name == "open":
                inside = inside and bool(args[1] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))
            if inside:
                self._step(f"{name} {args[0]}")
            return call(*args, **options)

        return counted

    def _opening(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def opening(file: Any, mode: str = "r", *args: Any, **options: Any) -> Any:
            if not ({*mode} & {*"wxa+"} and str(file).startswith(self._place)):
                return call(file, mode, *args, **options)
            self._step(f"open {file}")
            opened = call(file, mode, *args, **options)
            write = opened.write

            def writing(content: Any) -> int:
                self._step(f"write {file}")
                return write(content)

            opened.write = writing
            return opened

        return opening


@pytest.fixture(scope="module")
def asked(tiny, tmp_path_factory):
    """Three parts, of which two have rejected rows; a fitted step."""
    folder = tmp_path_factory.mktemp("faults")
    texts = [f'"the cat {n}"' if n % 4 else "null" for n in range(8)] + ['"a dog"'] * 4
    (folder / "in.jsonl").write_text("".join(f'{{"text": {text}}}\n' for text in texts))
    model = poolwise.load(tiny("bert"))
    fitted = model.fit([f"a {n} dog {n * n}" for n in range(20)], "mean@-1|whiten(4)")
    made = {"model_hash": model.hash}
    FittedReadout(parse("mean@-1|whiten(4)"), fitted, made).save(folder / "readout.toml")
    return {
        "model": model, "inputs": str(folder / "in.jsonl"),
        "readouts": str(folder / "readout.toml"), "part_rows": 4,
    }  # fmt: skip


def embed(asked, output: Path, fatal: int | None, persist: bool) -> tuple[Faults, Exception | None]:
    """What was done, and how it ended."""
    faults = Faults(output, fatal, persist)
    with pytest.MonkeyPatch.context() as patch:
        faults.install(patch)
        try:
            poolwise.embed_corpus(**asked, output=output, resume=True)
        except Exception as error:
            return faults, error
    return faults, None


@pytest.mark.parametrize("persist", [False, True], ids=["once", "from then on"])
def test_whichever_step_fails(asked, small_corpus, tmp_path, persist):
    steps = embed(asked, tmp_path / "whole", None, persist)[0].steps
    whole = small_corpus.files(tmp_path / "whole")
    assert steps > 50
    wrong = []
    for fatal in range(0 if ALL else int(persist), steps, 1 if ALL else 2):
        output = tmp_path / f"out-{fatal}"
        faults, error = embed(asked, output, fatal, persist)
        found = []
        left = small_corpus.files(output)
        if error is None and faults.failed == f"mkdir {JobFolder(output).readouts}":
            assert left == whole  # it was there, and was to be made if it was not
        elif not (isinstance(error, StoreError) and "No space left on device" in str(error)):
            found.append(repr(error))
        found += [name for name in left if left[name] != whole.get(name)]
        poolwise.embed_corpus(**asked, output=output, resume=True)
        if (left := small_corpus.files(output)) != whole:
            found.append(f"then {left.keys() ^ whole.keys()} differ")
        wrong += [f"{fatal} {faults.failed}: {what}" for what in found]
    assert not wrong, "\n".join(wrong)
