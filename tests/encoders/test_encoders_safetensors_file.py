"""Files of weights that are cut short, written over or swapped while they are used."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
from safetensors.numpy import save_file

import poolwise
from poolwise.encoders.safetensors_file import open_safetensors
from poolwise.errors import EncoderError

NAMES = ("a", "b")


@pytest.fixture
def path(tmp_path):
    made = tmp_path / "model.safetensors"
    save_file({name: np.full((50, 20), n, np.float32) for n, name in enumerate(NAMES)}, made)
    return made


def cut(path):
    os.truncate(path, path.stat().st_size // 2)


def write_over(path):
    content = path.read_bytes()
    with path.open("r+b") as file:
        file.write(content[::-1])
    later(path)


def swap(path):
    other = path.with_name("other")
    shutil.copy(path, other)
    other.replace(path)


def grow(path):
    with path.open("ab") as file:
        file.write(b"more")


def later(path):
    """Two writes within a tick of the clock have one time."""
    found = path.stat()
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns + 10**9))


CHANGES = [cut, write_over, swap, grow, later]


@pytest.mark.parametrize("change", CHANGES)
def test_a_file_that_changes_between_header_and_tensors_is_refused(path, change):
    file = open_safetensors(path)
    change(path)
    with pytest.raises(
        EncoderError, match=r"model\.safetensors: changed while it was read; load it"
    ):
        file.read(NAMES)


def test_a_file_that_is_gone_is_told(path):
    file = open_safetensors(path)
    path.unlink()
    with pytest.raises(EncoderError, match="cannot be read: No such file"):
        file.read(NAMES)


def test_what_has_been_read_stays(path):
    found = open_safetensors(path).read(reversed(NAMES))
    assert list(found) == ["b", "a"]
    cut(path)
    write_over(path)
    for n, name in enumerate(NAMES):
        np.testing.assert_array_equal(found[name], np.full((50, 20), n, np.float32))
        assert not found[name].flags.writeable


def test_more_than_there_is_memory_for_is_refused(path, monkeypatch):
    file = open_safetensors(path)

    def full(*_):
        raise MemoryError

    monkeypatch.setattr(np, "empty", full)
    with pytest.raises(EncoderError, match=r"no memory for 0\.0 GB of weights"):
        file.read(NAMES)


EMBED = """
import os, sys
import poolwise
model = poolwise.load(sys.argv[1])
weights = os.path.join(sys.argv[1], "model.safetensors")
if sys.argv[2] == "over":
    size = os.path.getsize(weights)
    with open(weights, "r+b") as file:
        file.write(os.urandom(size))
else:
    os.truncate(weights, 100)
print(model.hash, model.embed(["the cat", "a"], "mean@-1").tobytes().hex())
print(model.embed(["the cat", "a"], "mean@-1", precision="fast").tobytes().hex())
"""


@pytest.mark.parametrize("how", ["cut", "over"])
def test_a_loaded_model_no_longer_depends_on_its_file(tiny, tmp_path, how):
    """In a process of its own: a mapped file would end it."""
    folder = shutil.copytree(tiny("bert"), tmp_path / "model")
    model = poolwise.load(folder)
    expected = [
        f"{model.hash} {model.embed(['the cat', 'a'], 'mean@-1').tobytes().hex()}",
        model.embed(["the cat", "a"], "mean@-1", precision="fast").tobytes().hex(),
    ]
    command = [sys.executable, "-c", EMBED, str(folder), how]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (done.returncode, done.stderr[-2000:])
    assert done.stdout.splitlines() == expected
