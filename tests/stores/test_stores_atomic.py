"""Whole files or none: refusals, interruptions, full disks, kills."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from poolwise.errors import StoreError
from poolwise.records import VectorBatch
from poolwise.stores import create

MEAN = "mean@weights(0.1,0.9)|l2"
SUFFIXES = (".parquet", ".npy", ".safetensors")

WAITING_WRITER = """
import sys
import numpy as np
from poolwise.records import Sentence, VectorBatch
from poolwise.stores import create

none = np.zeros(1000, bool)
batch = VectorBatch(
    [Sentence("a", row) for row in range(1000)],
    {"cls@-1": np.ones((1000, 384), np.float32)}, np.ones(1000, np.int32), none, none, none,
)
with create(sys.argv[1], ["cls@-1"]) as store:
    for _ in range(15):
        store.write(batch)
    print("written", flush=True)
    sys.stdin.read()
"""


@pytest.fixture(params=SUFFIXES)
def target(request, tmp_path) -> Path:
    return tmp_path / f"vectors{request.param}"


def left(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def write(
    target: Path,
    *batches: VectorBatch,
    then: Callable[[], object] | None = None,
    readouts: tuple[str, ...] = (MEAN,),
    **how: bool,
) -> None:
    with create(target, readouts, **how) as store:
        for batch in batches:
            store.write(batch)
        if then is not None:
            then()


def must_not_run() -> None:
    pytest.fail("the block must not run")


def interrupted(*_: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, ValueError, SystemExit])
def test_an_interruption_between_writes_leaves_nothing(make_batch, target, interruption):
    def interrupt() -> None:
        assert not target.exists()
        raise interruption

    with pytest.raises(interruption):
        write(target, make_batch(5), make_batch(6, 5), then=interrupt)
    assert left(target.parent) == []


def test_an_interruption_leaves_what_was_there(make_batch, target):
    target.write_text("precious")
    with pytest.raises(KeyboardInterrupt):
        write(target, make_batch(5), then=interrupted, overwrite=True)
    assert left(target.parent) == [target.name]
    assert target.read_text() == "precious"


@pytest.mark.parametrize("call", ["fsync", "link"])
def test_an_interruption_while_committing_leaves_nothing(make_batch, target, monkeypatch, call):
    monkeypatch.setattr(os, call, interrupted)
    with pytest.raises(KeyboardInterrupt):
        write(target, make_batch(5))
    assert left(target.parent) == []


def test_an_existing_file_is_refused_before_anything_is_done(target):
    target.write_text("precious")
    with pytest.raises(StoreError, match="exists; choose another name, or --force"):
        write(target, then=must_not_run)
    assert target.read_text() == "precious"
    assert left(target.parent) == [target.name]


def test_overwrite(make_batch, target):
    target.write_text("old")
    write(target, make_batch(5), overwrite=True)
    assert target.stat().st_size > 100


def test_a_file_that_appeared_meanwhile_is_kept(make_batch, target):
    with pytest.raises(StoreError, match="exists"):
        write(target, make_batch(5), then=lambda: target.write_text("somebody else's"))
    assert target.read_text() == "somebody else's"
    assert left(target.parent) == [target.name]


def test_a_file_system_without_hard_links(make_batch, target, monkeypatch):
    def no_links(source: Path, link: Path) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_links)
    write(target, make_batch(5))
    assert target.name in left(target.parent)
    assert not [name for name in left(target.parent) if name.endswith(".partial")]


def test_a_link_stays_a_link(make_batch, tmp_path):
    real = tmp_path / "real.npy"
    real.write_text("old")
    link = tmp_path / "link.npy"
    link.symlink_to(real)
    write(link, make_batch(5), overwrite=True)
    assert link.is_symlink()
    assert np.load(real).shape == (5, 4)


def test_permissions_are_the_usual_ones(make_batch, target):
    write(target, make_batch(5))
    usual = target.with_name("usual")
    usual.touch()
    assert target.stat().st_mode == usual.stat().st_mode


def test_what_cannot_be_written_is_refused(tmp_path, target):
    refused = {
        tmp_path / "vectors.txt": "ends with none of .parquet, .npy, .safetensors",
        tmp_path / "nowhere" / target.name: "no folder",
    }
    (tmp_path / f"folder{target.suffix}").mkdir()
    refused[tmp_path / f"folder{target.suffix}"] = "not a regular file"
    for path, message in refused.items():
        with pytest.raises(StoreError, match=message):
            write(path, then=must_not_run, overwrite=True)
    with pytest.raises(StoreError, match="no readouts"):
        write(target, then=must_not_run, readouts=())


def test_a_device_is_never_replaced(tmp_path):
    (tmp_path / "full.npy").symlink_to("/dev/full")
    with pytest.raises(StoreError, match="not a regular file"):
        write(tmp_path / "full.npy", then=must_not_run, overwrite=True)


@pytest.mark.parametrize(
    ("name", "readouts", "with_text", "message"),
    [
        ("a.npy", ("cls@-1", "mean@-1"), False, "found 2 readouts"),
        ("a.npy", ("cls@-1",), True, "holds no texts"),
        ("a.safetensors", ("cls@-1",), True, "holds no texts"),
    ],
)
def test_what_a_format_cannot_hold(tmp_path, name, readouts, with_text, message):
    with pytest.raises(StoreError, match=message):
        write(tmp_path / name, then=must_not_run, readouts=readouts, with_text=with_text)
    assert left(tmp_path) == []


def test_a_sidecar_in_the_way(tmp_path):
    (tmp_path / "a.npy.json").write_text("{}")
    with pytest.raises(StoreError, match=r"a\.npy\.json exists"):
        write(tmp_path / "a.npy", then=must_not_run)
    assert left(tmp_path) == ["a.npy.json"]


def test_no_rows(target, make_batch):
    for batches in ([], [make_batch(0)]):
        with pytest.raises(StoreError, match="no rows came"):
            write(target, *batches)
    assert left(target.parent) == []


@pytest.fixture
def megabyte(make_batch) -> VectorBatch:
    """2,000 rows."""
    return make_batch(2000, width=128)


@pytest.fixture
def file_limit() -> Iterator[None]:
    """No file of this process may exceed 2.5 MB."""
    resource = pytest.importorskip("resource", reason="resource limits are POSIX")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_500_000, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.usefixtures("file_limit")
@pytest.mark.parametrize("gathered", [1 << 20, 1 << 24])
def test_a_file_size_limit(target, megabyte, monkeypatch, gathered):
    monkeypatch.setattr("poolwise.stores.parquet_output._ROW_GROUP", gathered)
    with pytest.raises(StoreError, match=r"File too large, when \d+ rows had been written"):
        write(target, *[megabyte] * 6)
    assert left(target.parent) == []


@pytest.fixture
def small_disk(mounted):
    """A file system of 4 MB."""
    return mounted("4m")


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("batches", [3, 6], ids=["at the end", "on the way"])
def test_a_full_disk(small_disk, suffix, batches, megabyte, monkeypatch):
    monkeypatch.setattr("poolwise.stores.parquet_output._ROW_GROUP", 1 << 20)
    (small_disk / "other").write_bytes(bytes(1_150_000))
    with pytest.raises(StoreError, match=r"No space left on device, when \d+ rows had been"):
        write(small_disk / f"vectors{suffix}", *[megabyte] * batches)
    assert left(small_disk) == ["other"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="has no /dev/full")
def test_a_full_device(target, megabyte, monkeypatch):
    """The kernel's own ENOSPC, without privileges: the temporary file is /dev/full."""
    opened = Path.open

    def full(path: Path, mode: str = "r"):
        if path.suffix != ".partial":
            return opened(path, mode)
        path.touch()
        return opened(Path("/dev/full"), "r+b")

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(StoreError, match=r"No space left on device, when \d+ rows"):
        write(target, megabyte, megabyte)
    assert left(target.parent) == []


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is POSIX")
def test_a_kill_leaves_nothing_under_the_name(target):
    command = [sys.executable, "-c", WAITING_WRITER, str(target)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"written\n"
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=30)
    assert not target.exists()
    assert all(name.startswith(".") for name in left(target.parent))


@pytest.mark.parametrize("name", ["v.npy", "v.parquet", "v.safetensors"])
def test_links_in_a_circle_are_no_place(make_batch, tmp_path, name):
    (tmp_path / name).symlink_to(tmp_path / "other")
    (tmp_path / "other").symlink_to(tmp_path / name)
    with (
        pytest.raises(StoreError, match=r"exists|symbolic links"),
        create(tmp_path / name, [*make_batch(3).vectors][:1], metadata={}) as store,
    ):
        store.write(make_batch(3))
    assert len([*tmp_path.iterdir()]) == 2
