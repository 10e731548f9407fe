"""Data of MTEB's tasks, as mteb itself loads them: from its local cache, or the hub."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from poolwise.errors import TextError, listed, needs
from poolwise.texts.inference.inferred_task import InferredTask, TaskName

MTEB = "mteb:"


@dataclass(frozen=True, slots=True)
class MtebData:
    """A task's tables by split and what their columns are; or of retrieval the ``queries``, the
    ``corpus`` and the ``relevance`` of one split, as ``queries_from`` takes them."""

    name: str
    inferred: InferredTask
    tables: Mapping[str, Any]
    retrieval: tuple[Any, Any, Any] | None = None


def is_mteb_task(data: object) -> bool:
    """Is it ``mteb:NAME``, or a task of mteb's?"""
    if isinstance(data, str):
        return data.startswith(MTEB)
    return hasattr(data, "load_data") and hasattr(data, "metadata")


def mteb_data(data: object) -> MtebData:
    """The data of ``mteb:NAME`` or ``mteb:NAME:SUBSET``, or of a task of mteb's.

    Raises TextError for a name that mteb does not know, a kind of task that is not measured, one
    with several subsets of which none is named, and where the data are neither in the cache nor on
    the hub; MissingExtraError without mteb.
    """
    task: Any = _task(data) if isinstance(data, str) else data
    name, kind = task.metadata.name, task.metadata.type
    if kind not in _COLUMNS and kind not in _RETRIEVAL:
        kinds = listed([*_COLUMNS, *_RETRIEVAL], limit=20)
        raise TextError(f"{MTEB}{name} is a task of the kind {kind}, expected one of {kinds}")
    _load(task, name)
    subset, splits = _subset(task, data)
    label = f"{name} ({subset})" if subset else name
    remark = f"MTEB's main score is {task.metadata.main_score}"
    if kind in _RETRIEVAL:
        split = next(iter([s for s in task.metadata.eval_splits if s in splits] or splits))
        description = f"retrieval, as MTEB's {kind}: the split {split}; {remark}"
        parts = splits[split]
        retrieval = _texts(parts["queries"]), _texts(parts["corpus"]), parts["relevant_docs"]
        return MtebData(label, InferredTask("retrieval", {}, description, ""), {}, retrieval)
    task_name, columns_of = _COLUMNS[kind]
    columns = columns_of(task)
    alike = "1" if task_name == "pair-classification" else None
    description = f"{task_name}, as MTEB's {kind}; {remark}"
    inferred = InferredTask(task_name, columns, description, "", alike)
    tables = {split: _rows(table, [*columns.values()]) for split, table in splits.items()}
    return MtebData(label, inferred, tables)


_COLUMNS: Mapping[str, tuple[TaskName, Callable[[Any], dict[str, str]]]] = {
    "Classification": (
        "classification",
        lambda task: {"text": task.input_column_name, "target": task.label_column_name},
    ),
    "Regression": (
        "regression",
        lambda task: {"text": task.input_column_name, "target": task.label_column_name},
    ),
    "Clustering": (
        "clustering",
        lambda task: {
            "text": getattr(task, "input_column_name", "sentences"),
            "target": getattr(task, "label_column_name", "labels"),
        },
    ),
    "STS": (
        "similarity",
        lambda task: {
            "first": task.column_names[0],
            "second": task.column_names[1],
            "target": "score",
        },
    ),
    "BitextMining": ("bitext", lambda task: {"query": "sentence1", "positive": "sentence2"}),
    "PairClassification": (
        "pair-classification",
        lambda task: {
            "first": task.input1_column_name,
            "second": task.input2_column_name,
            "target": task.label_column_name,
        },
    ),
}
"""By MTEB's kind of task: ours, and the columns of its data."""

_RETRIEVAL = ("Retrieval", "Reranking")


def _task(address: str) -> Any:
    name, _, subset = address.removeprefix(MTEB).partition(":")
    with needs("mteb", address):
        import mteb  # noqa: PLC0415 - slow to import
    try:
        return mteb.get_task(name, hf_subsets=[subset] if subset else None)
    except (KeyError, ValueError) as error:
        names = _task_names(mteb)
        alike = [known for known in names if name and name.casefold() in known.casefold()]
        close = (alike or difflib.get_close_matches(name, names))[:3]
        hint = f"did you mean {' or '.join(close)}?" if close else str(error)
        raise TextError(f"mteb has no task {name!r:.60}; {hint}") from error


def _task_names(mteb: Any) -> list[str]:
    return [task.metadata.name for task in mteb.get_tasks()]


def _load(task: Any, name: str) -> None:
    try:
        task.load_data()
    except (OSError, ValueError, RuntimeError) as error:
        raise TextError(
            f"{MTEB}{name} cannot be read: {type(error).__name__}: {error}; to have it in the "
            f"cache, run where there is a connection: mteb.get_task({name!r}).load_data()"
        ) from error


def _subset(task: Any, data: object) -> tuple[str, Mapping[str, Any]]:
    """The subset's name, empty where there is one only, and its data by split."""
    found: Mapping[str, Any] = task.dataset
    names = [name for name, part in found.items() if isinstance(part, Mapping)]
    if "relevant_docs" in names or not names or "queries" in next(iter(found.values())):
        return "", found
    if len(names) == 1:
        return ("" if names[0] == "default" else names[0]), found[names[0]]
    raise TextError(
        f"{MTEB}{task.metadata.name} has the subsets {listed(names)}; name one, such as "
        f"{MTEB}{task.metadata.name}:{names[0]}"
    )


def _texts(rows: Any) -> dict[str, Any]:
    """Queries or documents by their ids, in the form of BEIR's."""
    return {str(row["id"]): {"title": row.get("title") or "", "text": row["text"]} for row in rows}


def _rows(table: Any, columns: list[str]) -> Any:
    """The table; one row a text where a row holds the lists of all, as in older tasks."""
    first = next(iter(table), None)
    if first is None or not isinstance(first[columns[0]], list):
        return table
    return {column: [item for row in table for item in row[column]] for column in columns}
