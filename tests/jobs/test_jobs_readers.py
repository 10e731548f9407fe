"""What other software reads of a job's folder."""

from __future__ import annotations

import json

import numpy as np
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

import poolwise

ROWS = 25


@pytest.fixture(scope="module")
def output(tiny, tmp_path_factory):
    folder = tmp_path_factory.mktemp("readers")
    source = folder / "lines.txt"
    source.write_text("".join("\n" if row == 7 else f"line {row}\n" for row in range(ROWS)))
    readouts = {"embedding": "mean@-1|l2", "half": "cls@-1"}
    poolwise.embed_corpus(tiny("bert"), source, folder / "out", readouts, part_rows=10)
    return folder / "out"


@pytest.fixture(scope="module")
def vectors(tiny):
    model = poolwise.load(tiny("bert"))
    return model.embed([f"line {row}" for row in range(ROWS) if row != 7], "mean@-1|l2")


def test_pandas(output, vectors):
    pandas = pytest.importorskip("pandas")
    frame = pandas.read_parquet(output)
    assert frame["id"].tolist() == list(range(ROWS))
    assert np.array_equal(np.stack(frame["embedding"].dropna().tolist()), vectors)


def test_polars(output, vectors):
    polars = pytest.importorskip("polars")
    frame = polars.read_parquet(output / "*.parquet")
    assert frame["id"].to_list() == list(range(ROWS))
    assert np.array_equal(frame["embedding"].drop_nulls().to_numpy(), vectors)


def test_duckdb(output, vectors):
    connection = pytest.importorskip("duckdb").connect()
    query = f"from '{output}/*.parquet' select id, embedding where problem is null order by id"
    rows = connection.sql(query).fetchall()
    assert [row for row, _ in rows] == [row for row in range(ROWS) if row != 7]
    assert np.array_equal(np.array([vector for _, vector in rows], np.float32), vectors)
    array = f"embedding::float[{vectors.shape[1]}]"  # list functions look into null rows, too
    nearest = connection.sql(
        f"from '{output}/*.parquet' select id where problem is null order by "
        f"array_cosine_similarity({array}, (from '{output}/*.parquet' select {array} "
        "where id = 3)) desc limit 1"
    )
    assert nearest.fetchall() == [(3,)]


def test_arrow_datasets(output, vectors):
    table = ds.dataset(output).to_table(filter=ds.field("problem").is_null())
    assert table.num_rows == ROWS - 1
    flat = table["embedding"].combine_chunks().flatten().to_numpy()
    assert np.array_equal(flat.reshape(vectors.shape), vectors)


def test_hugging_face_datasets(output, vectors, tmp_path):
    datasets = pytest.importorskip("datasets")
    files = str(output / "*.parquet")
    options = {"split": "train", "cache_dir": str(tmp_path)}
    loaded = datasets.load_dataset("parquet", data_files=files, **options)
    assert loaded["id"][:] == list(range(ROWS))
    assert np.array_equal(np.array([v for v in loaded["embedding"] if v], np.float32), vectors)
    streamed = datasets.load_dataset(str(output), split="train", streaming=True)
    assert [row["id"] for row in streamed] == list(range(ROWS))


def test_the_metadata_say_which_readout_a_column_is(output):
    metadata = pq.read_schema(output / "part-00001.parquet").metadata
    assert json.loads(metadata[b"poolwise.columns"]) == {
        "embedding": "mean@-1|l2",
        "half": "cls@-1",
    }
    assert json.loads(metadata[b"poolwise.readouts"]) == ["mean@-1|l2", "cls@-1"]
    assert {b"poolwise.model_hash", b"poolwise.precision", b"poolwise.engine"} <= metadata.keys()
