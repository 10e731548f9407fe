"""Vectors in files: .npy, .npz, .safetensors, Parquet; and what is wrong with files."""

import pickle

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from safetensors.numpy import save_file

from poolwise.doctor.stored import stored_vectors
from poolwise.errors import OptionError, StoreError

every_dtype = pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "int8"])


def lines(folder, texts):
    path = folder / "texts.txt"
    path.write_text("".join(f"{text}\n" for text in texts))
    return path


@every_dtype
def test_npy(tmp_path, given, dtype):
    rows = given(dtype)
    np.save(tmp_path / "vectors.npy", rows.vectors)
    found = stored_vectors(tmp_path / "vectors.npy", lines(tmp_path, rows.texts), limit=10)
    numbers = rows.check(found, n=10)
    assert [number * 10 // 60 for number in numbers] == [*range(10)]
    assert found.description == f"{tmp_path}/vectors.npy, whose texts are {tmp_path}/texts.txt"
    assert found.notes == ("10 of 60 rows, drawn by seed 0",)


def test_npy_of_another_layout(tmp_path, given):
    rows = given()
    for name, array in {
        "fortran": np.asfortranarray(rows.vectors),
        "big-endian": rows.vectors.astype(">f4"),
    }.items():
        np.save(tmp_path / f"{name}.npy", array)
        rows.check(stored_vectors(tmp_path / f"{name}.npy", rows.texts, limit=None), n=60)


def test_npz(tmp_path, given):
    rows = given()
    np.savez(tmp_path / "one.npz", rows.vectors)
    rows.check(stored_vectors(tmp_path / "one.npz", rows.texts), n=60)
    np.savez(tmp_path / "with.npz", e=rows.vectors, sentences=rows.texts, other=np.arange(3))
    rows.check(stored_vectors(tmp_path / "with.npz"), n=60)


def test_npz_of_several(tmp_path, given):
    rows = given()
    np.savez(tmp_path / "two.npz", a=rows.vectors, b=rows.vectors + 1)
    with pytest.raises(StoreError, match=r"2 columns of vectors: 'a', 'b'; name one"):
        stored_vectors(tmp_path / "two.npz", rows.texts)
    found = stored_vectors(tmp_path / "two.npz", rows.texts, vector_column="a")
    rows.check(found, n=60)
    assert "(column 'a')" in found.description


@every_dtype
def test_safetensors(tmp_path, given, dtype):
    rows = given(dtype)
    tensors = {"mean@-1": rows.vectors, "n_tokens": np.ones(60, np.int32)}
    save_file(tensors, tmp_path / "vectors.safetensors")
    rows.check(stored_vectors(tmp_path / "vectors.safetensors", rows.texts, limit=9), n=9)


def test_safetensors_by_id(tmp_path, given):
    rows = given()
    save_file({"v": rows.vectors, "id": np.arange(60)}, tmp_path / "v.safetensors")
    texts = {"id": [*range(59, -1, -1)], "text": rows.texts[::-1]}
    rows.check(stored_vectors(tmp_path / "v.safetensors", texts, limit=9), n=9)


def test_bfloat16(tmp_path):
    import torch
    from safetensors.torch import save_file as save_torch

    tensor = torch.randn(9, 4, dtype=torch.bfloat16)
    save_torch({"v": tensor}, tmp_path / "v.safetensors")
    texts = [f"text {number}" for number in range(9)]
    for vectors in (tmp_path / "v.safetensors", tensor):
        found = stored_vectors(vectors, texts)
        assert found.vectors.dtype == np.float32
        assert (found.vectors == tensor.float().numpy()).all()


@pytest.mark.parametrize("fixed", [True, False])
@every_dtype
def test_parquet(tmp_path, given, dtype, fixed):
    rows = given(dtype)
    path = rows.write(tmp_path / "vectors.parquet", fixed=fixed)
    rows.check(stored_vectors(path, limit=20), n=20)
    rows.check(stored_vectors(path, limit=None), n=60)
    assert stored_vectors(path, limit=9, seed=1).texts != stored_vectors(path, limit=9).texts


def test_parquet_with_a_file_of_texts(tmp_path, given):
    rows = given()
    pq.write_table(rows.table().drop(["text", "id"]), tmp_path / "v.parquet", row_group_size=7)
    rows.check(stored_vectors(tmp_path / "v.parquet", lines(tmp_path, rows.texts), limit=9), n=9)


def test_many_row_groups_are_read_in_part(tmp_path, given):
    rows = given(n=400)
    path = rows.write(tmp_path / "v.parquet", rows=2)
    numbers = rows.check(stored_vectors(path, limit=100), n=100)
    assert len({number // 2 for number in numbers}) <= 64
    assert numbers[0] < 50
    assert numbers[-1] > 350
    rows.check(stored_vectors(path, rows.texts, limit=100), n=100)


def test_folder_and_glob(tmp_path, given):
    rows, folder = given(), tmp_path / "out"
    (folder / "__poolwise" / "update").mkdir(parents=True)
    (folder / "__poolwise" / "plan.json").write_text("{}")
    (folder / "_SUCCESS").touch()
    table = rows.table()
    for number in range(3):
        part = table.slice(20 * number, 20)
        pq.write_table(part, folder / f"part-{number:05}.parquet", row_group_size=7)
    pq.write_table(table, folder / "__poolwise" / "update" / "part-00000.parquet")
    rows.check(stored_vectors(folder, limit=None), n=60)
    rows.check(stored_vectors(f"{folder}/*.parquet", limit=13), n=13)
    rows.check(stored_vectors(f"{folder}/part-00001.parquet"), n=20, places=range(20, 40))


def test_url(bucket, tmp_path, given):
    rows = given()
    path = rows.write(tmp_path / "v.parquet")
    url = bucket("vectors/v.parquet", path.read_bytes())
    rows.check(stored_vectors(url, limit=9), n=9)
    rows.check(stored_vectors(url.rpartition("/")[0], limit=9), n=9)


def test_rows_that_are_left_out(tmp_path, given):
    rows = given()
    table = rows.table()
    vectors = table["embedding"].to_pylist()
    vectors[3] = vectors[4] = None
    vectors[7] = [1.0, None, 0.5, 2.0]
    vectors[5] = [1.0, float("nan"), 0.5, 2.0]
    vectors[6] = [1.0, float("inf"), 0.5, 2.0]
    texts = [None if number == 8 else text for number, text in enumerate(rows.texts)]
    for type_ in (pa.list_(pa.float32(), 4), pa.list_(pa.float32())):
        changed = pa.table({"text": texts, "embedding": pa.array(vectors, type_)})
        pq.write_table(changed, tmp_path / "v.parquet", row_group_size=7)
        found = stored_vectors(tmp_path / "v.parquet")
        rows.check(found, n=54, places={*range(60)} - {3, 4, 5, 6, 7, 8})
        assert found.notes == (
            "3 of 60 rows have no vector: left out",
            "1 of 60 rows have no text: left out",
            "2 of 60 rows have a vector that is not finite: left out",
        )


def test_the_text_form_of_pgvector(tmp_path, given):
    rows = given("float64")
    texts = [f"[{','.join(map(repr, row.tolist()))}]" for row in rows.vectors]
    table = pa.table({"text": rows.texts, "embedding": texts})
    pq.write_table(table, tmp_path / "v.parquet")
    rows.check(stored_vectors(tmp_path / "v.parquet", vector_column="embedding"), n=60)
    with pytest.raises(StoreError, match=r"holds the text 'text 0', expected vectors such as"):
        stored_vectors(tmp_path / "v.parquet", vector_column="text", text_column="text")


def test_columns_that_are_unclear(tmp_path, given):
    rows = given()
    path = rows.write(tmp_path / "v.parquet", second=rows.table()["embedding"])
    with pytest.raises(StoreError, match=r"2 columns of vectors: 'embedding', 'second'"):
        stored_vectors(path)
    rows.check(stored_vectors(path, vector_column="second"), n=60)
    with pytest.raises(OptionError, match=r"no column 'seconds' \(did you mean 'second'\?\)"):
        stored_vectors(path, vector_column="seconds")
    with pytest.raises(StoreError, match=r"is int64, expected lists of numbers"):
        stored_vectors(path, vector_column="id")


def test_texts_that_are_unclear(tmp_path, given):
    rows = given()
    table = rows.table(url=rows.texts, problem=rows.texts).drop(["text"])
    pq.write_table(table, tmp_path / "v.parquet")
    with pytest.raises(Exception, match=r"several columns of text: 'url', 'problem'; name one"):
        stored_vectors(tmp_path / "v.parquet")
    rows.check(stored_vectors(tmp_path / "v.parquet", text_column="url"), n=60)
    pq.write_table(table.drop(["url", "problem"]), tmp_path / "v.parquet")
    with pytest.raises(Exception, match=r"has no column of texts; name one with text_column, or"):
        stored_vectors(tmp_path / "v.parquet")


def test_lists_of_token_ids_are_no_vectors(tmp_path, given):
    rows = given()
    path = rows.write(tmp_path / "v.parquet", input_ids=[[1, 2, 3]] * 60)
    rows.check(stored_vectors(path), n=60)


def test_no_vectors(tmp_path):
    pq.write_table(pa.table({"id": [1], "text": ["a"]}), tmp_path / "v.parquet")
    with pytest.raises(StoreError, match=r"no column of vectors, .* it has 'id', 'text'"):
        stored_vectors(tmp_path / "v.parquet")
    np.save(tmp_path / "v.npy", np.zeros(3))
    with pytest.raises(StoreError, match=r"holds \[3\] of float64, expected vectors"):
        stored_vectors(tmp_path / "v.npy", ["a"] * 3)
    empty = pa.table({"text": pa.array([], pa.string()), "v": pa.array([], pa.list_(pa.float32()))})
    pq.write_table(empty, tmp_path / "v.parquet")
    with pytest.raises(StoreError, match=r"holds no row"):
        stored_vectors(tmp_path / "v.parquet")


def test_ragged_vectors(tmp_path):
    table = pa.table({"text": ["a", "b", "c"], "v": [[1.0, 2.0], [1.0, 2.0], [1.0, 2.0, 3.0]]})
    pq.write_table(table, tmp_path / "v.parquet")
    with pytest.raises(StoreError, match=r"differ in length: found 2 and 3 numbers, expected one"):
        stored_vectors(tmp_path / "v.parquet")


def test_files_of_different_widths(tmp_path, given):
    given().write(tmp_path / "a.parquet")
    other = pa.table({"id": [1], "text": ["a"], "embedding": [[1.0, 2.0]]})
    pq.write_table(other, tmp_path / "b.parquet")
    with pytest.raises(StoreError, match=r"have columns of different types"):
        stored_vectors(tmp_path)
    pq.write_table(other.drop(["text"]), tmp_path / "b.parquet")
    with pytest.raises(StoreError, match=r"b\.parquet has no column 'text', which other files"):
        stored_vectors(tmp_path)


class Harmful:
    def __reduce__(self):
        return print, ("this ran",)


def test_pickles_are_refused(tmp_path, capsys):
    objects = np.array([Harmful(), Harmful()], dtype=object)
    np.save(tmp_path / "v.npy", objects, allow_pickle=True)
    np.savez(tmp_path / "v.npz", objects)
    (tmp_path / "plain.npy").write_bytes(pickle.dumps(objects))
    for name in ("v.npy", "v.npz", "plain.npy"):
        with pytest.raises(StoreError, match=r"pickle.* refused since loading"):
            stored_vectors(tmp_path / name, ["a", "b"])
    assert capsys.readouterr().out == ""


def test_damaged_and_missing_files(tmp_path, given):
    rows = given()
    np.save(tmp_path / "vectors.npy", rows.vectors)
    whole = (tmp_path / "vectors.npy").read_bytes()
    (tmp_path / "short.npy").write_bytes(whole[:300])
    (tmp_path / "text.npy").write_text("[1, 2]")
    (tmp_path / "v.parquet").write_bytes(b"PAR1" + whole)
    (tmp_path / "v.safetensors").write_bytes(whole[::-1])
    (tmp_path / "v.bin").write_text("[1, 2]")
    (tmp_path / "v.npz").write_bytes(b"PK\x03\x04" + whole)
    for name, message in {
        "vector.npy": r"no such file: .*/vector\.npy \(there is .*vectors\.npy\)",
        "short.npy": r"short\.npy is damaged",
        "text.npy": r"is no \.npy file",
        "v.parquet": r"cannot be read as Parquet",
        "v.safetensors": r"not a safetensors file",
        "v.bin": r"no vectors that are known, expected a Parquet file",
        "v.npz": r"v\.npz is damaged",
        "*.feather": r"matches no file",
        "lance/": r"no such file",
    }.items():
        with pytest.raises(StoreError, match=message):
            stored_vectors(f"{tmp_path}/{name}", rows.texts)


def test_a_folder_without_parquet(tmp_path):
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text("text\na\n")
    with pytest.raises(StoreError, match=r"holds 2 files such as 'a\.csv' and no Parquet"):
        stored_vectors(tmp_path)


def test_a_limit_below_one(given):
    with pytest.raises(OptionError, match=r"limit is int \(0\)"):
        stored_vectors(given().vectors, given().texts, limit=0)
