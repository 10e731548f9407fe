"""Parts as a job writes them, and what each target holds."""

import hashlib
import json
import sys
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from poolwise.jobs.targets import PartFile, open_target
from poolwise.progress import Progress

KINDS = ("postgresql", "lance", "faiss", "usearch")
DTYPES = {"float32": np.float32, "float16": np.float16, "int8": np.int8, "binary": np.uint8}


def vectors(n, width=16, dtype="float32", seed=0):
    random = np.random.default_rng(seed)
    if dtype in ("int8", "binary"):
        low, high = (-127, 128) if dtype == "int8" else (0, 256)
        return random.integers(low, high, (n, width)).astype(DTYPES[dtype])
    return random.normal(size=(n, width)).astype(DTYPES[dtype])


def vector_column(values, null=()):
    mask = pa.array(np.isin(np.arange(len(values)), null))
    flat = pa.array(np.ascontiguousarray(values).reshape(-1))
    return pa.FixedSizeListArray.from_arrays(flat, values.shape[1], mask=mask)


def rows(ids, values, *, null=(), name="mean@-1", **extra):
    """A table of a part: row ``null[…]`` are bad ones."""
    n = len(values)
    bad = np.isin(np.arange(n), null)
    return pa.table(
        {
            "id": pa.array(ids),
            "text": pa.array([f"text of {id_}" for id_ in ids]),
            **extra,
            name: vector_column(values, null),
            "n_tokens": pa.array([*range(n)], pa.int32()),
            "truncated": pa.array([False] * n),
            "empty": pa.array(bad),
            "nonfinite": pa.array([False] * n),
            "problem": pa.array(["empty" if wrong else None for wrong in bad], pa.string()),
            "text_hash": pa.array([hash(id_) % 2**62 for id_ in ids], pa.int64()),
        }
    )


def write_part(folder, number, table, readouts=("mean@-1",), columns=None, group=7):
    about = {"poolwise.readouts": json.dumps(readouts), "poolwise.part": str(number)}
    if columns:
        about["poolwise.columns"] = json.dumps(columns)
    path = folder / f"part-{number:05}.parquet"
    pq.write_table(table.replace_schema_metadata(about), path, row_group_size=group)
    return PartFile(path, hashlib.sha256(path.read_bytes()).hexdigest(), len(table))


def three_parts(folder, n=60, *, dtype="float32", ids=None, width=16, seed=0, null=(3,), size=20):
    """Parts of ``size`` rows, of which row 3 of each is bad. Binary vectors are as the step writes
    them, bytes less 128."""
    values, name, about = vectors(n, width, dtype, seed), "mean@-1", {}
    ids = [*range(100, 100 + n)] if ids is None else ids
    if dtype == "binary":
        values, name = (values.astype(np.int16) - 128).astype(np.int8), "mean_m1"
        about = {"readouts": ["mean@-1|binary"], "columns": {name: "mean@-1|binary"}}
    return [
        write_part(
            folder,
            at // size,
            rows(ids[at : at + size], values[at : at + size], null=null, name=name),
            **about,
        )
        for at in range(0, n, size)
    ]


def load(address, parts):
    with Progress("rows", show=False) as progress:
        result = open_target(address).load(parts, progress)
    assert progress.count == sum(part.rows for part in parts)
    return result


def expected(parts, dtype="float32"):
    """By id the bytes of the vector in the parts, None for a bad row."""
    table = pa.concat_tables([pq.read_table(part.path) for part in parts])
    column = table["mean_m1" if dtype == "binary" else "mean@-1"].to_pylist()
    offset = 128 if dtype == "binary" else 0
    return {
        id_: None if vector is None else (np.array(vector) + offset).astype(DTYPES[dtype]).tobytes()
        for id_, vector in zip(table["id"].to_pylist(), column, strict=True)
    }


@pytest.fixture
def own_database(postgres):
    """The address of a new database, without the extension."""
    import psycopg

    name = f"d{uuid.uuid4().hex}"
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return postgres.replace("/postgres?", f"/{name}?")


@dataclass
class Place:
    """A target of a kind, and what it holds."""

    kind: str
    address: str
    read: Callable
    neighbours: Callable


@pytest.fixture(params=KINDS)
def place(request, tmp_path):
    """A target of each kind that is empty."""
    return place_of(request.param, request, tmp_path)


