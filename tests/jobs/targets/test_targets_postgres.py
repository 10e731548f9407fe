"""PostgreSQL: types, names, comments, indexes, and what is refused."""

import datetime
import decimal
import json

import numpy as np
import psycopg
import pyarrow as pa
import pytest

from poolwise.errors import StoreError
from poolwise.jobs.targets import open_target, postgres_table

UTC = datetime.UTC
# name: a column of two rows, PostgreSQL's type, and the values that come back, if others
COLUMNS = {
    "bool": (pa.array([True, None]), "boolean"),
    "i8": (pa.array([-128, None], pa.int8()), "smallint"),
    "u8": (pa.array([255, None], pa.uint8()), "smallint"),
    "i16": (pa.array([-(2**15), None], pa.int16()), "smallint"),
    "u16": (pa.array([2**16 - 1, None], pa.uint16()), "integer"),
    "i32": (pa.array([-(2**31), None], pa.int32()), "integer"),
    "u32": (pa.array([2**32 - 1, None], pa.uint32()), "bigint"),
    "i64": (pa.array([-(2**63), None]), "bigint"),
    "u64": (pa.array([2**64 - 1, None], pa.uint64()), "numeric"),
    "f16": (pa.array([np.float16(0.5), None], pa.float16()), "real"),
    "f32": (pa.array([0.5, None], pa.float32()), "real"),
    "f64": (pa.array([0.1, None]), "double precision"),
    "decimal": (pa.array([decimal.Decimal("-12.50"), None]), "numeric"),
    "string": (pa.array(["ü\n\\N\t", None]), "text"),
    "large": (pa.array(["a", None], pa.large_string()), "text"),
    "view": (pa.array(["a", None], pa.string_view()), "text"),
    "dictionary": (pa.array(["a", None]).dictionary_encode(), "text"),
    "binary": (pa.array([b"\0\xff", None]), "bytea"),
    "fixed": (pa.array([b"ab", None], pa.binary(2)), "bytea"),
    "date": (pa.array([datetime.date(1969, 12, 31), None]), "date"),
    "time": (pa.array([datetime.time(23, 59, 59, 999999), None]), "time without time zone"),
    "stamp": (
        pa.array([datetime.datetime.fromisoformat("1999-01-02T03:04:05.000006"), None]),
        "timestamp without time zone",
    ),
    "zoned": (
        pa.array([datetime.datetime(2030, 1, 2, tzinfo=UTC), None], pa.timestamp("ms", "UTC")),
        "timestamp with time zone",
    ),
    "nanos": (
        pa.array([1_500, None], pa.timestamp("ns")),
        "timestamp without time zone",
        datetime.datetime.fromisoformat("1970-01-01T00:00:00.000001"),
    ),
    "span": (pa.array([datetime.timedelta(-3, 5, 7), None]), "interval"),
    "nothing": (pa.nulls(2), "text"),
    "list": (pa.array([[1, 2], None]), "jsonb"),
    "struct": (pa.array([{"a": 1, "b": "x"}, None]), "jsonb"),
    "map": (pa.array([[("a", 1)], None], pa.map_(pa.string(), pa.int64())), "jsonb", [["a", 1]]),
    "floats": (pa.array([[1.5, float("nan")], None]), "jsonb", [1.5, None]),
    'a "b" %s': (pa.array(["quoted", None]), "text"),
    "ctid": (pa.array([1, None]), "bigint"),
    "é" * 40: (pa.array([1, None]), "bigint"),
    "select": (pa.array([1, None]), "bigint"),
}


def query(address, statement):
    with psycopg.connect(address.partition("?table")[0], autocommit=True) as connection:
        connection.execute("SET timezone = 'UTC'")
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


def types_of(address, table="poolwise_vectors"):
    return query(
        address,
        "SELECT attname, format_type(atttypid, atttypmod), col_description(attrelid, attnum) "
        f"FROM pg_attribute WHERE attrelid = '{table}'::regclass AND attnum > 0",
    )


def indexes(address):
    return query(
        address,
        "SELECT indexname, indexdef FROM pg_indexes "
        "WHERE tablename = 'poolwise_vectors' AND schemaname = current_schema()",
    )


