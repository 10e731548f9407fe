"""Vectors in PostgreSQL with pgvector, and in Lance."""

import builtins
import hashlib
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from poolwise.doctor.stored import postgres_table, stored_vectors
from poolwise.errors import ColumnError, MissingExtraError, OptionError, StoreError
from poolwise.jobs.targets import PartFile, open_target
from poolwise.progress import Progress

TYPES = {
    "vector": "float32",
    "vector(4)": "float32",
    "halfvec(4)": "float16",
    "real[]": "float32",
    "double precision[]": "float64",
}


def execute(address, *statements):
    import psycopg

    with psycopg.connect(address, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)


def fill(address, rows, type_, name="items"):
    """A table of the rows: ids are UUIDs, the column of vectors comes with others."""
    import psycopg

    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(
            f'CREATE TABLE "{name}" (id uuid, made timestamptz DEFAULT now(), "the 50% text" '
            f"varchar(99), embedding {type_}, bits bit(3))"
        )
        for number, (text, vector) in enumerate(zip(rows.texts, rows.vectors, strict=True)):
            value = vector.tolist() if type_.endswith("[]") else str(vector.tolist())
            connection.execute(
                f'INSERT INTO "{name}" (id, "the 50%% text", embedding) VALUES (%s, %s, %s)',
                [uuid_of(number), text, value],
            )
    return f"{address}&table={name}"


def uuid_of(number):
    return f"00000000-0000-0000-0000-{number:012}"


@pytest.mark.parametrize("type_", TYPES)
def test_postgres(database, given, type_):
    rows = given(TYPES[type_], n=30)
    address = fill(database, rows, type_)
    found = stored_vectors(address, limit=9)
    assert rows.check(found, n=9) == rows.check(stored_vectors(address, limit=9), n=9)
    assert found.description == "the table items, whose texts are its column 'the 50% text'"
    assert found.notes == ("9 of 30 rows, drawn by seed 0",)
    assert {*stored_vectors(address, limit=9, seed=1).texts} != {*found.texts}
    rows.check(stored_vectors(address, limit=None), n=30)


def test_postgres_by_id(database, given):
    rows = given(n=30)
    address = fill(database, rows, "vector(4)")
    texts = {"id": [uuid_of(number) for number in range(29, 9, -1)], "text": rows.texts[:9:-1]}
    rows.check(stored_vectors(address, texts), n=20, places=range(10, 30))
    rows.check(stored_vectors(address, texts, limit=5), n=5)
    with pytest.raises(StoreError, match=r"rows of the table items have no order"):
        stored_vectors(address, rows.texts)


def test_postgres_null_and_ragged(database, given):
    rows = given(n=30)
    address = fill(database, rows, "vector")
    some = f"WHERE id < '{uuid_of(4)}'"
    execute(database, f"UPDATE items SET embedding = NULL {some}")
    found = stored_vectors(address)
    rows.check(found, n=26, places=range(4, 30))
    assert found.notes == ("4 of 30 rows have no vector: left out",)
    execute(database, f"UPDATE items SET embedding = '[1, 2]' {some}")
    with pytest.raises(StoreError, match=r"differ in length: found 4 and 2 numbers"):
        stored_vectors(address)


def test_pages_of_a_large_table(database, given, monkeypatch):
    rows = given(n=3000)
    lists = ", ".join(
        f"('{text}', '{vector.tolist()}')"
        for text, vector in zip(rows.texts, rows.vectors, strict=True)
    )
    execute(
        database,
        "CREATE TABLE items (text text, v vector(4))",
        f"INSERT INTO items VALUES {lists}",
        "ANALYZE items",
        "CREATE VIEW some_items AS SELECT * FROM items",
    )
    monkeypatch.setattr(postgres_table, "_FEW", 1000)
    found = stored_vectors(f"{database}&table=items", limit=20)
    assert rows.check(found, n=20) == rows.check(
        stored_vectors(f"{database}&table=items", limit=20), n=20
    )
    assert found.notes == ("20 of 3,000 rows, drawn by seed 0",)
    rows.check(stored_vectors(f"{database}&table=some_items", limit=20), n=20)