def place_of(kind, request, tmp_path):
    match kind:
        case "postgresql":
            address = request.getfixturevalue("database")
            return Place(kind, address, read_postgres, search_postgres)
        case "lance":
            return Place(kind, f"lance:{tmp_path / 'lance'}", read_lance, search_lance)
        case "faiss":
            return Place(kind, f"faiss:{tmp_path / 'vectors.faiss'}", read_faiss, search_faiss)
    return Place(kind, f"usearch:{tmp_path / 'vectors.usearch'}", read_usearch, search_usearch)


def query_postgres(address, query):
    import psycopg

    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("SET enable_seqscan = off")
        connection.execute("SET hnsw.ef_search = 200") if "<" in query else None
        return connection.execute(query).fetchall()


def read_postgres(address, vector):
    kind, dtype = ("vector", ">f4") if vector == "float32" else ("halfvec", ">f2")
    send = "bit_send" if vector == "binary" else f"{kind}_send"
    found = query_postgres(address, f"SELECT id, {send}(mean_m1) FROM poolwise_vectors")
    if vector == "binary":
        return {id_: data and data[4:] for id_, data in found}
    return {
        id_: data and np.frombuffer(data[4:], dtype).astype(DTYPES[vector]).tobytes()
        for id_, data in found
    }


def search_postgres(address, vector, query):
    if vector == "binary":
        bits = "".join(map(str, np.unpackbits(query)))
        order = f"<~> B'{bits}'"
    else:
        kind = "vector" if vector == "float32" else "halfvec"
        order = f"<=> '{query.tolist()}'::{kind}"
    found = query_postgres(
        address, f"SELECT id FROM poolwise_vectors ORDER BY mean_m1 {order} LIMIT 10"
    )
    return [id_ for (id_,) in found]


def lance_table(address):
    import lancedb

    return lancedb.connect(address.partition(":")[2]).open_table("poolwise_vectors")


def read_lance(address, vector):
    table = lance_table(address).to_arrow()
    return {
        id_: None if values is None else np.array(values, DTYPES[vector]).tobytes()
        for id_, values in zip(table["id"].to_pylist(), table["mean_m1"].to_pylist(), strict=True)
    }


def search_lance(address, vector, query):
    search = lance_table(address).search(query, vector_column_name="mean_m1")
    metric = "hamming" if vector == "binary" else "cosine"
    return search.distance_type(metric).limit(10).to_arrow()["id"].to_pylist()


def index_file(address):
    return Path(address.partition(":")[2])


def ids_of(address, keys):
    """The ids of numbers in an index."""
    path = index_file(address)
    about = json.loads(path.with_name(path.name + ".json").read_text())
    if about["numbers"] == "ids":
        return [int(key) for key in keys]
    lines = path.with_name(path.name + ".ids").read_text().splitlines()
    return [json.loads(lines[int(key)]) for key in keys]


def open_faiss(address, vector):
    import faiss

    faiss.omp_set_num_threads(1)
    read = faiss.read_index_binary if vector == "binary" else faiss.read_index
    return read(str(index_file(address)))


def read_faiss(address, vector):
    """FAISS keeps unit vectors, so these are not the bits of the parts."""
    import faiss

    index = open_faiss(address, vector)
    keys = faiss.vector_to_array(index.id_map)
    found = [index.reconstruct(int(key)) for key in keys]
    return dict(zip(ids_of(address, keys), (values.tobytes() for values in found), strict=True))


def search_faiss(address, vector, query):
    query = query if vector == "binary" else query.astype(np.float32)
    _, keys = open_faiss(address, vector).search(query[None], 10)
    return ids_of(address, keys[0])


def open_usearch(address):
    from usearch.index import Index

    return Index.restore(str(index_file(address)))


def read_usearch(address, vector):
    index = open_usearch(address)
    keys = [index.keys[i] for i in range(len(index))]  # iteration has no end in 2.19
    found = [index.get(int(key), dtype=index.dtype) for key in keys]
    return dict(zip(ids_of(address, keys), (values.tobytes() for values in found), strict=True))


def search_usearch(address, vector, query):
    return ids_of(address, open_usearch(address).search(query, 10, threads=1).keys)


@pytest.fixture(scope="session")
def helpers():
    """The functions above."""
    return sys.modules[__name__]
