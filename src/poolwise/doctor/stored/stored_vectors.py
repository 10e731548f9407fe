"""Vectors that exist already, with their texts."""

from __future__ import annotations

from typing import Any

import numpy as np

from poolwise.doctor.source import StoredVectors
from poolwise.doctor.stored.column_choice import (
    common_id_column,
    own_text_column,
)
from poolwise.doctor.stored.column_choice import (
    vector_column as chosen_vector_column,
)
from poolwise.doctor.stored.given_texts import given_texts
from poolwise.doctor.stored.matching import MatchedRows, match_ids, match_order
from poolwise.doctor.stored.opening import opened_table
from poolwise.doctor.stored.vector_table import VectorTable
from poolwise.errors import OptionError, StoreError
from poolwise.inputs import whole_number
from poolwise.texts.sampling import Sample

DEFAULT_LIMIT = 1000
"""Rows of a sample."""


def stored_vectors(
    vectors: Any,
    texts: Any = None,
    *,
    vector_column: str | None = None,
    text_column: str | None = None,
    id_column: str | None = None,
    limit: int | None = DEFAULT_LIMIT,
    seed: int = 0,
) -> StoredVectors:
    """At most ``limit`` vectors with their texts, drawn by ``seed`` from all parts of the whole.

    ``vectors``: a Parquet file, a folder or glob of them (also what a corpus job wrote), a URL of
    these; .npy, .npz or .safetensors; ``postgresql://user@host/database?table=NAME`` or
    ``lance:FOLDER#TABLE``, as targets of jobs are named; an array [n, d], a list of vectors, or a
    frame of pandas, polars or Arrow. Their numbers keep their type; pgvector's halfvec is float16,
    and its text form, in a column of texts that is named, float64.

    ``texts``: a file of a text a line, CSV, JSON lines or Parquet; a glob, folder or URL of these;
    a list of strings, or a frame. None where a column of ``vectors`` has them. Rows are matched by
    the ids in ``id_column``, else in a column such as ``id`` that both have, else by their order.

    Columns are found by their types and names where one alone fits. Rows without a vector or a text
    (null), and vectors that are not finite, are left out, which the notes count.

    Raises StoreError, TextError and OptionError where these are not there or do not fit, and
    MissingExtraError where a package is.
    """
    if limit is not None:
        whole_number("limit", limit, 1)
    with opened_table(vectors) as table:
        column = chosen_vector_column(table, vector_column)
        several = [*table.columns.values()].count(table.columns[column]) > 1
        name = f"{table.label} (column {column!r:.60})" if several else table.label
        if texts is None:
            if id_column is not None:
                raise OptionError("id_column matches vectors with texts: give texts too")
            of_texts = own_text_column(table, text_column)
            rows = table.sample(column, [of_texts], limit, seed)
            matched = MatchedRows(rows.column, rows.fields[of_texts], table.count())
            description = f"{name}, whose texts are its column {of_texts!r:.60}"
        else:
            given = given_texts(texts, text_column)
            ids = common_id_column(table, given.names, given.label, id_column)
            if ids is None:
                matched = match_order(table, column, given, limit=limit, seed=seed)
                description = f"{name}, whose texts are {given.label}"
            else:
                matched = match_ids(table, column, given, ids, limit=limit, seed=seed)
                description = f"{name}, whose texts are {given.label} by {ids!r:.60}"
        return _complete(matched, table, description, seed)


def _complete(
    matched: MatchedRows, table: VectorTable, description: str, seed: int
) -> StoredVectors:
    """The rows that have a finite vector and a text. Raises StoreError where there are none."""
    notes, n = [*matched.notes], len(matched.texts)
    if n < matched.of:
        notes.insert(0, str(Sample(table.label, n, matched.of, seed)))
    present, vectors = matched.column.present, matched.column.vectors
    with_text = np.array([text is not None for text in matched.texts], np.bool_)
    finite = np.ones(n, np.bool_)
    if vectors.dtype.kind == "f":
        finite[present] = np.isfinite(vectors).all(axis=1)
    kept = present & with_text & finite
    counts = {
        "no vector": int((~present).sum()),
        "no text": int((present & ~with_text).sum()),
        "a vector that is not finite": int((present & with_text & ~finite).sum()),
    }
    left_out = [f"{count:,} of {n:,} rows have {what}" for what, count in counts.items() if count]
    if not kept.any():
        raise StoreError(
            f"{table.label} holds no row with a vector and a text: "
            f"{'; '.join(left_out) or 'it has no rows'}"
        )
    notes += [f"{what}: left out" for what in left_out]
    chosen = [matched.texts[at] or "" for at in np.flatnonzero(kept).tolist()]
    return StoredVectors(chosen, vectors[kept[present]], description, tuple(notes))