def test_another_schema(database, given):
    rows = given(n=9)
    schema = database.partition("search_path%3D")[2].partition(",")[0]
    address = fill(database, rows, "vector(4)")
    outside = database.partition("&options")[0]
    rows.check(stored_vectors(f"{outside}&table={schema}.items"), n=9)
    with pytest.raises(StoreError, match=r"no table 'items'; name one with \?table=NAME"):
        stored_vectors(f"{outside}&table=items")
    with pytest.raises(StoreError, match=r"is bit, expected vector, halfvec"):
        stored_vectors(address, vector_column="bits")
    execute(database, "ALTER TABLE items ADD second halfvec(3), ADD other text")
    with pytest.raises(StoreError, match=r"2 columns of vectors: 'embedding', 'second'"):
        stored_vectors(address)
    with pytest.raises(ColumnError, match=r"several columns of text: 'the 50% text', 'other'"):
        stored_vectors(address, vector_column="embedding")


def test_a_server_that_is_not_there():
    with pytest.raises(StoreError, match=r"PostgreSQL cannot be reached") as caught:
        stored_vectors("postgresql://me:secret@127.0.0.1:1/db?table=a")
    assert "secret" not in str(caught.value)
    with pytest.raises(OptionError, match=r"index='gist'"):
        stored_vectors("postgresql://127.0.0.1:1/db?index=gist")


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "int8"])
def test_lance(tmp_path, given, dtype):
    import lancedb

    rows = given(dtype)
    table = lancedb.connect(tmp_path).create_table("items", rows.table())
    table.delete("id IN (103, 104)")
    address = f"lance:{tmp_path}#items"
    found = stored_vectors(address, limit=None)
    rows.check(found, n=58, places={*range(60)} - {3, 4})
    numbers = rows.check(stored_vectors(address, limit=9), n=9)
    assert numbers == sorted(numbers)
    assert numbers[-1] > 50
    assert found.description == f"the table items in lance:{tmp_path}, whose texts are its " + (
        "column 'text'"
    )


def test_lance_with_texts(tmp_path, given):
    import lancedb

    rows = given()
    table = rows.table()
    database = lancedb.connect(tmp_path)
    database.create_table("plain", table.select(["embedding"]))
    database.create_table("ids", table.select(["id", "embedding"]))
    rows.check(stored_vectors(f"lance:{tmp_path}#plain", rows.texts, limit=9), n=9)
    texts = pa.table({"id": [*range(159, 99, -1)], "text": rows.texts[::-1]})
    rows.check(stored_vectors(f"lance:{tmp_path}#ids", texts, limit=9), n=9)


def test_lance_that_is_not_there(tmp_path):
    with pytest.raises(StoreError, match=r"no such folder: .*/none, expected that of a LanceDB"):
        stored_vectors(f"lance:{tmp_path}/none#items")
    assert not (tmp_path / "none").exists()
    with pytest.raises(StoreError, match=r"has no table 'items'; name one as lance:FOLDER#TABLE"):
        stored_vectors(f"lance:{tmp_path}#items")


@pytest.mark.parametrize(
    ("package", "address", "extra"),
    [
        ("psycopg", "postgresql://127.0.0.1:1/db", "pgvector"),
        ("lancedb", "lance:/tmp#items", "lance"),
    ],
)
def test_an_extra_that_is_not_installed(monkeypatch, package, address, extra):
    real = builtins.__import__

    def absent(name, *arguments, **options):
        if name.partition(".")[0] == package:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return real(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", absent)
    with pytest.raises(MissingExtraError, match=rf"poolwise\[{extra}\]"):
        stored_vectors(address)


@pytest.mark.parametrize("dtype", ["float32", "float16", "int8"])
def test_what_targets_of_jobs_hold(tmp_path, database, given, dtype):
    rows = given(dtype)
    table = rows.table().rename_columns(["id", "text", "mean@-1"])
    table = table.replace_schema_metadata({"poolwise.readouts": '["mean@-1"]'})
    path = tmp_path / "part-00000.parquet"
    pq.write_table(table, path)
    part = PartFile(path, hashlib.sha256(path.read_bytes()).hexdigest(), 60)
    for address in (database, f"lance:{tmp_path / 'lance'}"):
        with Progress("rows", show=False) as progress:
            open_target(address).load([part], progress)
        found = stored_vectors(address)
        if dtype == "int8":  # neither has a type for them
            assert found.vectors.dtype == np.float16
            found = replace(found, vectors=found.vectors.astype(np.int8))
        rows.check(found, n=60)
