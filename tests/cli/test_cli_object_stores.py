"""Texts behind URLs, by the command line."""

from __future__ import annotations

import pyarrow.parquet as pq

LINES = b"text,n\n" + b"".join(f"the cat sat on mat {n},{n}\n".encode() for n in range(40))


def test_vectors_of_an_object_are_those_of_the_file(run, tiny, tmp_path, bucket):
    local = tmp_path / "in.csv"
    local.write_bytes(LINES)
    url = bucket("in/in.csv", LINES)
    model, tables = tiny("bert"), []
    for name, given in (("a", local), ("b", url), ("c", url.removesuffix("n.csv") + "*")):
        out = tmp_path / f"{name}.parquet"
        code, _, stderr = run("embed", model, given, "-r", "mean@-1", "--keep", "n", "-o", out)
        assert code == 0, stderr
        tables.append(pq.read_table(out))
    assert tables[0].num_rows == 40
    assert tables[0].equals(tables[1])
    assert tables[0].equals(tables[2])


def test_an_object_that_is_not_there(run, tmp_path, bucket):
    missing = bucket("a.txt", b"one\n").replace("a.txt", "b.txt")
    code, stdout, stderr = run("embed", "nowhere", missing, "-o", tmp_path / "v.npy")
    assert (code, stdout, stderr) == (4, "", f"poolwise: no such file: {missing}\n")
    assert not (tmp_path / "v.npy").exists()