def test_columns_of_every_type(database, helpers, tmp_path):
    extra = {name: column[0] for name, column in COLUMNS.items()}
    table = helpers.rows([1, 2], helpers.vectors(2), **extra)
    parts = [helpers.write_part(tmp_path, 0, table)]
    result = helpers.load(database, parts)
    assert any(note.startswith("nanos is cut to microseconds") for note in result.notes)
    found = {name: (type_, comment) for name, type_, comment in types_of(database)}
    renamed = {comment: name for name, (_, comment) in found.items() if comment}
    for name, (column, type_, *others) in COLUMNS.items():
        sql_name = renamed.get(name, name)
        assert found[sql_name][0] == type_, name
        quoted = sql_name.replace('"', '""')
        values = query(database, f'SELECT "{quoted}" FROM poolwise_vectors ORDER BY id')
        wanted = others or column.to_pylist()
        assert [value for (value,) in values] == [wanted[0], None], name
    assert renamed["ctid"] == "ctid_2"
    assert len(renamed["é" * 40].encode()) <= 63
    assert helpers.load(database, parts).updated == 0


def test_a_readout_has_a_name_for_sql_and_its_spec_as_a_comment(database, helpers, tmp_path):
    values = helpers.vectors(2)
    table = helpers.rows([1, 2], values, name="mean@-1|l2")
    table = table.append_column("embedding", helpers.vector_column(values))
    readouts = ["mean@-1|l2", "cls@-1"]
    parts = [helpers.write_part(tmp_path, 0, table, readouts, {"embedding": "cls@-1"})]
    helpers.load(database, parts)
    comments = {name: comment for name, _, comment in types_of(database) if comment}
    assert comments == {"mean_m1_l2": "mean@-1|l2", "embedding": "cls@-1"}
    names = {name for name, _ in indexes(database)}
    assert {"poolwise_vectors_embedding_hnsw", "poolwise_vectors_mean_m1_l2_hnsw"} <= names


@pytest.mark.parametrize(
    ("dtype", "width", "type_", "operators"),
    [
        ("float32", 16, "vector(16)", "(mean_m1 vector_cosine_ops)"),
        ("float32", 2001, "vector(2001)", "(((mean_m1)::halfvec(2001)) halfvec_cosine_ops)"),
        ("float32", 4001, "vector(4001)", None),
        ("float16", 2001, "halfvec(2001)", "(mean_m1 halfvec_cosine_ops)"),
        ("int8", 16, "halfvec(16)", "(mean_m1 halfvec_cosine_ops)"),
        ("binary", 4, "bit(32)", "(mean_m1 bit_hamming_ops)"),
    ],
)
def test_vectors_and_their_index(database, dtype, width, type_, operators, helpers, tmp_path):
    result = helpers.load(database, helpers.three_parts(tmp_path, dtype=dtype, width=width))
    assert {name: type_ for name, type_, _ in types_of(database)}["mean_m1"] == type_
    found = [definition for _, definition in indexes(database) if "hnsw" in definition]
    assert len(found) == (operators is not None)
    assert all(definition.endswith(operators) for definition in found)
    changed = dtype == "int8" or width > 2000
    assert len(result.notes) == (changed and dtype != "float16")


def test_the_index_finds_rows(database, helpers, tmp_path):
    helpers.load(database, helpers.three_parts(tmp_path))
    order = f"mean_m1 <=> '{helpers.vectors(1)[0].tolist()}'"
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("SET enable_seqscan = off")
        statement = f"SELECT id FROM poolwise_vectors ORDER BY {order} LIMIT 1"
        plan = connection.execute(f"EXPLAIN {statement}").fetchall()
        assert "Index Scan using poolwise_vectors_mean_m1_hnsw" in str(plan)
        assert connection.execute(statement).fetchall() == [(100,)]


def test_no_index_where_none_is_asked_for(database, helpers, tmp_path):
    helpers.load(f"{database}&index=none", helpers.three_parts(tmp_path))
    assert not [definition for _, definition in indexes(database) if "hnsw" in definition]


def test_two_tables_of_any_name(database, helpers, tmp_path):
    parts = helpers.three_parts(tmp_path)
    helpers.load(f"{database}&table=one%20%22%25s%22", parts)
    helpers.load(f"{database}&table=two", parts[:1])
    assert query(database, 'SELECT count(*) FROM "one ""%s"""') == [(60,)]
    assert query(database, "SELECT count(*) FROM two") == [(20,)]
    assert helpers.load(f"{database}&table=one%20%22%25s%22", parts).added == 0


def test_rows_lost_from_the_table_come_back_and_foreign_ones_go(database, helpers, tmp_path):
    parts = helpers.three_parts(tmp_path)
    helpers.load(database, parts)
    query(database, "DELETE FROM poolwise_vectors WHERE id = 131")
    result = helpers.load(database, parts)
    assert (result.rows, result.added, result.updated) == (60, 1, 0)
    query(database, "INSERT INTO poolwise_vectors (id) VALUES (7)")
    assert helpers.load(database, parts).deleted == 1
    query(database, "DROP TABLE poolwise_vectors")
    assert helpers.load(database, parts).added == 60


