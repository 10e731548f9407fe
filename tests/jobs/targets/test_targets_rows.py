"""Every target holds the rows of the parts, no more and no fewer, whatever was there before."""

import json
import signal
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest

from poolwise.errors import StoreError

KILLED = """
import json, os, signal, sys
from pathlib import Path
from poolwise.jobs.targets import PartFile, open_target
from poolwise.progress import Progress

class Killed(Progress):
    def advance(self, count):
        super().advance(count)
        if self.count > 30:
            os.kill(os.getpid(), signal.SIGKILL)

parts = [PartFile(Path(path), sha256, rows) for path, sha256, rows in json.loads(sys.argv[2])]
open_target(sys.argv[1]).load(parts, Killed("rows", show=False))
"""


def held(place, parts, helpers, dtype="float32"):
    """What the target holds, and what it should; an index has no bad rows, FAISS unit vectors."""
    found, wanted = place.read(place.address, dtype), helpers.expected(parts, dtype)
    if place.kind in ("faiss", "usearch"):
        wanted = {id_: data for id_, data in wanted.items() if data is not None}
    if place.kind == "faiss" and dtype != "binary":
        for id_, data in wanted.items():
            values = np.frombuffer(data, helpers.DTYPES[dtype]).astype(np.float32)
            wanted[id_] = (values / np.linalg.norm(values, keepdims=True)).tobytes()
        assert found.keys() == wanted.keys()
        for id_, data in found.items():
            pair = (np.frombuffer(data, np.float32) for data in (data, wanted[id_]))
            np.testing.assert_allclose(*pair, rtol=1e-6)
        return found, found
    return found, wanted


@pytest.mark.parametrize("dtype", ["float32", "float16", "int8", "binary"])
def test_rows_are_those_of_the_parquet_bit_for_bit(place, dtype, helpers, tmp_path):
    parts = helpers.three_parts(tmp_path, dtype=dtype)
    result = helpers.load(place.address, parts)
    found, wanted = held(place, parts, helpers, dtype)
    assert found == wanted
    n = 57 if place.kind in ("faiss", "usearch") else 60
    assert (result.rows, result.added, result.updated, result.deleted) == (n, n, 0, 0)


def test_loading_again_adds_nothing(place, helpers, tmp_path):
    parts = helpers.three_parts(tmp_path)
    rows = helpers.load(place.address, parts).rows
    again = helpers.load(place.address, parts)
    assert (again.rows, again.added, again.updated, again.deleted) == (rows, 0, 0, 0)
    found, wanted = held(place, parts, helpers)
    assert found == wanted


def test_a_load_that_is_killed_is_completed(place, helpers, tmp_path):
    parts = helpers.three_parts(tmp_path)
    told = json.dumps([(str(part.path), part.sha256, part.rows) for part in parts])
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, place.address, told], capture_output=True, check=False
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    result = helpers.load(place.address, parts)
    found, wanted = held(place, parts, helpers)
    assert found == wanted
    if place.kind == "postgresql":  # the first part was committed, the second was not
        assert result.added == 40
    assert not [*tmp_path.glob(".*.partial")]


def test_a_changed_part_takes_the_place_of_the_old_one(place, helpers, tmp_path):
    parts = helpers.three_parts(tmp_path)
    helpers.load(place.address, parts)
    values = helpers.vectors(60)[20:40]
    values[[5, 6]] += 1
    changed = helpers.rows([*range(120, 140)], values, null=(3,))
    parts[1] = helpers.write_part(tmp_path, 1, changed)
    result = helpers.load(place.address, parts)
    found, wanted = held(place, parts, helpers)
    assert found == wanted
    if place.kind in ("postgresql", "lance"):
        assert (result.added, result.updated, result.deleted) == (0, 2, 0)


def test_a_vector_that_is_null_now_or_no_more_is_a_change(place, helpers, tmp_path):
    helpers.load(place.address, helpers.three_parts(tmp_path, null=(3, 4)))
    parts = helpers.three_parts(tmp_path, null=(4, 5))
    result = helpers.load(place.address, parts)
    found, wanted = held(place, parts, helpers)
    assert found == wanted
    if place.kind in ("postgresql", "lance"):
        assert (result.added, result.updated, result.deleted) == (0, 6, 0)


