"""Index files: whole or not at all, with what is known of them beside."""

import json

import numpy as np
import pytest

from poolwise.errors import StoreError
from poolwise.jobs.targets import PartFile, faiss

KINDS = ("faiss", "usearch")


@pytest.fixture(params=KINDS)
def address(request, tmp_path):
    return f"{request.param}:{tmp_path / 'vectors.index'}"


def about(tmp_path):
    return json.loads((tmp_path / "vectors.index.json").read_text())


def two_readouts(helpers, folder):
    table = helpers.rows([1, 2], helpers.vectors(2))
    table = table.append_column("cls_last", helpers.vector_column(helpers.vectors(2, 8)))
    columns = {"cls_last": "cls@-1"}
    return [helpers.write_part(folder, 0, table, ["mean@-1", "cls@-1"], columns)]


def test_a_file_of_the_same_parts_is_not_written_again(address, helpers, tmp_path):
    parts = helpers.three_parts(tmp_path)
    helpers.load(address, parts)
    file = tmp_path / "vectors.index"
    before = file.stat()
    assert helpers.load(address, parts).rows == 57
    assert (file.stat().st_ino, file.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_rows_without_a_vector_are_counted(address, helpers, tmp_path):
    for _ in range(2):
        result = helpers.load(address, helpers.three_parts(tmp_path))
        assert result.notes == ("rows without a vector, left out: 3",)


def test_a_file_that_was_damaged_is_written_again(address, helpers, tmp_path):
    parts = helpers.three_parts(tmp_path, ids=[f"id {at}" for at in range(60)])
    for name in ("vectors.index", "vectors.index.ids", "vectors.index.json"):
        helpers.load(address, parts)
        path = tmp_path / name
        whole = path.read_bytes()
        path.write_bytes(whole[: len(whole) // 2])
        result = helpers.load(address, parts)
        assert result.added == 57
        path.unlink()
        assert helpers.load(address, parts).added == 57
        assert helpers.load(address, parts).added == 0


def test_a_file_of_others_is_left_alone(address, helpers, tmp_path):
    file = tmp_path / "vectors.index"
    file.write_text("my notes")
    with pytest.raises(StoreError, match="is there and is no index of"):
        helpers.load(address, helpers.three_parts(tmp_path))
    assert file.read_text() == "my notes"


def test_several_readouts_need_a_choice(address, helpers, tmp_path):
    parts = two_readouts(helpers, tmp_path)
    with pytest.raises(StoreError, match=r"2 readouts .*\?readout= and one of mean@-1, cls@-1"):
        helpers.load(address, parts)
    with pytest.raises(StoreError, match=r"no readout 'max@-1' .*, expected one of mean@-1"):
        helpers.load(f"{address}?readout=max@-1", parts)
    for chosen in ("?readout=cls@-1", "#cls_last", "?readout=cls%40-1"):
        helpers.load(f"{address}{chosen}", parts)
        assert about(tmp_path)["readout"] == "cls@-1"
        assert about(tmp_path)["dimensions"] == 8
        assert helpers.load(f"{address}{chosen}", parts).added == 0
    assert helpers.load(f"{address}?readout=mean@-1", parts).added == 2
    assert about(tmp_path)["dimensions"] == 16


def test_ids_beside_a_file_go_when_ids_are_numbers(address, helpers, tmp_path):
    helpers.load(address, helpers.three_parts(tmp_path, ids=[f"{at}\n" for at in range(60)]))
    lines = (tmp_path / "vectors.index.ids").read_text().splitlines()
    assert [json.loads(line) for line in lines[:4]] == ["0\n", "1\n", "2\n", "4\n"]
    assert about(tmp_path)["numbers"] == "positions"
    helpers.load(address, helpers.three_parts(tmp_path))
    assert not (tmp_path / "vectors.index.ids").exists()
    assert about(tmp_path)["numbers"] == "ids"


def test_a_folder_that_is_absent(address, helpers, tmp_path):
    kind = address.partition(":")[0]
    with pytest.raises(StoreError, match="no folder"):
        helpers.load(f"{kind}:{tmp_path / 'no' / 'file'}", helpers.three_parts(tmp_path))


@pytest.mark.parametrize("dtype", ["float32", "binary"])
def test_faiss_has_a_graph_where_rows_are_many(dtype, helpers, tmp_path, monkeypatch):
    monkeypatch.setattr(faiss, "HNSW_FROM", 60)
    address = f"faiss:{tmp_path / 'vectors.index'}"
    helpers.load(address, helpers.three_parts(tmp_path, 40, dtype=dtype))
    import faiss as library

    def graph():
        index = helpers.open_faiss(address, dtype)
        down = library.downcast_IndexBinary if dtype == "binary" else library.downcast_index
        return hasattr(down(index.index), "hnsw")

    assert not graph()
    helpers.load(address, helpers.three_parts(tmp_path, 60, dtype=dtype))
    assert graph()
    query = helpers.vectors(60, dtype=dtype)[7]
    assert helpers.search_faiss(address, dtype, query)[0] == 107


def test_a_vector_of_zeros_is_kept(address, helpers, tmp_path):
    values = helpers.vectors(3)
    values[1] = 0
    parts = [helpers.write_part(tmp_path, 0, helpers.rows([1, 2, 3], values))]
    helpers.load(address, parts)
    kind = address.partition(":")[0]
    found = getattr(helpers, f"read_{kind}")(address, "float32")
    assert np.frombuffer(found[2], np.float32).tolist() == [0] * 16


def test_a_part_that_is_not_as_it_was_committed(address, helpers, tmp_path):
    (part,) = helpers.three_parts(tmp_path, 20)
    with pytest.raises(StoreError, match=r"found 20 rows in .*, expected 21; verify the output"):
        helpers.load(address, [PartFile(part.path, part.sha256, 21)])
    part.path.write_bytes(part.path.read_bytes()[:1000])
    with pytest.raises(StoreError, match=r"part-00000.* cannot be read"):
        helpers.load(address, [part])
