"""What Windows lacks or does otherwise, simulated: nothing here has been run on Windows."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import socket
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from poolwise.cli import streams
from poolwise.encoders.conversion.conversion import _exit_reason
from poolwise.files import atomic_write, sync_tree, whole_folder
from poolwise.jobs import byte_locks
from poolwise.jobs.claims import Claims
from poolwise.processes import was_killed
from poolwise.serving import server
from poolwise.texts import input_names
from poolwise.texts.hub_address import address_parts, dataset_folder


@pytest.fixture
def windows(monkeypatch):
    """``sys.platform`` is Windows', and what it does not have is gone."""
    monkeypatch.setattr(sys, "platform", "win32")
    for name in ("SIGKILL", "SIGHUP", "SIGXCPU", "pthread_sigmask", "pthread_kill"):
        monkeypatch.delattr(signal, name, raising=False)
    for name in ("sysconf", "fork", "sched_getaffinity", "geteuid", "O_NOFOLLOW", "O_NONBLOCK"):
        monkeypatch.delattr(os, name, raising=False)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_processes_that_no_signal_ends(windows):
    assert not was_killed(-9)
    assert _exit_reason(0xC0000005) == "exit status 3221225477"


class Msvcrt:
    """``locking`` counts from where the descriptor stands, and refuses as Windows does."""

    LK_NBLCK, LK_UNLCK = 2, 0

    def __init__(self):
        self.held = {}

    def locking(self, descriptor, mode, n_bytes):
        place = os.lseek(descriptor, 0, os.SEEK_CUR)
        if mode == self.LK_UNLCK:
            assert self.held.pop(place) == descriptor
        elif place in self.held:
            raise PermissionError(errno.EACCES, "Permission denied")
        else:
            self.held[place] = descriptor


def test_a_part_that_another_process_makes(windows, monkeypatch, tmp_path):
    system = Msvcrt()
    monkeypatch.setattr(byte_locks, "msvcrt", system, raising=False)
    own, other = Claims(tmp_path / "claims"), Claims(tmp_path / "claims")
    with own.claim(3) as first, other.claim(3) as second, other.claim(4) as third:
        assert (first, second, third) == (True, False, True)
    assert not system.held
    own.close()
    other.close()


def test_files_and_folders_are_whole_without_locks_and_open_folders(windows, monkeypatch, tmp_path):
    opened = []
    system_open = os.open

    def refuse_folders(path, flags, *mode, **options):
        if Path(path).is_dir():
            raise PermissionError(errno.EACCES, "Permission denied")
        opened.append((Path(path).name, flags & os.O_RDWR))
        return system_open(path, flags, *mode, **options)

    with monkeypatch.context() as changed:
        changed.setattr(os, "open", refuse_folders)
        with whole_folder(tmp_path / "out", replace=False) as partial:
            (partial / "a").write_bytes(b"a")
            sync_tree(partial)
        assert opened.count(("a", os.O_RDWR)) == 2
        with atomic_write(tmp_path / "out" / "b", overwrite=False) as file:
            file.write(b"b")
    assert names(tmp_path / "out") == ["a", "b"]
    assert names(tmp_path) == ["out"]


def test_an_empty_folder_is_replaced_where_no_rename_does_that(windows, monkeypatch, tmp_path):
    (tmp_path / "out").mkdir()
    rename = os.rename

    def refuse_taken(source, target, **options):
        if os.path.lexists(target):
            raise FileExistsError(errno.EEXIST, "File exists")
        rename(source, target, **options)

    monkeypatch.setattr(os, "rename", refuse_taken)
    with whole_folder(tmp_path / "out", replace=False) as partial:
        (partial / "a").touch()
    assert names(tmp_path / "out") == ["a"]


def test_a_disk_without_hard_links(windows, monkeypatch, tmp_path):
    def link(source, target):
        raise OSError(errno.EINVAL, "Incorrect function")

    monkeypatch.setattr(os, "link", link)
    with atomic_write(tmp_path / "a", overwrite=False) as file:
        file.write(b"a")
    assert (tmp_path / "a").read_bytes() == b"a"


@pytest.mark.skipif(not hasattr(os, "eventfd"), reason="what refuses a write so is Linux's")
def test_a_closed_pipe_says_that_its_argument_is_invalid(windows):
    with streams._Output(os.eventfd(0), "w") as out, pytest.raises(streams.StdoutClosed):
        out.write(b"fewer bytes than it takes")


def test_a_port_is_one_servers(windows, monkeypatch):
    option = socket.SO_KEEPALIVE  # Windows' own has another number
    monkeypatch.setattr(socket, "SO_EXCLUSIVEADDRUSE", option, raising=False)
    with server.listen("127.0.0.1", 0, has_key=True) as bound:
        assert bound.getsockopt(socket.SOL_SOCKET, option)
        assert not bound.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR)


def test_zeromq_has_a_loop_that_waits_for_its_sockets(windows):
    loops = []

    async def serve(sockets):
        loops.append(asyncio.get_running_loop())

    server._run(SimpleNamespace(serve=serve), [], zeromq=True)
    assert isinstance(loops[0], asyncio.SelectorEventLoop)


@pytest.mark.parametrize(
    ("label", "parts"),
    [
        ("hf:C:\\texts", ["C:\\texts"]),
        ("hf:d:/texts:train", ["d:/texts", "train"]),
        ("hf:C:\\texts:config:train", ["C:\\texts", "config", "train"]),
        ("hf:c:train", ["c", "train"]),
        ("hf:/texts:train", ["/texts", "train"]),
    ],
)
def test_a_drives_colon_divides_no_address(label, parts):
    assert address_parts(label) == parts
    assert (dataset_folder(parts[0]) is not None) == ("texts" in label)


def test_a_share_is_a_folder():
    assert dataset_folder("\\\\server\\texts") is not None


def test_a_file_url_of_a_drive(windows):
    assert input_names._local_path("file:///C:/texts/a.txt") == "C:/texts/a.txt"
    assert input_names._local_path("file://server/a.txt") == "server/a.txt"
    assert not input_names.is_url("C:\\texts\\a.txt")
