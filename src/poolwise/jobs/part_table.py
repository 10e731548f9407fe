"""The columns of a part."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
from numpy.typing import NDArray

from poolwise.errors import StoreError
from poolwise.jobs.window import WindowVectors
from poolwise.records import ROW_FLAGS, Sentence, VectorBatch
from poolwise.stores.parquet import extra_column
from poolwise.stores.parquet_output import vector_array
from poolwise.stores.sink import Layout
from poolwise.texts.corpus_rows import CorpusRow

_FLOAT16 = np.dtype(np.float16)


@dataclass(frozen=True, slots=True)
class PartColumns:
    """``layout`` says what a row holds; ``widths`` and ``dtypes`` are those of the vectors, by
    readout; ``ids`` is Arrow's type of ids.

    Beside the columns of a Parquet file of ``poolwise embed``, parts have ``problem`` (why a row
    has no vectors, else null) and ``text_hash`` (see ``text_hash``). What is unknown of a row
    without vectors is null.
    """

    layout: Layout
    ids: pa.DataType
    widths: Mapping[str, int]
    dtypes: Mapping[str, np.dtype[Any]]

    @property
    def vectors(self) -> list[str]:
        """The columns of vectors."""
        return [self.layout.column_of(readout) for readout in self.layout.readouts]

    def schema(self) -> pa.Schema:
        layout = self.layout
        columns: list[tuple[str, pa.DataType]] = [("id", self.ids)]
        if layout.with_text:
            columns.append(("text", pa.string()))
        columns += layout.extra_columns.items()
        columns += [
            (
                layout.column_of(readout),
                pa.list_(pa.from_numpy_dtype(self.dtypes[readout]), self.widths[readout]),
            )
            for readout in layout.readouts
        ]
        columns.append(("n_tokens", pa.int32()))
        columns += [(flag, pa.bool_()) for flag in ROW_FLAGS]
        columns += [("problem", pa.string()), ("text_hash", pa.int64())]
        return pa.schema(columns)

    def table(self, window: WindowVectors, *, skip: bool) -> pa.Table:
        """The rows of a window; ``skip`` leaves out those without vectors.

        Raises StoreError for a value that its column cannot hold.
        """
        rows, problems = window.rows, window.problems
        kept = [at for at in range(len(rows)) if not (skip and at in problems)]
        sentences = [rows[at].sentence for at in kept]
        absent = np.array([at in problems for at in kept], np.bool_)
        texts = [None if missing else s.text for s, missing in zip(sentences, absent, strict=True)]
        hashes = [None if text is None else text_hash(text) for text in texts]
        n_tokens = _spread([batch.n_tokens for batch in window.batches], absent, np.int32)
        columns = {
            "id": self._ids([s.id for s in sentences]),
            "text": pa.array(texts, pa.string()),
            **self._extra(sentences),
            "n_tokens": pa.array(n_tokens, mask=absent),
            "problem": pa.array([problems.get(at) for at in kept], pa.string()),
            "text_hash": pa.array(hashes, pa.int64()),
        }
        for readout in self.layout.readouts:
            name = self.layout.column_of(readout)
            columns[name] = self._vectors(readout, window.batches, absent)
        for flag in ROW_FLAGS:
            flags = [self._flag(batch, flag) for batch in window.batches]
            columns[flag] = pa.array(_spread(flags, absent, np.bool_), mask=absent)
        schema = self.schema()
        return pa.Table.from_arrays([columns[name] for name in schema.names], schema=schema)

    @property
    def of_text(self) -> list[str]:
        """The columns that depend on a row's text alone."""
        return [*self.vectors, "n_tokens", *ROW_FLAGS, "text_hash"]

    def reused_table(self, rows: Sequence[CorpusRow], taken: pa.Table) -> pa.Table:
        """Rows with the columns ``of_text`` that they had in an earlier part."""
        columns = {
            **{name: taken[name] for name in self.of_text},
            "id": self._ids([row.sentence.id for row in rows]),
            "text": pa.array([row.text for row in rows], pa.string()),
            "problem": pa.nulls(len(rows), pa.string()),
        }
        columns |= self._extra([row.sentence for row in rows])
        schema = self.schema()
        return pa.Table.from_arrays([columns[name] for name in schema.names], schema=schema)

    def _extra(self, sentences: Sequence[Sentence]) -> dict[str, pa.Array]:
        """The kept columns."""
        return {
            name: extra_column([s.extra[at] if s.extra else None for s in sentences], name, type_)
            for at, (name, type_) in enumerate(self.layout.extra_columns.items())
        }

    def _ids(self, ids: Sequence[int | str | None]) -> pa.Array:
        if pa.types.is_string(self.ids):
            ids = [None if name is None else str(name) for name in ids]
        try:
            return pa.array(ids, self.ids)
        except (pa.ArrowException, OverflowError) as error:
            raise StoreError(
                f"an id is no {self.ids}, as the ids before it are: {error}; ids must be all "
                "64-bit integers or all texts"
            ) from None

    def _vectors(
        self, readout: str, batches: Sequence[VectorBatch], absent: NDArray[np.bool_]
    ) -> pa.Array:
        dtype = self.dtypes[readout]
        with np.errstate(over="ignore"):  # flagged
            vectors = [batch.vectors[readout].astype(dtype, copy=False) for batch in batches]
        spread = _spread(vectors, absent, dtype, self.widths[readout])
        return vector_array(spread, absent if absent.any() else None)

    def _flag(self, batch: VectorBatch, flag: str) -> NDArray[np.bool_]:
        """A flag of the rows; float16 may make values infinite that were not."""
        flags: NDArray[np.bool_] = getattr(batch, flag)
        if flag != "nonfinite":
            return flags
        for readout, dtype in self.dtypes.items():
            if dtype == _FLOAT16:
                limit = float(np.finfo(_FLOAT16).max)
                flags = flags | (np.abs(batch.vectors[readout]) > limit).any(axis=1)
        return flags


def text_hash(text: str) -> int:
    """The first 8 bytes of SHA-256 over the text in UTF-8, as a signed integer, the most
    significant byte first: what a later job knows an unchanged text by."""
    return int.from_bytes(
        hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:8], "big", signed=True
    )


def _spread(
    arrays: Sequence[NDArray[Any]], absent: NDArray[np.bool_], dtype: Any, width: int | None = None
) -> NDArray[Any]:
    """Values of the present rows, one after another, at their places among all rows."""
    if len(arrays) == 1 and not absent.any():
        return np.ascontiguousarray(arrays[0])
    shape = (len(absent),) if width is None else (len(absent), width)
    spread = np.zeros(shape, dtype)
    if arrays:
        spread[~absent] = np.concatenate(arrays)
    return spread
