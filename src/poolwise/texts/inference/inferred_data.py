"""Data as people have them: what they can be measured on is inferred, and said."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import Any

from poolwise.errors import TextError
from poolwise.texts.column_names import known_first
from poolwise.texts.columns import Table, known_column
from poolwise.texts.datasets import Datasets, RetrievalData
from poolwise.texts.fields import is_missing
from poolwise.texts.hub_address import is_dataset
from poolwise.texts.inference.column_profiles import profiles_of
from poolwise.texts.inference.inferred_task import InferredTask
from poolwise.texts.inference.known_layouts import known_layout
from poolwise.texts.inference.mteb_tasks import is_mteb_task, mteb_data
from poolwise.texts.inference.profiled_table import ColumnChoice, ProfiledTable
from poolwise.texts.inference.table_datasets import columns_of, read_tables, with_note
from poolwise.texts.inference.table_sources import (
    PREVIEW_ROWS,
    TableSource,
    declared_splits,
    split_sources,
)
from poolwise.texts.inference.task_inference import infer_task
from poolwise.texts.limits import MAX_TEXT_BYTES
from poolwise.texts.retrieval.python_queries import queries_from
from poolwise.texts.retrieval.queries import open_queries
from poolwise.texts.sources import short_name

MAX_COLUMNS = 1000
"""Columns that are looked at; of a table with more, those with known names go first."""

_MAX_CELLS = 2_000_000

_MAX_CHARACTERS = 1 << 26
"""Of the rows that are looked at."""

_UNLABELLED = ("-1", "-1.0")
"""What stands for labels that nobody has published."""


@dataclass(frozen=True, slots=True)
class InferredData:
    """Data sets, the ``task`` that they make, and the ``sentence`` that says what was taken as
    what."""

    datasets: Datasets
    task: str
    sentence: str


def open_inferred(
    data: object,
    choice: ColumnChoice,
    *,
    name: str = "data",
    dev: object = None,
    test: object = None,
    encoding: str = "utf-8",
    max_text_bytes: int = MAX_TEXT_BYTES,
    corpus_limit: int | None = None,
    **reading: Any,
) -> InferredData:
    """The data sets in ``data``, whose task is inferred unless ``choice`` says it.

    ``data`` is a path, ``hf:NAME``, a folder in BEIR's layout or one that a data set was saved to;
    a frame (pandas, polars, Arrow), a dict of columns, a list of rows, a ``datasets.Dataset``, or
    a dict of such tables by split; a task of mteb's, or ``mteb:NAME[:SUBSET]``. ``dev`` and
    ``test`` are tables with the same columns. ``name`` is what reports call Python's data;
    ``reading`` are ``limit`` and ``seed``.

    Raises TextError where there is nothing to read, and where columns make no task.
    """
    reading = {**reading, "encoding": encoding, "max_text_bytes": max_text_bytes}
    if _is_retrieval_folder(data):
        path = str(data)
        queries = open_queries(path, corpus_limit=corpus_limit, **reading)
        return _retrieval(queries, f"{short_name(path)} is taken as retrieval: it has a corpus")
    if is_mteb_task(data):
        task = mteb_data(data)
        taken = f"{task.name} is taken as {task.inferred.description}"
        if task.retrieval is not None:
            options = {"corpus_limit": corpus_limit, **reading}
            return _retrieval(queries_from(*task.retrieval, name=task.name, **options), taken)
        sources, remarks = declared_splits(task.tables, task.name, max_text_bytes)
        inferred: InferredTask | None = task.inferred
    else:
        sources, remarks = split_sources(data, name, encoding, max_text_bytes)
        inferred, taken = None, ""
    for split, of in {"dev": dev, "test": test}.items():
        if of is None:
            continue
        if split in sources:
            raise TextError(f"{name} has a split {split}, and {split} is given; expected one")
        tables, _ = split_sources(of, f"{name} ({split})", encoding, max_text_bytes)
        sources[split] = next(iter(tables.values()))
    first, several = next(iter(sources)), len(sources) > 1
    if inferred is None:
        inferred = known_layout(sources[first]) or infer_task(profiled(sources[first], choice))
        label = short_name(sources[first].label).removesuffix(f" ({first})")
        taken = f"{label} is taken as {inferred.description}"
    for split in [split for split in sources if split != first]:
        if _is_unlabelled(inferred, sources[split]):
            remarks.append(f"the split {split} has no labels and is left out")
            del sources[split]
    if several:
        remarks.insert(0, f"its splits are used: {', '.join(sources)}")
    sentence = "; ".join(filter(None, (taken, *remarks, inferred.overrule)))
    datasets = read_tables(inferred, sources, reading, sentence)
    if is_mteb_task(data):
        datasets = replace(datasets, task=inferred.task)
    return InferredData(datasets, inferred.task, sentence)


def _retrieval(queries: RetrievalData, sentence: str) -> InferredData:
    return InferredData(with_note(Datasets(queries=[queries]), sentence), "retrieval", sentence)


def profiled(source: TableSource, choice: ColumnChoice) -> ProfiledTable:
    """The table, from its first rows or some from all over it."""
    table = source.preview()
    if not table.names:
        raise TextError(f"{source.label} holds no rows")
    for name in choice.names:
        known_column(table.names, name, source.label)
    names = [name for name, count in Counter(table.names).items() if count == 1]
    looked_at = [*dict.fromkeys([*choice.names, *known_first(names)])][:MAX_COLUMNS]
    if not looked_at:
        raise TextError(
            f"{source.label}: all columns are called {table.names[0]!r}; rename all but one"
        )
    n_rows = min(PREVIEW_ROWS, _MAX_CELLS // len(looked_at))
    rows, complete = _first_rows(table, looked_at, n_rows)
    if not rows:
        raise TextError(f"{source.label} holds no rows")
    columns = profiles_of(looked_at, rows, source.class_names)
    return ProfiledTable(
        source.label,
        sorted(columns, key=lambda column: table.names.index(column.name)),
        table.names,
        choice,
        complete=complete and len(looked_at) == len(names) and source.whole,
        in_memory=table.in_memory,
    )


def _first_rows(
    table: Table, names: Sequence[str], n_rows: int
) -> tuple[list[Sequence[object]], bool]:
    """At most so many rows, fewer where they are long; and whether they are all."""
    rows: list[Sequence[object]] = []
    characters = 0
    for _, values in table.rows(names):
        if len(rows) == n_rows or characters > _MAX_CHARACTERS:
            return rows, False
        rows.append(values)
        characters += sum(len(value) for value in values if isinstance(value, str))
    return rows, True


def _is_unlabelled(inferred: InferredTask, source: TableSource) -> bool:
    """Has the split no target at all, as test splits of shared tasks?"""
    target = inferred.columns.get("target")
    if target is None:
        return False
    column = columns_of(inferred, source)
    if target not in column.names:
        return True
    rows, _ = _first_rows(column, [target], PREVIEW_ROWS)
    return all(is_missing(value) or str(value) in _UNLABELLED for (value,) in rows)


def _is_retrieval_folder(data: object) -> bool:
    if not isinstance(data, str | PurePath) or is_dataset(str(data)):
        return False
    folder = Path(data).expanduser()
    return folder.is_dir() and any(folder.glob("corpus*"))
