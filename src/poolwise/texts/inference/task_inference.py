"""Which task a table's columns make."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from poolwise.texts.column_names import guess_column
from poolwise.texts.inference.column_roles import pair_columns
from poolwise.texts.inference.inferred_task import InferredTask, TaskName
from poolwise.texts.inference.label_inference import infer_labels
from poolwise.texts.inference.pair_inference import infer_pairs
from poolwise.texts.inference.profiled_table import ProfiledTable

_OF_LABELS: Sequence[TaskName] = ("classification", "regression", "clustering")


def infer_task(table: ProfiledTable) -> InferredTask:
    """The task that the columns make: by what the user says, their values, and their names.

    Raises TextError where they make none, or not the one that is asked for; it lists the columns
    and what they look like.
    """
    task, sides = table.choice.task, pair_columns(table)
    if task in _OF_LABELS or (task is None and sides is None):
        inferred = _tagging(table) or infer_labels(table)
    elif sides is None:
        raise table.error(f"{task} needs two columns of texts", "sides")
    else:
        inferred = infer_pairs(table, sides)
    splits = table.of_kind("splits")
    split = guess_column(splits, "split") or next(iter(splits), None)
    if split is None:
        return inferred
    return replace(inferred, columns={**inferred.columns, "split": split})


def _tagging(table: ProfiledTable) -> InferredTask | None:
    lists, target = table.of_kind("words"), table.choice.target
    words = guess_column(lists, "words")
    tags = target if target in lists else guess_column(lists, "tags")
    if words is None or tags is None or table.choice.task is not None:
        return None
    description = f"tagging: the words are in {words!r}, their tags in {tags!r}"
    return InferredTask(
        "tagging", {"words": words, "tags": tags}, description, table.overruled_by("target")
    )
