"""Ids that come twice are found, in one bucket or many, even where texts share a hash."""

import numpy as np
import pyarrow as pa
import pytest

from poolwise.errors import StoreError
from poolwise.jobs.targets import unique_ids


@pytest.mark.parametrize("rows_a_file", [1 << 21, 50])
def test_one_id_twice_among_many(rows_a_file, helpers, tmp_path, monkeypatch):
    monkeypatch.setattr(unique_ids, "_ROWS_A_FILE", rows_a_file)
    n = 1000
    for make in (int, str):
        ids = [make(at) for at in np.random.default_rng(0).permutation(n)]
        parts = helpers.three_parts(tmp_path, n, ids=ids, width=1, size=250)
        assert unique_ids.check_ids(parts) == (make is int)
        ids[n - 1] = ids[0]
        parts = helpers.three_parts(tmp_path, n, ids=ids, width=1, size=250)
        with pytest.raises(StoreError, match=rf"id '?{ids[0]}'? comes twice, in .*0000.*0003"):
            unique_ids.check_ids(parts)


def test_texts_that_share_a_hash_are_compared(helpers, tmp_path, monkeypatch):
    monkeypatch.setattr(unique_ids, "hash", len, raising=False)
    parts = helpers.three_parts(tmp_path, 20, ids=[f"{at:02}" for at in range(20)])
    assert not unique_ids.check_ids(parts)
    parts = helpers.three_parts(tmp_path, 20, ids=[*(f"{at:02}" for at in range(19)), "07"])
    with pytest.raises(StoreError, match="id '07' comes twice"):
        unique_ids.check_ids(parts)


def test_numbers_from_zero_are_told(helpers, tmp_path):
    def check(ids):
        values = helpers.vectors(len(ids))
        return unique_ids.check_ids([helpers.write_part(tmp_path, 0, helpers.rows(ids, values))])

    assert check([0, 2**63 - 1])
    assert not check([-1, 1])
    assert not check(["0", "1"])
    with pytest.raises(StoreError, match="has no id"):
        check(pa.array([1, None]).to_pylist())


def test_equal_hashes_lie_in_one_bucket(monkeypatch):
    monkeypatch.setattr(unique_ids, "_ROWS_A_FILE", 10)
    ids = pa.array(np.random.default_rng(0).integers(-(2**63), 2**63 - 1, 200))
    with unique_ids.IdHashes(200) as spool:
        assert spool.n_buckets == 21
        for _ in range(2):
            spool.add(unique_ids.id_hashes(ids))
        buckets = [*spool.buckets()]
    assert sum(map(len, buckets)) == 400
    for bucket in buckets:
        _, counts = np.unique(bucket, return_counts=True)
        assert (counts == 2).all()
