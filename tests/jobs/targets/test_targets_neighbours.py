"""The ten nearest rows are the same ones, whichever target is asked."""

import numpy as np
import pyarrow.parquet as pq
import pytest

N = 300


def distances(values, query, dtype):
    """Cosine, or Hamming of bits, in float64."""
    if dtype == "binary":
        return np.unpackbits(values ^ query, axis=1).sum(1)
    values, query = values.astype(np.float64), query.astype(np.float64)
    return 1 - values @ query / np.linalg.norm(values, axis=1) / np.linalg.norm(query)


@pytest.mark.parametrize("dtype", ["float32", "float16", "int8", "binary"])
def test_ten_nearest_rows_are_those_of_the_parquet(place, dtype, helpers, tmp_path):
    parts = helpers.three_parts(tmp_path, N, dtype=dtype, width=32, size=100)
    helpers.load(place.address, parts)
    good = {id_: data for id_, data in helpers.expected(parts, dtype).items() if data is not None}
    assert len(good) == N - 3
    assert sum(pq.read_metadata(part.path).num_rows for part in parts) == N
    ids = np.array([*good])
    values = np.array([np.frombuffer(data, helpers.DTYPES[dtype]) for data in good.values()])
    for query in helpers.vectors(5, 32, dtype, seed=9):
        found = place.neighbours(place.address, dtype, query)
        all_distances = distances(values, query, dtype)
        nearest = np.argsort(all_distances, kind="stable")[:10]
        assert len({*found}) == 10
        if dtype == "binary":  # many are equally far
            at = np.searchsorted(ids, found)
            assert sorted(all_distances[at]) == sorted(all_distances[nearest])
        else:
            assert found == ids[nearest].tolist()
