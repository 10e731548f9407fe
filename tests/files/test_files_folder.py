"""A folder gets its name in one step; what cannot be is said before anything is computed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from poolwise.errors import StoreError, TextError
from poolwise.files import folder, remove_folder, whole_folder
from poolwise.files.exchange import exchange


def write(target, text, **how):
    with whole_folder(target, **{"replace": False, "foreign": lambda _: (), **how}) as partial:
        (partial / "held").write_text(text)


def names(place):
    return sorted(path.name for path in place.iterdir())


def must_not_run(*_, **__):
    pytest.fail("the block must not run")


@pytest.mark.parametrize("how", [{}, {"parents": True}])
def test_folders_above_are_made_where_asked_and_go_again(tmp_path, how):
    target = tmp_path / "a" / "b" / "out"
    if not how:
        with pytest.raises(StoreError, match="no folder"):
            write(target, "new")
        return
    with pytest.raises(KeyboardInterrupt), whole_folder(target, replace=False, **how):
        raise KeyboardInterrupt
    assert names(tmp_path) == []
    write(target, "new", **how)
    assert (target / "held").read_text() == "new"


@pytest.mark.parametrize("call", ["mkdir", "exchange", "fsync"])
def test_what_the_disk_refuses_is_named_and_leaves_the_old(tmp_path, monkeypatch, call):
    def refused(*_, **__):
        raise OSError(30, "Read-only file system")

    target = tmp_path / "out"
    write(target, "old")
    place = {"mkdir": Path, "exchange": folder, "fsync": os}[call]
    monkeypatch.setattr(place, call, refused)
    with pytest.raises(StoreError, match=f"{target} cannot be written: Read-only file system"):
        write(target, "new", replace=True)
    monkeypatch.undo()
    assert names(tmp_path) == ["out"]
    assert (target / "held").read_text() == "old"


def test_a_place_that_cannot_be_written_is_refused_before_the_block(tmp_path, monkeypatch):
    def refused(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "mkdir", refused)
    with pytest.raises(StoreError, match="cannot be written: Permission denied"):  # noqa: SIM117
        with whole_folder(tmp_path / "out", replace=False):
            must_not_run()


@pytest.mark.parametrize("replace", [False, True])
def test_what_appeared_meanwhile_is_not_lost(tmp_path, replace):
    target = tmp_path / "out"

    def meanwhile():
        with whole_folder(target, replace=replace):
            target.mkdir()
            (target / "thesis.tex").write_text("years of work")

    with pytest.raises(StoreError, match=r"is not empty|holds thesis\.tex"):
        meanwhile()
    assert names(tmp_path) == ["out"]
    assert names(target) == ["thesis.tex"]


def test_errors_name_the_folder_that_was_asked_for(tmp_path):
    target = tmp_path / "out"
    with (
        pytest.raises(TextError, match=f"^{target}/held is odd$") as caught,
        whole_folder(target, replace=False) as partial,
    ):
        raise TextError(f"{partial}/held is odd")
    assert ".partial" not in str(caught.value)
    with pytest.raises(OSError, match=f"{target}/none") as refused:  # noqa: SIM117
        with whole_folder(target, replace=False) as partial:
            (partial / "none").read_text()
    assert ".partial" not in str(refused.value)


def test_where_names_cannot_be_exchanged_the_old_one_comes_back(tmp_path, monkeypatch):
    monkeypatch.setattr(folder, "exchange", lambda *_: False)
    target = tmp_path / "out"
    write(target, "old")
    write(target, "new", replace=True)
    assert (target / "held").read_text() == "new"
    rename = Path.rename

    def killed(self, name):
        if self.suffix == ".partial":
            os._exit(9)
        return rename(self, name)

    if pid := os.fork():
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 9
    else:
        Path.rename = killed
        write(target, "newer", replace=True)
    assert not target.exists()
    with pytest.raises(StoreError, match="is not empty"):
        write(target, "newest")
    assert (target / "held").read_text() == "new"
    assert names(tmp_path) == ["out"]


@pytest.mark.skipif(sys.platform != "linux", reason="renameat2 is Linux's")
def test_names_are_exchanged(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / name).touch()
    assert exchange(tmp_path / "a", tmp_path / "b")
    assert (names(tmp_path / "a"), names(tmp_path / "b")) == (["b"], ["a"])
    with pytest.raises(FileNotFoundError):
        exchange(tmp_path / "a", tmp_path / "none")


def test_the_new_folder_has_the_permissions_of_the_old(tmp_path):
    target = tmp_path / "out"
    write(target, "old")
    target.chmod(0o750)
    write(target, "new", replace=True)
    assert target.stat().st_mode & 0o777 == 0o750


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "out").symlink_to("real")
    write(tmp_path / "out", "new")
    assert (tmp_path / "out").is_symlink()
    assert (tmp_path / "real" / "held").read_text() == "new"


@pytest.mark.skipif(sys.platform != "linux", reason="mounts")
def test_where_a_disk_is_mounted_is_said_at_once(tmp_path):
    place = tmp_path / "with space"
    place.mkdir()
    (tmp_path / "source").mkdir()
    command = ["mount", "--bind", str(tmp_path / "source"), str(place)]
    if os.geteuid() or subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("mounting needs privileges")
    try:
        with pytest.raises(StoreError, match="is where a disk is mounted"):  # noqa: SIM117
            with whole_folder(place, replace=True):
                must_not_run()
    finally:
        subprocess.run(["umount", str(place)], check=True)


def test_the_root_is_no_place():
    with pytest.raises(StoreError, match="is where a disk is mounted"):  # noqa: SIM117
        with whole_folder(Path("/"), replace=True):
            must_not_run()


def test_a_folder_is_removed_in_one_step(tmp_path, monkeypatch):
    write(tmp_path / "out", "old")
    monkeypatch.setattr("shutil.rmtree", lambda *_, **__: None)
    remove_folder(tmp_path / "out")
    assert not (tmp_path / "out").exists()
    monkeypatch.undo()
    remove_folder(tmp_path / "out")
    write(tmp_path / "out", "new")
    assert names(tmp_path) == ["out"]