def test_rows_and_parts_that_are_gone_are_deleted(place, helpers, tmp_path):
    parts = helpers.three_parts(tmp_path)
    helpers.load(place.address, parts)
    ids = [*range(120, 125), 500, 501]
    parts = [parts[0], helpers.write_part(tmp_path, 1, helpers.rows(ids, helpers.vectors(7)))]
    result = helpers.load(place.address, parts)
    found, wanted = held(place, parts, helpers)
    assert found == wanted
    if place.kind in ("postgresql", "lance"):
        assert (result.rows, result.added, result.deleted) == (27, 2, 35)
    again = helpers.load(place.address, parts)
    assert (again.added, again.updated, again.deleted) == (0, 0, 0)


def test_an_id_that_moves_to_another_part_is_one_row(place, helpers, tmp_path):
    one, two = helpers.vectors(4), helpers.vectors(4, seed=1)

    def parts(first, second):
        return [
            helpers.write_part(tmp_path, 0, helpers.rows(first, one[: len(first)])),
            helpers.write_part(tmp_path, 1, helpers.rows(second, two[: len(second)])),
        ]

    helpers.load(place.address, parts([1, 2, 3], [4, 5]))
    moved = parts([1, 2], [3, 4, 5])
    helpers.load(place.address, moved)
    found, wanted = held(place, moved, helpers)
    assert found == wanted


@pytest.mark.parametrize(
    "ids", [["it's", 'a "quote"', "ü", "", "line\nline", "%s"], [-5, 0, 7, -1, 2**63 - 1, 3]]
)
def test_ids_are_texts_or_any_int64(place, ids, helpers, tmp_path):
    parts = [helpers.write_part(tmp_path, 0, helpers.rows(ids, helpers.vectors(6)))]
    helpers.load(place.address, parts)
    found, wanted = held(place, parts, helpers)
    assert found == wanted
    fewer = [helpers.write_part(tmp_path, 0, helpers.rows(ids[3:], helpers.vectors(3)))]
    helpers.load(place.address, fewer)
    found, wanted = held(place, fewer, helpers)
    assert found == wanted


@pytest.mark.parametrize("ids", [[*range(59), 7], [*map(str, range(59)), "7"]])
def test_an_id_that_comes_twice_is_refused_by_name(place, ids, helpers, tmp_path):
    parts = helpers.three_parts(tmp_path, ids=ids)
    with pytest.raises(StoreError, match=r"id '?7'? comes twice, in .*part-00000.* and .*-00002"):
        helpers.load(place.address, parts)


def test_a_vector_that_is_not_finite_is_no_vector(place, helpers, tmp_path):
    values = helpers.vectors(6)
    values[2, 3], values[4, 0] = np.nan, np.inf
    parts = [helpers.write_part(tmp_path, 0, helpers.rows([*range(6)], values))]
    helpers.load(place.address, parts)
    found = place.read(place.address, "float32")
    assert {id_ for id_ in range(6) if found.get(id_) is None} == {2, 4}


def test_parts_without_a_good_row_or_without_a_row(place, helpers, tmp_path):
    bad = helpers.rows([1, 2], helpers.vectors(2), null=(0, 1))
    parts = [
        helpers.write_part(tmp_path, 0, bad),
        helpers.write_part(tmp_path, 1, bad.slice(0, 0)),
    ]
    helpers.load(place.address, parts)
    found, wanted = held(place, parts, helpers)
    assert found == wanted


def test_parts_of_two_jobs_are_refused(place, helpers, tmp_path):
    values = helpers.vectors(2)
    parts = [
        helpers.write_part(tmp_path, 0, helpers.rows([1, 2], values)),
        helpers.write_part(tmp_path, 1, helpers.rows([3, 4], values, note=pa.array(["a", "b"]))),
    ]
    with pytest.raises(StoreError, match=r"columns of .*part-00001.* are not those of"):
        helpers.load(place.address, parts)
    with pytest.raises(StoreError, match="no parts"):
        helpers.load(place.address, [])
