"""Retrieval data from what a Python caller has: dicts of BEIR, frames, Arrow tables, paths."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import PurePath
from typing import Any

from poolwise.texts.column_names import guess_column
from poolwise.texts.columns import Table
from poolwise.texts.datasets import RetrievalData
from poolwise.texts.limits import MAX_TEXT_BYTES
from poolwise.texts.memory import is_table, table_of
from poolwise.texts.python_data import paths_of
from poolwise.texts.retrieval.queries import open_queries
from poolwise.texts.retrieval.relevance_json import grades_table
from poolwise.texts.tables import Inputs

_RELEVANCE = ("query-id", "corpus-id", "score", "split")
_POSITIVES = ("query", "positive", "negative")


def queries_from(
    data: object,
    corpus: object = None,
    relevance: object = None,
    *,
    name: str = "queries",
    **options: Any,
) -> RetrievalData:
    """Retrieval data, from paths as ``open_queries`` takes them or from Python data.

    With ``corpus`` and ``relevance``, queries are ``{id: text}``, documents ``{id: text}`` or
    ``{id: {"title": …, "text": …}}``, relevance ``{query: {document: grade}}`` (BEIR's dicts; or
    ``{query: {document, …}}``, all of grade 1), or each a table as in ``labels_from``, with
    columns as the files have. Without, ``data`` is a table of queries with their positives, or
    ``(query, positive[, negative])`` rows. ``dev`` and ``test`` are relevance (or positives) of
    these splits. Raises TextError as ``open_queries`` does.
    """
    if isinstance(data, RetrievalData):
        return data
    max_bytes = options.get("max_text_bytes", MAX_TEXT_BYTES)
    alone = corpus is None and relevance is None
    judged = partial(_positives if alone else _relevance, max_bytes=max_bytes)
    for split in ("dev", "test"):
        if options.get(split) is not None:
            options[split] = _inputs(options[split], f"{name} ({split})", judged)
    if alone:
        return open_queries(_inputs(data, name, judged), **options)
    texts = partial(_texts, max_bytes=max_bytes)
    return open_queries(
        _inputs(data, name, texts),
        None if corpus is None else _inputs(corpus, f"{name} (corpus)", texts),
        None if relevance is None else _inputs(relevance, f"{name} (relevance)", judged),
        **options,
    )


def _inputs(data: object, label: str, make_table: Any) -> Inputs:
    paths = paths_of(data)
    if paths is None:
        return [make_table(data, label)]
    return paths[0] if isinstance(data, str | PurePath) else paths


def _texts(data: object, label: str, max_bytes: int) -> Table:
    """Texts by their ids, or a table of both."""
    if isinstance(data, Mapping) and not is_table(data) and not _has_columns(data):
        columns: dict[str, list[object]] = {"id": [*data]}
        for field in ("title", "text"):
            columns[field] = [_field(value, field) for value in data.values()]
        return table_of(columns, label, max_bytes, ("id", "title", "text"))
    return table_of(data, label, max_bytes, ("id", "text", "split"))


def _field(document: object, field: str) -> object:
    if isinstance(document, Mapping):
        return document.get(field)
    return document if field == "text" else None


def _has_columns(data: Mapping[Any, object]) -> bool:
    """Is it a dict of columns?"""
    return any(isinstance(column, list | tuple) or hasattr(column, "dtype")
               for column in data.values())  # fmt: skip


def _relevance(data: object, label: str, max_bytes: int) -> Table:
    if isinstance(data, Mapping) and not is_table(data) and not _names_grades(data):
        return grades_table(data, label, in_memory=True)
    return table_of(data, label, max_bytes, _RELEVANCE)


def _names_grades(data: Mapping[Any, object]) -> bool:
    """Is it a dict of the columns of judgments?"""
    names = [str(name) for name in data]
    return all(guess_column(names, role) for role in ("query id", "document id", "grade"))


def _positives(data: object, label: str, max_bytes: int) -> Table:
    return table_of(data, label, max_bytes, _POSITIVES)
