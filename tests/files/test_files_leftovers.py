"""What a killed run left is removed; what a living one writes, or another user, is not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from poolwise.files import AtomicFile, clear_leftovers, whole_folder
from poolwise.files.leftovers import OLD, Lock, hidden, lock_new

posix = pytest.mark.skipif(sys.platform == "win32", reason="locks are POSIX")

WRITER = """
import sys
from pathlib import Path
from poolwise.files import AtomicFile, whole_folder

place = Path(sys.argv[1])
with whole_folder(place, replace=False) as partial:
    (partial / "half").write_text("half")
    output = AtomicFile(place.with_name("file"), overwrite=False)
    print("written", flush=True)
    sys.stdin.read()
"""


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def writer(tmp_path):
    command = [sys.executable, "-c", WRITER, str(tmp_path / "out")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"written\n"
        yield process
        process.send_signal(signal.SIGKILL)


@posix
def test_what_a_living_process_writes_stays_and_goes_when_it_was_killed(writer, tmp_path):
    before = names(tmp_path)
    assert len(before) == 2
    clear_leftovers(tmp_path)
    with whole_folder(tmp_path / "out", replace=False):
        pass
    assert names(tmp_path) == [*before, "out"]
    (tmp_path / "out").rmdir()
    writer.send_signal(signal.SIGKILL)
    writer.wait(timeout=60)
    assert names(tmp_path) == before
    with whole_folder(tmp_path / "out", replace=False) as partial:
        assert names(tmp_path) == sorted([partial.name, *(n for n in before if ".file." in n)])
    AtomicFile(tmp_path / "file", overwrite=False).discard()
    assert names(tmp_path) == ["out"]


@posix
@pytest.mark.parametrize("age", [0, 2 * OLD])
@pytest.mark.parametrize("folder", [True, False])
def test_another_machine_s_goes_when_it_is_old(tmp_path, monkeypatch, age, folder):
    monkeypatch.setattr("platform.node", lambda: "another")
    left = hidden(tmp_path / "out")
    left.mkdir() if folder else left.touch()
    monkeypatch.undo()
    os.utime(left, (left.stat().st_mtime - age,) * 2)
    clear_leftovers(tmp_path, "out")
    assert left.exists() == (age == 0)


@posix
def test_where_there_are_no_locks_what_is_old_goes(tmp_path, monkeypatch):
    def refused(*_):
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr("fcntl.flock", refused)
    new, old = hidden(tmp_path / "out"), hidden(tmp_path / "out")
    for left in (new, old):
        left.touch()
    os.utime(old, (old.stat().st_mtime - 2 * OLD,) * 2)
    with whole_folder(tmp_path / "out", replace=False):
        pass
    assert names(tmp_path) == [new.name, "out"]


@posix
def test_another_user_s_and_links_stay(tmp_path, monkeypatch):
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "thesis.tex").touch()
    link, fifo = hidden(tmp_path / "out"), hidden(tmp_path / "out")
    link.symlink_to(precious, target_is_directory=True)
    os.mkfifo(fifo)
    clear_leftovers(tmp_path)
    assert {link.name, fifo.name} < {*names(tmp_path)}
    assert names(precious) == ["thesis.tex"]
    theirs = hidden(tmp_path / "out")
    theirs.touch()
    user = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: user + 1)
    clear_leftovers(tmp_path)
    assert theirs.exists()
    monkeypatch.undo()
    clear_leftovers(tmp_path)
    assert not theirs.exists()


def test_a_link_in_what_is_left_is_not_followed(tmp_path):
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "thesis.tex").touch()
    left = hidden(tmp_path / "out")
    left.mkdir()
    (left / "link").symlink_to(tmp_path / "precious", target_is_directory=True)
    clear_leftovers(tmp_path)
    assert names(tmp_path) == ["precious"]
    assert names(tmp_path / "precious") == ["thesis.tex"]


@pytest.mark.parametrize("name", [".out.partial", ".out.12345678.part", "out.12345678.partial"])
def test_other_names_stay(tmp_path, name):
    (tmp_path / name).touch()
    clear_leftovers(tmp_path)
    assert names(tmp_path) == [name]


def test_what_was_put_aside_comes_back_where_its_name_is_free(tmp_path):
    for name, held in ((hidden(tmp_path / "out", "old"), "old"),):
        name.mkdir()
        (name / "held").write_text(held)
    clear_leftovers(tmp_path, "out")
    assert (tmp_path / "out" / "held").read_text() == "old"
    hidden(tmp_path / "out", "old").mkdir()
    clear_leftovers(tmp_path, "out")
    assert names(tmp_path) == ["out"]


@posix
def test_whoever_is_taken_for_left_makes_another_name(tmp_path):
    """Between a name and its lock another process may see neither."""
    path = tmp_path / "new"
    path.touch()
    theirs = Lock(path)
    assert lock_new(path) is None
    path.unlink()
    theirs.release()
    assert lock_new(path) is None
    path.touch()
    lock = lock_new(path)
    assert lock is not None
    lock.release()
