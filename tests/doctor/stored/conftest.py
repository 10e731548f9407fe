"""Vectors, their texts, and what is read of them."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

DTYPES = {"float64": np.float64, "float32": np.float32, "float16": np.float16, "int8": np.int8}


class Given:
    """60 vectors of width 4 whose texts name them."""

    def __init__(self, dtype="float32", n=60):
        random = np.random.default_rng(3)
        values = random.normal(size=(n, 4)) * (40 if dtype == "int8" else 1)
        self.vectors = values.astype(DTYPES[dtype])
        self.texts = [f"text {number}" for number in range(n)]

    def table(self, *, fixed=True, **columns):
        """Arrow's, with a column of ids from 100 on."""
        flat = pa.array(self.vectors.reshape(-1))
        lists = pa.FixedSizeListArray.from_arrays(flat, 4)
        if not fixed:
            lists = lists.cast(pa.list_(flat.type))
        ids = pa.array(range(100, 100 + len(self.texts)))
        return pa.table({"id": ids, "text": self.texts, "embedding": lists, **columns})

    def write(self, path, *, rows=7, **columns):
        """A Parquet file of the table."""
        pq.write_table(self.table(**columns), path, row_group_size=rows)
        return path

    def check(self, found, *, n, places=None):
        """``found`` are n rows, each with its own text, in their exact values and type."""
        numbers = [int(text.split()[1]) for text in found.texts]
        assert len(set(numbers)) == n
        assert places is None or set(numbers) == set(places)
        assert found.vectors.dtype == self.vectors.dtype
        assert found.vectors.tobytes() == self.vectors[numbers].tobytes()
        return numbers


@pytest.fixture
def given():
    """``given("float16", n=9)``: see ``Given``."""
    return Given
