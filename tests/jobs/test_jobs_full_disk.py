"""A job on a disk that fills up, under a limit of file sizes, and where nothing may be written."""

from __future__ import annotations

import os
import subprocess

import pytest

from poolwise.errors import StoreError


@pytest.fixture
def small_disk(mounted):
    """A file system of 400 kB."""
    return mounted("400k")


def check_left(small_corpus, output) -> int:
    """What lies there is whole; the number of parts."""
    left = small_corpus.files(output)
    assert all(small_corpus.whole[name] == left[name] for name in left)
    return sum(name.startswith("part-") for name in left)


@pytest.mark.parametrize("workers", [None, 2])
def test_a_disk_fills_up_and_is_given_room(small_corpus, small_disk, workers):
    output = small_disk / "out"
    with pytest.raises(StoreError, match=r"cannot be written: No space left on device; .* room"):
        small_corpus.embed(output, workers=workers)
    assert 0 < check_left(small_corpus, output) < 30
    subprocess.run(["mount", "-o", "remount,size=4m", str(small_disk)], check=True)
    assert small_corpus.embed(output, resume=True).complete
    assert small_corpus.files(output) == small_corpus.whole


def test_a_limit_of_file_sizes(small_corpus, tmp_path):
    resource = pytest.importorskip("resource", reason="resource limits are POSIX")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (12_000, hard))
    try:
        with pytest.raises(StoreError, match=r"part-00000\.parquet cannot be written: File too"):
            small_corpus.embed(tmp_path / "out")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert check_left(small_corpus, tmp_path / "out") == 0
    assert small_corpus.embed(tmp_path / "out", resume=True).complete
    assert small_corpus.files(tmp_path / "out") == small_corpus.whole


@pytest.mark.skipif(not hasattr(os, "geteuid") or not os.geteuid(), reason="root may write")
def test_a_folder_that_may_not_be_written(small_corpus, tmp_path):
    (tmp_path / "shut").mkdir(mode=0o555)
    with pytest.raises(StoreError, match="cannot be written: Permission denied"):
        small_corpus.embed(tmp_path / "shut" / "out")


def test_a_read_only_disk(small_corpus, small_disk):
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(StoreError, match="cannot be written: Read-only file system"):
        small_corpus.embed(small_disk / "out")


def test_a_file_where_the_folder_is_to_be(small_corpus, tmp_path):
    (tmp_path / "out").write_text("precious")
    with pytest.raises(StoreError, match=r"Not a directory|File exists"):
        small_corpus.embed(tmp_path / "out")
    assert (tmp_path / "out").read_text() == "precious"
