"""Where vectors are stored, by what names it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path, PurePath
from typing import Any

from poolwise.doctor.stored.array_files import open_npy, open_npz, open_tensors
from poolwise.doctor.stored.array_table import memory_table
from poolwise.doctor.stored.arrow_table import frame_table
from poolwise.doctor.stored.lance_table import StoredLanceTable
from poolwise.doctor.stored.parquet_table import ParquetTable
from poolwise.doctor.stored.postgres_table import StoredPostgresTable
from poolwise.doctor.stored.vector_table import VectorTable
from poolwise.errors import StoreError, TextError
from poolwise.jobs.targets.address import LanceAddress, PostgresAddress, table_address
from poolwise.jobs.targets.postgres_connection import connect
from poolwise.texts.files import TextFile
from poolwise.texts.input_names import expand_inputs
from poolwise.texts.memory import is_table
from poolwise.texts.remote_files import is_url, shown_url

_EXPECTED = (
    "expected a Parquet file or a folder of them, .npy, .npz, .safetensors, "
    "postgresql://user@host/database?table=NAME or lance:FOLDER#TABLE"
)
_FORMATS = {b"\x93NUMPY": open_npy, b"PK\x03\x04": open_npz}
_PARQUET = b"PAR1"


@contextmanager
def opened_table(vectors: Any) -> Iterator[VectorTable]:
    """The table that ``vectors`` names or is. Raises StoreError where it cannot be read, and
    MissingExtraError without the package that reads it."""
    if not isinstance(vectors, str | PurePath):
        in_table = is_table(vectors) or hasattr(vectors, "__arrow_c_stream__")
        yield frame_table(vectors, "vectors") if in_table else memory_table(vectors, "vectors")
        return
    name = str(vectors)
    match table_address(name):
        case PostgresAddress() as address:
            with closing(connect(address.location, "a PostgreSQL table")) as connection:
                yield StoredPostgresTable(connection, address.table)
        case LanceAddress() as address:
            yield StoredLanceTable(address)
        case _:
            yield _of_files(name)


def _of_files(name: str) -> VectorTable:
    try:
        files = expand_inputs([name])
    except TextError as error:
        raise StoreError(str(error)) from error
    if files == [name] and not is_url(name):
        return _of_file(name)
    kept = [file for file in files if file.lower().endswith(".parquet")]
    if kept:
        return ParquetTable(kept, shown_url(name) if is_url(name) else name)
    if len(files) == 1 and not is_url(name):
        return _of_file(files[0])
    found = Path(files[0]).name
    raise StoreError(
        f"{shown_url(name)} holds {len(files):,} files such as {found!r:.60} and no Parquet, which "
        "is all that is read from folders, globs and URLs; name one file on this machine"
    )


def _of_file(name: str) -> VectorTable:
    """A file, by its first bytes, and else by its suffix."""
    path = Path(name)
    try:
        TextFile(name).check()
        with TextFile(name).stored() as stored:
            head = stored.read(8)
    except TextError as error:
        raise StoreError(str(error)) from error
    except OSError as error:
        raise StoreError(f"{name} cannot be read: {error.strerror or error}") from error
    if head.startswith(_PARQUET):
        return ParquetTable([name], name)
    for magic, open_file in _FORMATS.items():
        if head.startswith(magic):
            return open_file(path)
    match path.suffix.lower():
        case ".safetensors":
            return open_tensors(path)
        case ".npy" | ".npz" as suffix:
            kind = (
                "a pickle, which is refused since loading it can run any program"
                if (head.startswith(b"\x80"))
                else f"no {suffix} file"
            )
            raise StoreError(f"{name} is {kind}; write an array [n, d] of numbers with numpy.save")
        case ".parquet":
            return ParquetTable([name], name)
    raise StoreError(f"{name} holds no vectors that are known, {_EXPECTED}")
