"""Vectors into one file: whole, or not at all."""

from __future__ import annotations

import errno
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from poolwise.errors import StoreError, listed
from poolwise.records import ROW_FLAGS, VectorBatch
from poolwise.stores.npy import NpySink
from poolwise.stores.safetensors import SafetensorsSink
from poolwise.stores.sink import Layout, Sink


def _parquet(target: Path, layout: Layout, overwrite: bool) -> Sink:
    from poolwise.stores.parquet import ParquetSink  # noqa: PLC0415 - others need no pyarrow

    return ParquetSink(target, layout, overwrite)


SINKS: dict[str, Callable[[Path, Layout, bool], Sink]] = {
    ".parquet": _parquet,
    ".npy": NpySink,
    ".safetensors": SafetensorsSink,
}
"""By suffix; called with target, layout, overwrite."""

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_TYPES = {"float32", "int8"}


class Store:
    """Takes batches. ``rows`` counts them; ``metadata`` may be added to until the store closes."""

    def __init__(
        self, path: Path, readouts: Sequence[str], sink: Sink, metadata: Mapping[str, Any]
    ) -> None:
        self.rows = 0
        self.metadata = dict(metadata)
        self._path = path
        self._sink = sink
        self._layout: dict[str, tuple[str, int]] = {}
        self._readouts = readouts
        self._flag_counts: Counter[str] = Counter(dict.fromkeys(ROW_FLAGS, 0))

    def write(self, batch: VectorBatch) -> None:
        """Append rows. Raises StoreError if they do not fit the rows before, or the disk."""
        layout = {name: _layout_of(batch, name) for name in self._readouts}
        self._layout = self._layout or layout
        if layout != self._layout:
            raise StoreError(f"the vectors were {self._layout}, and now are {layout}")
        if not len(batch):
            return
        with writing(self._path, self.rows):
            self._sink.write(batch)
        self.rows += len(batch)
        self._flag_counts.update(batch.flag_counts())

    def _commit(self) -> None:
        if not self.rows:
            raise StoreError(f"no rows came, so {self._path} was not written")
        summary = {"readouts": list(self._readouts), "rows": self.rows, **self._flag_counts}
        with writing(self._path, self.rows):
            self._sink.commit({**self.metadata, **summary})


@contextmanager
def create(
    path: str | os.PathLike[str],
    readouts: Sequence[str],
    *,
    metadata: Mapping[str, Any] | None = None,
    with_text: bool = False,
    extra_columns: Mapping[str, Any] | None = None,
    column_names: Mapping[str, str] | None = None,
    overwrite: bool = False,
) -> Iterator[Store]:
    """A store to write batches to, in the format that the suffix names.

    ``.parquet``: any number of readouts, ids, row flags, texts if ``with_text``, and the values of
    ``Sentence.extra`` in ``extra_columns`` (names and Arrow types, as ``Texts.extra_columns``).
    ``.safetensors``: the same without texts, extra columns, and ids that are not integers.
    ``.npy``: one readout, nothing else; the metadata and the number of flagged rows go to
    ``NAME.npy.json``. A column or tensor is called as its readout, ``column_names`` has other names
    by readout. ``metadata`` (values that JSON can hold) goes into the file under ``poolwise.*``,
    with ``readouts``, ``columns`` (the readouts of ``column_names``, by name), ``rows`` and the
    number of rows ``truncated``, ``empty`` and ``nonfinite``.

    The file appears under its name when the block ends without an exception; after any
    exception nothing is left. Memory does not grow with the number of rows. Raises StoreError,
    at the start if the suffix is unknown or the file exists and ``overwrite`` is false.
    """
    target = Path(path)
    names = list(dict.fromkeys(readouts))
    if target.suffix not in SINKS:
        raise StoreError(f"{target} ends with none of {', '.join(SINKS)}")
    if not names:
        raise StoreError(f"no readouts to write to {target}")
    layout = Layout(names, with_text, extra_columns or {}, column_names or {})
    with writing(target, 0):
        sink = SINKS[target.suffix](target, layout, overwrite)
    try:
        renamed = {column: name for name, column in layout.column_names.items()}
        described = {"columns": renamed} if renamed else {}
        store = Store(target, names, sink, {**(metadata or {}), **described})
        yield store
        store._commit()
    except BaseException:
        sink.discard()
        raise


@contextmanager
def writing(path: Path, rows: int) -> Iterator[None]:
    """Around writing to ``path``: an OSError is a StoreError that says what to do."""
    try:
        yield
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        if error.errno not in _FULL:
            raise StoreError(f"cannot write {path}: {reason}") from error
        raise StoreError(
            f"no room for {path}: {reason}, when {rows} rows had been written; nothing is left "
            "under that name. Free some space or write elsewhere"
        ) from error


def _layout_of(batch: VectorBatch, name: str) -> tuple[str, int]:
    """Type and width of a readout's vectors."""
    if name not in batch.vectors:
        raise StoreError(f"no vectors for {name!r} came; there are {listed(batch.vectors)}")
    vectors = batch.vectors[name]
    if vectors.ndim != 2 or len(vectors) != len(batch) or vectors.dtype.name not in _TYPES:
        raise StoreError(
            f"{name}: found {vectors.dtype} {list(vectors.shape)}, "
            f"expected float32 or int8 [{len(batch)}, d]"
        )
    return vectors.dtype.name, vectors.shape[1]
