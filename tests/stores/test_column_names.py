"""A column may have a name that SQL takes without quotes, with its readout in the metadata."""

import json

import pyarrow.parquet as pq
import pytest
from safetensors import safe_open

import poolwise
from poolwise.errors import OptionError, StoreError
from poolwise.stores import create

TEXTS = ["a cat sat", "a dog ran"]
NAMED = {"embedding": "mean@-1|l2", "first": "cls@-1"}


def columns(path):
    return json.loads(pq.read_schema(path).metadata[b"poolwise.columns"])


def test_a_dict_of_readouts_names_their_columns(tiny, tmp_path):
    model, path = poolwise.load(tiny("bert")), tmp_path / "v.parquet"
    result = poolwise.embed(model, TEXTS, path, NAMED)
    table = pq.read_table(path)
    assert table.column_names[:3] == ["id", "embedding", "first"]
    assert columns(path) == NAMED == result.columns
    assert json.loads(table.schema.metadata[b"poolwise.readouts"]) == list(NAMED.values())
    assert table["embedding"].to_pylist() == model.embed(TEXTS, "mean@-1|l2").tolist()
    codecs = {c.path_in_schema.split(".")[0]: c.compression for c in _chunks(path)}
    assert (codecs["embedding"], codecs["id"]) == ("UNCOMPRESSED", "ZSTD")


def _chunks(path):
    group = pq.read_metadata(path).row_group(0)
    return [group.column(i) for i in range(group.num_columns)]


def test_without_names_columns_are_called_as_readouts_are(tiny, tmp_path):
    path = tmp_path / "v.parquet"
    poolwise.embed(poolwise.load(tiny("bert")), TEXTS, path, ["mean@-1", "cls@-1"])
    assert pq.read_schema(path).names[1:3] == ["mean@-1", "cls@-1"]
    assert b"poolwise.columns" not in pq.read_schema(path).metadata


def test_tensors_have_names_too(tiny, tmp_path):
    path = tmp_path / "v.safetensors"
    poolwise.embed(poolwise.load(tiny("bert")), TEXTS, path, NAMED)
    with safe_open(path, "np") as tensors:
        assert set(NAMED) <= set(tensors.keys())
        assert json.loads(tensors.metadata()["poolwise.columns"]) == NAMED


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("my vectors", "expected letters, digits and _, which SQL takes without quotes"),
        ("2nd", "expected letters"),
        (1, "found the column name 1 for mean@-1, expected letters"),
        ("naïve", "expected letters"),
        ("ID", "cannot be called 'ID': another one is"),
        ("truncated", "cannot be called 'truncated'"),
    ],
)
def test_a_name_that_sql_would_not_take_is_refused(tmp_path, name, said):
    with (
        pytest.raises(StoreError, match=said),
        create(tmp_path / "v.parquet", ["mean@-1"], column_names={"mean@-1": name}),
    ):
        pass
    assert not [*tmp_path.iterdir()]


def test_one_readout_has_one_name(tiny, tmp_path):
    names = {"one": "mean@-1", "two": "mean@-1"}
    with pytest.raises(OptionError, match="mean@-1 has two column names, one and two"):
        poolwise.embed(poolwise.load(tiny("bert")), TEXTS, tmp_path / "v.parquet", names)
