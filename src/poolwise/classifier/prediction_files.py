"""Files of predictions: CSV, JSON Lines, Parquet."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from poolwise.classifier.csv_formulas import LABELS, Column, guarded
from poolwise.classifier.output_space import OutputSpace
from poolwise.classifier.predictions import Record, Write, label_and_probability
from poolwise.errors import StoreError
from poolwise.files import AtomicFile
from poolwise.stores.sink import as_strings
from poolwise.stores.store import writing


class _File(Protocol):
    def write(self, rows: Sequence[Record]) -> None: ...

    def close(self) -> None:
        """Write what is left; the binary file stays open."""

    def discard(self) -> None:
        """Write nothing more."""


class _Csv:
    """``id,text,label,probability``; formulas are escaped in the ``csv_safe`` columns."""

    def __init__(
        self,
        file: BinaryIO,
        space: OutputSpace,
        provenance: Mapping[str, Any],
        csv_safe: Collection[Column],
    ) -> None:
        self._csv_safe = csv_safe
        self._text = io.TextIOWrapper(file, "utf-8", newline="", write_through=True)
        self._writer = csv.writer(self._text)
        self._writer.writerow(["id", "text", "label", "probability"])

    def write(self, rows: Sequence[Record]) -> None:
        self._writer.writerows(map(self._fields, rows))

    def _fields(self, row: Record) -> list[Any]:
        label, probability = label_and_probability(row)
        columns = {"id": row["id"], "text": row["text"], "label": label}
        columns |= {name: guarded(str(columns[name])) for name in self._csv_safe}
        return [*columns.values(), probability]

    def close(self) -> None:
        self._text.detach()

    def discard(self) -> None:
        with suppress(OSError):  # detaching flushes, and the disk may be full
            self._text.detach()


class _JsonLines:
    """A record a line."""

    def __init__(self, file: BinaryIO, *_: Any) -> None:
        self._file = file

    def write(self, rows: Sequence[Record]) -> None:
        lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        self._file.write("".join(lines).encode())

    def close(self) -> None: ...

    discard = close


class _Parquet:
    """A column a field; ``probabilities`` is a struct of float32 by label."""

    def __init__(
        self, file: BinaryIO, space: OutputSpace, provenance: Mapping[str, Any], _: Any
    ) -> None:
        import pyarrow as pa  # type: ignore[import-untyped]  # noqa: PLC0415 - others need none

        self._pa, self._file, self._space = pa, file, space
        self._metadata = as_strings(provenance)
        self._writer: Any = None

    def write(self, rows: Sequence[Record]) -> None:
        import pyarrow.parquet as pq  # type: ignore[import-untyped]  # noqa: PLC0415 - likewise

        if self._writer is None:
            schema = self._schema(rows[0]).with_metadata(self._metadata)
            self._writer = pq.ParquetWriter(self._file, schema, compression="zstd")
        try:
            table = self._pa.Table.from_pylist(list(rows), self._writer.schema)
        except (self._pa.ArrowInvalid, self._pa.ArrowTypeError, OverflowError) as error:
            raise StoreError(
                f"the ids begin as {self._writer.schema.field('id').type}, and then one is not: "
                f"{error}; they must be all 64-bit integers or all texts"
            ) from None
        self._writer.write_table(table)

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()

    def discard(self) -> None:
        if self._writer is not None:
            self._writer.is_open = False  # or it writes a footer when it is collected

    def _schema(self, first: Record) -> Any:
        pa, kind = self._pa, self._space.kind
        labels = {
            "classification": pa.string(),
            "multilabel": pa.list_(pa.string()),
            "regression": pa.float32(),
        }
        shares = pa.struct([(label, pa.float32()) for label in self._space.labels])
        types = {
            "id": pa.string() if isinstance(first["id"], str) else pa.int64(),
            "text": pa.string(),
            "label": labels[kind],
            "probability": pa.float32(),
            "probabilities": shares,
        }
        return pa.schema([(name, types[name]) for name in first])


FILES: Mapping[
    str, Callable[[BinaryIO, OutputSpace, Mapping[str, Any], Collection[Column]], _File]
] = {
    ".csv": _Csv,
    ".jsonl": _JsonLines,
    ".parquet": _Parquet,
}
"""By suffix."""


@contextmanager
def prediction_file(
    path: Path,
    space: OutputSpace,
    provenance: Mapping[str, Any],
    *,
    overwrite: bool,
    csv_safe: Collection[Column] = LABELS,
) -> Iterator[Write]:
    """A function that writes records, in the format that the suffix names.

    ``provenance`` goes into a Parquet file's metadata. The columns ``csv_safe`` of a CSV file are
    ``guarded`` against being read as formulas. The file appears under its name when the block
    ends without an exception, or never. Raises StoreError, at the start if the suffix is unknown or
    the file exists and ``overwrite`` is false.
    """
    if path.suffix not in FILES:
        raise StoreError(f"{path} ends with none of {', '.join(FILES)}")
    rows = 0
    with writing(path, rows):
        output = AtomicFile(path, overwrite)
        file = FILES[path.suffix](output.file, space, provenance, csv_safe)

    def write(records: Sequence[Record]) -> None:
        nonlocal rows
        with writing(path, rows):
            file.write(records)
        rows += len(records)

    try:
        yield write
        with writing(path, rows):
            file.close()
            output.commit()
    except BaseException:
        file.discard()
        output.discard()
        raise
