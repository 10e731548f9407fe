"""A file and the one that tells of it: never those of two runs together."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from poolwise.errors import StoreError
from poolwise.files import AtomicFile, publish_pair
from poolwise.readouts import parse
from poolwise.transforms.fitted_readout import FittedReadout


def publish(folder: Path, held: str, *, overwrite: bool) -> None:
    files = [AtomicFile(folder / name, overwrite) for name in ("content", "about")]
    try:
        for file in files:
            file.file.write(held.encode())
        publish_pair(*files)
    finally:
        for file in files:
            file.discard()


def held(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


@pytest.mark.parametrize("step", range(6))
@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_an_interruption_leaves_both_or_none(tmp_path, monkeypatch, step, error):
    """At each rename, link and removal; where the old ones are gone, the new ones are there."""
    steps = 0

    def interrupted(call):
        def counted(*args, **kw):
            nonlocal steps
            steps += 1
            if steps == step + 1:
                raise error
            return call(*args, **kw)

        return counted

    for overwrite in (False, True):
        for name in ("link", "replace", "unlink"):
            monkeypatch.setattr(os, name, interrupted(getattr(os, name)))
        try:
            publish(tmp_path, "new", overwrite=overwrite)
            ended = True
        except error:
            ended = False
        monkeypatch.undo()
        both = [{"content": text, "about": text} for text in ("old", "new")]
        assert held(tmp_path) in ([both[1]] if ended else [{}, *both])
        for path in tmp_path.iterdir():
            path.unlink()
        publish(tmp_path, "old", overwrite=False)
        steps = 0


@pytest.mark.parametrize("name", ["content", "about"])
def test_what_appeared_meanwhile_stays_alone(tmp_path, monkeypatch, name):
    fsync = os.fsync

    def meanwhile(descriptor):
        (tmp_path / name).write_text("somebody else's")
        return fsync(descriptor)

    monkeypatch.setattr(os, "fsync", meanwhile)
    with pytest.raises(StoreError, match="exists"):
        publish(tmp_path, "new", overwrite=False)
    assert held(tmp_path) == {name: "somebody else's"}


def test_a_full_disk_leaves_the_readout_that_was_chosen_before(tmp_path, monkeypatch):
    path = tmp_path / "readout.toml"
    FittedReadout(parse("cls@2")).save(path)
    before = held(tmp_path)

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match="No space left"):
        FittedReadout(parse("mean@2")).save(path)
    assert held(tmp_path) == before