def test_a_table_of_others_is_left_alone(database, helpers, tmp_path):
    query(
        database, "CREATE TABLE poolwise_vectors (id bigint); INSERT INTO poolwise_vectors SELECT 1"
    )
    with pytest.raises(StoreError, match="was not made by poolwise"):
        helpers.load(database, helpers.three_parts(tmp_path))
    assert query(database, "SELECT id FROM poolwise_vectors") == [(1,)]


def test_other_columns_than_the_table_has(database, helpers, tmp_path):
    helpers.load(database, helpers.three_parts(tmp_path))
    with pytest.raises(
        StoreError, match=r"found mean_m1 vector\(16\), expected mean_m1 vector\(8\)"
    ):
        helpers.load(database, helpers.three_parts(tmp_path, width=8))


def test_nul_in_a_text_names_the_column_which_can_be_left_out(database, helpers, tmp_path):
    note = pa.array(["a", "b\0"])
    table = helpers.rows([1, 2], helpers.vectors(2), note=note, more=pa.array([["\0"], []]))
    parts = [helpers.write_part(tmp_path, 0, table)]
    with pytest.raises(StoreError, match=r"from 1 to 2 the column 'note' has .* NUL.*without=note"):
        helpers.load(database, parts)
    with pytest.raises(StoreError, match=r"column 'more' has .* NUL.*without=more"):
        helpers.load(f"{database}&without=note", parts)
    address = f"{database}&without=note&without=more"
    assert helpers.load(address, parts).added == 2
    assert {"note", "more"}.isdisjoint(name for name, *_ in types_of(database))
    with pytest.raises(StoreError, match="without=nothing names no column"):
        helpers.load(f"{database}&without=nothing", parts)


def test_a_server_without_pgvector(database, helpers, tmp_path, monkeypatch):
    monkeypatch.setattr(postgres_table, "_EXTENSION", "absent")
    with pytest.raises(StoreError, match=r"has no pgvector \(.*\"absent\".*; install pgvector"):
        helpers.load(database, helpers.three_parts(tmp_path))


def test_the_extension_is_made(own_database, helpers, tmp_path):
    assert helpers.load(own_database, helpers.three_parts(tmp_path)).added == 60


def test_a_user_who_may_not_make_the_extension(own_database, helpers, tmp_path):
    database = own_database
    query(
        database,
        "DO $$ BEGIN CREATE ROLE reader LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$",
    )
    address = database.replace("//postgres:", "//reader:")
    with pytest.raises(StoreError, match="run CREATE EXTENSION vector"):
        helpers.load(address, helpers.three_parts(tmp_path))
    query(database, "CREATE EXTENSION vector")
    with pytest.raises(StoreError, match="permission denied for schema public"):
        helpers.load(address, helpers.three_parts(tmp_path))


def test_a_server_that_is_not_there_and_a_password_that_is_not_told(tmp_path, helpers):
    parts = helpers.three_parts(tmp_path)
    with pytest.raises(StoreError, match="cannot be reached") as caught:
        helpers.load(f"postgresql://me:hidden@/db?host={tmp_path}", parts)
    assert "hidden" not in str(caught.value)


def test_what_is_loaded_is_noted_with_its_hash(database, helpers, tmp_path):
    parts = helpers.three_parts(tmp_path)
    helpers.load(database, parts)
    found = query(database, "SELECT target, part, sha256, rows FROM poolwise_parts ORDER BY part")
    assert found == [("poolwise_vectors", part.name, part.sha256, 20) for part in parts]


def test_a_load_that_is_interrupted_has_whole_parts(database, helpers, tmp_path):
    parts = helpers.three_parts(tmp_path)

    class Interrupted:
        count = 0

        def advance(self, count):
            self.count += count
            if self.count > 45:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        open_target(database).load(parts, Interrupted())
    assert query(database, "SELECT count(*) FROM poolwise_vectors") == [(40,)]
    assert helpers.load(database, parts).added == 20


def test_json_of_a_struct_keeps_what_json_has(database, helpers, tmp_path):
    value = {"when": datetime.date(2020, 1, 1), "big": decimal.Decimal("1.10"), "text": "ü\u2028"}
    table = helpers.rows([1], helpers.vectors(1), about=pa.array([value]))
    helpers.load(database, [helpers.write_part(tmp_path, 0, table)])
    [(found,)] = query(database, "SELECT about::text FROM poolwise_vectors")
    assert json.loads(found) == {"when": "2020-01-01", "big": "1.10", "text": "ü\u2028"}
