"""Lance: versions, indexes, names, and what is refused."""

import numpy as np
import pyarrow as pa
import pytest

from poolwise.errors import StoreError
from poolwise.jobs.targets import lance_table


@pytest.fixture
def address(tmp_path):
    return f"lance:{tmp_path / 'lance'}"


def database(tmp_path):
    import lancedb  # takes seconds

    return lancedb.connect(tmp_path / "lance")


def opened(tmp_path, name="poolwise_vectors"):
    return database(tmp_path).open_table(name)


def test_loading_again_makes_no_version(address, helpers, tmp_path):
    parts = helpers.three_parts(tmp_path)
    helpers.load(address, parts)
    versions = [opened(tmp_path, name).version for name in ("poolwise_vectors", "poolwise_parts")]
    helpers.load(address, parts)
    assert versions == [
        opened(tmp_path, name).version for name in ("poolwise_vectors", "poolwise_parts")
    ]


def test_all_columns_are_those_of_the_parquet(address, helpers, tmp_path):
    extra = {
        "note": pa.array(["it's\0", None]),
        "a.b`c": pa.array([1, None]),
        "tag": pa.array(["x", None]).dictionary_encode(),
        "about": pa.array([{"a": [1]}, None]),
        "when": pa.array([1, None], pa.timestamp("ns")),
    }
    table = helpers.rows([1, 2], helpers.vectors(2), **extra)
    parts = [helpers.write_part(tmp_path, 0, table)]
    helpers.load(address, parts)
    found = opened(tmp_path).to_arrow().sort_by("id")
    names = {"a.b`c": "a_b_c", "mean@-1": "mean_m1"}
    assert found.column_names == [names.get(name, name) for name in table.column_names]
    for name in table.column_names:
        assert found[names.get(name, name)].to_pylist() == table[name].to_pylist()
    assert found.schema.field("mean_m1").metadata[b"poolwise.readout"] == b"mean@-1"
    assert helpers.load(address, parts).added == 0


def test_rows_with_nested_columns_are_updated_too(address, helpers, tmp_path):
    for about in ([{"a": 1}, None], [{"a": 2}, None]):
        table = helpers.rows([1, 2], helpers.vectors(2), about=pa.array(about))
        helpers.load(address, [helpers.write_part(tmp_path, 0, table)])
        assert opened(tmp_path).to_arrow().sort_by("id")["about"].to_pylist() == about


def test_an_index_where_rows_are_enough(address, helpers, tmp_path, monkeypatch):
    monkeypatch.setattr(lance_table, "INDEX_FROM", 300)
    parts = helpers.three_parts(tmp_path, 280, size=140)
    helpers.load(address, parts)
    assert not opened(tmp_path).list_indices()
    parts = helpers.three_parts(tmp_path, 420, size=140)
    helpers.load(address, parts)
    (index,) = opened(tmp_path).list_indices()
    assert index.columns == ["mean_m1"]
    version = opened(tmp_path).version
    helpers.load(address, parts)
    assert opened(tmp_path).version == version
    parts = helpers.three_parts(tmp_path, 560, size=140)
    helpers.load(address, parts)
    table = opened(tmp_path)
    (index,) = table.list_indices()
    assert table.index_stats(index.name).num_unindexed_rows == 0
    query = helpers.vectors(560)[500]
    found = table.search(query, vector_column_name="mean_m1").distance_type("cosine").limit(1)
    assert found.to_arrow()["id"].to_pylist() == [600]


def test_bits_are_searched_by_an_index_too(address, helpers, tmp_path, monkeypatch):
    monkeypatch.setattr(lance_table, "INDEX_FROM", 280)
    parts = helpers.three_parts(tmp_path, 280, size=140, dtype="binary")
    result = helpers.load(address, parts)
    assert len(opened(tmp_path).list_indices()) == 1
    assert "Hamming" in result.notes[0]
    found = helpers.search_lance(address, "binary", helpers.vectors(280, dtype="binary")[7])
    assert found[0] == 107


def test_a_part_that_was_merged_but_not_noted(address, helpers, tmp_path, monkeypatch):
    """Neither the old nor the new content is taken for loaded."""
    old, new = tmp_path / "old", tmp_path / "new"
    for folder in (old, new):
        folder.mkdir()
    parts = helpers.three_parts(old)
    helpers.load(address, parts)
    with monkeypatch.context() as patch:
        patch.setattr(lance_table.LanceTable, "_note", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            helpers.load(address, helpers.three_parts(new, seed=1))
    assert helpers.load(address, parts).updated == 19
    assert helpers.read_lance(address, "float32") == helpers.expected(parts)


def test_int8_is_noted(address, helpers, tmp_path):
    result = helpers.load(address, helpers.three_parts(tmp_path, dtype="int8"))
    assert "as float16" in result.notes[0]
    assert opened(tmp_path).schema.field("mean_m1").type == pa.list_(pa.float16(), 16)


def test_rows_lost_from_the_table_come_back_and_foreign_ones_go(address, helpers, tmp_path):
    parts = helpers.three_parts(tmp_path)
    helpers.load(address, parts)
    opened(tmp_path).delete("id IN (131, 132)")
    result = helpers.load(address, parts)
    assert (result.rows, result.added, result.updated) == (60, 2, 0)
    table = opened(tmp_path)
    row = table.to_arrow().slice(0, 1)
    table.add(row.set_column(0, "id", pa.array([7])))
    assert helpers.load(address, parts).deleted == 1
    database(tmp_path).drop_table("poolwise_vectors")
    assert helpers.load(address, parts).added == 60


def test_a_table_of_others_is_left_alone(address, helpers, tmp_path):
    data = pa.table({"id": [1], "v": helpers.vector_column(np.zeros((1, 2), np.float32))})
    database(tmp_path).create_table("mine", schema=data.schema).add(data)
    with pytest.raises(StoreError, match="was not made by poolwise"):
        helpers.load(f"{address}#mine", helpers.three_parts(tmp_path))
    assert opened(tmp_path, "mine").to_arrow().num_rows == 1


def test_other_columns_than_the_table_has(address, helpers, tmp_path):
    helpers.load(address, helpers.three_parts(tmp_path))
    with pytest.raises(StoreError, match="has other columns than the parts: found mean_m1"):
        helpers.load(address, helpers.three_parts(tmp_path, width=8))


def test_a_folder_that_cannot_be_one(helpers, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="Lance stopped the load into"):
        helpers.load(f"lance:{tmp_path / 'file'}", helpers.three_parts(tmp_path))
