"""Scratch files on a disk that has no room, or fills up."""

from __future__ import annotations

import errno
import os
import shutil

import numpy as np
import pytest

from poolwise.errors import StudyError
from poolwise.selection.scratch_file import scratch_array

posix = pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="no posix_fallocate")


def test_zeros_at_first():
    made = scratch_array((2, 3), "the states", "give fewer texts")
    made[1] = 4
    np.testing.assert_array_equal(made, [[0, 0, 0], [4, 4, 4]])


@posix
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_a_disk_that_fills_up_is_an_error_at_once(monkeypatch, code):
    """A mapped file without its blocks would end the process at some later write."""

    def full(*_):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(StudyError, match=r"the states need 0\.0 GB of scratch .* give fewer texts"):
        scratch_array((2, 3), "the states", "give fewer texts")


@posix
def test_the_room_is_taken_before_anything_is_computed(monkeypatch):
    taken = []
    monkeypatch.setattr(os, "posix_fallocate", lambda _, *place: taken.append(place))
    scratch_array((5, 3), "the states", "give fewer texts")
    assert taken == [(0, 60)]


def test_a_full_disk_is_told_beforehand(monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10, 10, 10))
    with pytest.raises(StudyError, match="GB free; give fewer texts"):
        scratch_array((2, 3), "the states", "give fewer texts")
