"""Vectors that a Python caller has: arrays, lists and frames."""

import numpy as np
import pandas as pd
import polars as pl
import pytest

from poolwise.doctor.stored import stored_vectors
from poolwise.errors import StoreError

every_dtype = pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "int8"])


@every_dtype
def test_array(given, dtype):
    rows = given(dtype)
    found = stored_vectors(rows.vectors, rows.texts, limit=9)
    rows.check(found, n=9)
    assert found.description == "vectors, whose texts are texts"


def test_list_of_vectors(given):
    rows = given("float64")
    rows.check(stored_vectors(rows.vectors.tolist(), pd.Series(rows.texts)), n=60)
    rows.check(stored_vectors([*rows.vectors], (*rows.texts,)), n=60)


@every_dtype
def test_pandas(given, dtype):
    rows = given(dtype)
    frame = pd.DataFrame({"sentence": rows.texts, "v": [*rows.vectors]}, index=range(60, 0, -1))
    rows.check(stored_vectors(frame, limit=9), n=9)
    rows.check(stored_vectors(frame[["v"]], rows.texts, limit=9), n=9)


@every_dtype
def test_polars(given, dtype):
    rows = given(dtype)
    frame = pl.DataFrame({"text": rows.texts, "v": rows.vectors})
    rows.check(stored_vectors(frame, limit=9), n=9)
    rows.check(stored_vectors(frame.lazy(), limit=9), n=9)


@every_dtype
def test_arrow(given, dtype):
    rows = given(dtype)
    rows.check(stored_vectors(rows.table(), limit=9), n=9)
    rows.check(stored_vectors(rows.table(fixed=False), limit=None), n=60)


def test_pandas_with_missing_values(given):
    rows = given()
    frame = pd.DataFrame({"id": range(60), "text": rows.texts, "v": [*rows.vectors]})
    frame.loc[:4, "v"] = None
    frame.loc[8, "text"] = None
    found = stored_vectors(frame)
    rows.check(found, n=54, places={*range(60)} - {*range(5), 8})
    assert len(found.notes) == 2


def test_ragged(given):
    with pytest.raises(StoreError, match=r"the vectors differ in length, or are no numbers"):
        stored_vectors([[1.0, 2.0], [1.0]], ["a", "b"])
    frame = pd.DataFrame({"text": ["a", "b"], "v": [[1.0, 2.0], [1.0]]})
    with pytest.raises(StoreError, match=r"differ in length"):
        stored_vectors(frame)


@pytest.mark.parametrize("vectors", [None, 3, [], ["a", "b"], np.zeros((2, 3, 4)), {"a": 1}])
def test_what_holds_no_vectors(vectors):
    with pytest.raises(StoreError, match=r"expected vectors: an array \[n, d\] of numbers"):
        stored_vectors(vectors, ["a", "b"])
