"""What a classifier says of texts: one record a text, and files of them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from poolwise.classifier.classifier import OUTPUTS, named, probabilities
from poolwise.classifier.csv_formulas import LABELS, Column, guarded
from poolwise.classifier.output_space import OutputSpace
from poolwise.errors import StoreError
from poolwise.files import AtomicFile
from poolwise.records import VectorBatch
from poolwise.stores.sink import as_strings
from poolwise.stores.store import writing
from poolwise.texts.fields import SEPARATOR

Record = Mapping[str, Any]
"""``id``, ``text``, ``label``; ``probability`` of one label, and all ``probabilities`` by label.

``label`` is a list where a text has several, and a number of a regression, which has no
probabilities. All are None where the outputs are not finite.
"""


def records(batch: VectorBatch, space: OutputSpace) -> Iterator[Record]:
    """A record of each text of ``Classifier.batches``."""
    outputs = batch.vectors[OUTPUTS]
    sentences = ({"id": row.id, "text": row.text} for row in batch.sentences)
    if space.kind == "regression":
        for row, (number,), lost in zip(sentences, outputs.tolist(), batch.nonfinite, strict=True):
            yield {**row, "label": None if lost else number}
        return
    shares = probabilities(space, outputs).tolist()
    for row, label, own in zip(sentences, named(space, outputs), shares, strict=True):
        by_label = None if label is None else dict(zip(space.labels, own, strict=True))
        one = {"probability": by_label and by_label[label]} if _is_single(space) else {}
        yield {**row, "label": label, **one, "probabilities": by_label}


def flat(record: Record) -> tuple[str, str]:
    """Label and probability as text; several with ``;`` between them, "" where there is none."""
    label, shares = record["label"], record.get("probabilities") or {}
    if label is None:
        return "", ""
    if isinstance(label, float):
        return f"{label:.6g}", ""
    labels = [label] if isinstance(label, str) else label
    return SEPARATOR.join(labels), SEPARATOR.join(f"{shares[name]:.4f}" for name in labels)


class _File(Protocol):
    def write(self, rows: Sequence[Record]) -> None: ...

    def close(self) -> None:
        """Write what is left; the binary file stays open."""

    def discard(self) -> None:
        """Write nothing more."""


class _Csv:
    """``id,text,label,probability``, as ``flat`` has them; no ``safe`` column has formulas."""

    def __init__(
        self,
        file: BinaryIO,
        space: OutputSpace,
        made: Mapping[str, Any],
        safe: Collection[Column],
    ) -> None:
        self._safe = safe
        self._text = io.TextIOWrapper(file, "utf-8", newline="", write_through=True)
        self._writer = csv.writer(self._text)
        self._writer.writerow(["id", "text", "label", "probability"])

    def write(self, rows: Sequence[Record]) -> None:
        self._writer.writerows(map(self._fields, rows))

    def _fields(self, row: Record) -> list[Any]:
        label, probability = flat(row)
        columns = {"id": row["id"], "text": row["text"], "label": label}
        columns |= {name: guarded(str(columns[name])) for name in self._safe}
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

    def __init__(self, file: BinaryIO, space: OutputSpace, made: Mapping[str, Any], _: Any) -> None:
        import pyarrow as pa  # type: ignore[import-untyped]  # noqa: PLC0415 - others need none

        self._pa, self._file, self._space, self._made = pa, file, space, made
        self._writer: Any = None

    def write(self, rows: Sequence[Record]) -> None:
        import pyarrow.parquet as pq  # type: ignore[import-untyped]  # noqa: PLC0415 - likewise

        if self._writer is None:
            schema = self._schema(rows[0]).with_metadata(as_strings(self._made))
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
        known = {
            "id": pa.string() if isinstance(first["id"], str) else pa.int64(),
            "text": pa.string(),
            "label": labels[kind],
            "probability": pa.float32(),
            "probabilities": shares,
        }
        return pa.schema([(name, known[name]) for name in first])


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
    made: Mapping[str, Any],
    *,
    overwrite: bool,
    csv_safe: Collection[Column] = LABELS,
) -> Iterator[Callable[[Sequence[Record]], None]]:
    """What takes records, some at a time, and writes them in the format that the suffix names.

    ``made`` goes into a Parquet file's metadata. Of CSV, the columns ``csv_safe`` are ``guarded``
    against being read as formulas. The file appears under its name when the block
    ends without an exception, or never. Raises StoreError, at the start if the suffix is unknown or
    the file exists and ``overwrite`` is false.
    """
    if path.suffix not in FILES:
        raise StoreError(f"{path} ends with none of {', '.join(FILES)}")
    rows = 0
    with writing(path, rows):
        output = AtomicFile(path, overwrite)
        file = FILES[path.suffix](output.file, space, made, csv_safe)

    def write(some: Sequence[Record]) -> None:
        nonlocal rows
        with writing(path, rows):
            file.write(some)
        rows += len(some)

    try:
        yield write
        with writing(path, rows):
            file.close()
            output.commit()
    except BaseException:
        file.discard()
        output.discard()
        raise


def _is_single(space: OutputSpace) -> bool:
    return space.kind == "classification"
