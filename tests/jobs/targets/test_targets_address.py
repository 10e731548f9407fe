"""Addresses of targets, and what is said of one that is none."""

import pytest

from poolwise.errors import MissingExtraError, OptionError
from poolwise.jobs.targets import open_target
from poolwise.jobs.targets.address import shown_address


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("out.parquet", "found the target 'out.parquet', expected postgresql://"),
        ("lance:", "found the target 'lance:', expected"),
        ("mysql://host/db", "a target of the kind 'mysql', expected postgresql://"),
        ("postgresql:host", "a target of the kind 'postgresql', expected postgresql://"),
        ("lance:#table", "found no file name in 'lance:#table'"),
        ("faiss:?readout=a", "found no file name"),
        ("faiss:f?column=a", "found 'column=a' after the [?] of 'faiss:f[?]column=a', expected"),
        ("usearch:f?readout=", "expected readout=SPEC"),
        ("postgresql://h/d?index=ivf", "found index='ivf', expected hnsw or none"),
        ("postgresql://h/d?table=", "found the table name '', expected one of 1 to 63 bytes"),
        (f"postgresql://h/d?table={'a' * 64}", "expected one of 1 to 63 bytes"),
    ],
)
def test_what_is_no_address(address, message):
    with pytest.raises(OptionError, match=message):
        open_target(address)


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("postgresql://me:a@b:c@host:5/db?table=t", "postgresql://me:***@host:5/db?table=t"),
        ("postgres://me@/db?password=secret&host=/s", "postgres://me@/db?password=***&host=/s"),
        ("postgresql://host:5432/db", "postgresql://host:5432/db"),
        ("postgresql:///db?host=a:b@c", "postgresql:///db?host=a:b@c"),
        ("faiss:a:b@c", "faiss:a:b@c"),
    ],
)
def test_a_password_is_not_shown(address, shown):
    assert shown_address(address) == shown


@pytest.mark.parametrize(
    ("address", "package", "extra"),
    [
        ("postgresql://host/db", "psycopg", "pgvector"),
        ("lance:folder", "lancedb", "lance"),
        ("faiss:file", "faiss", "faiss"),
        ("usearch:file", "usearch.index", "usearch"),
    ],
)
def test_a_package_that_is_absent(address, package, extra, helpers, tmp_path, monkeypatch):
    import sys

    monkeypatch.chdir(tmp_path)
    for name in ("lance_table", "postgres_table"):
        monkeypatch.delitem(sys.modules, f"poolwise.jobs.targets.{name}", raising=False)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtraError, match=rf"poolwise\[{extra}\]"):
        helpers.load(address, helpers.three_parts(tmp_path))
