"""Texts with a label or a number each, or without: inferred from a table's columns."""

from __future__ import annotations

from poolwise.texts.inference.column_profiles import ColumnProfile
from poolwise.texts.inference.column_roles import target_column, text_column
from poolwise.texts.inference.inferred_task import InferredTask
from poolwise.texts.inference.profiled_table import ProfiledTable

SCALE = 11
"""The most steps of a scale such as 0 … 10."""


def infer_labels(table: ProfiledTable) -> InferredTask:
    """The task of the texts and their target. Raises TextError where they cannot be told."""
    text, asked = text_column(table), table.choice.task
    target = target_column(table, [text], needed=asked is not None)
    if target is None:
        overrule = f"{table.listed_options('target')} names a column to predict"
        overrule = f"{table.listed_options('target')} names a column to predict"
        description = f"texts without labels: they are in {text!r}"
        return InferredTask("texts", {"text": text}, description, overrule)
    column = table.by_name[target]
    task = asked or ("regression" if column.kind == "numbers" else "classification")
    overrule = table.overruled_by("task", "text", "target")
    if task == "regression":
        table.check_numbers(column)
        values = f"the numbers in {target!r}"
        if asked is None:
            overrule = f"{table.option('task')}classification takes them as classes"
    else:
        values = f"the classes in {target!r} ({table.count_of(column)})"
        if asked is None and _is_scale(column):
            overrule = f"{table.option('task')}regression takes them as numbers"
    description = f"{task}: the texts are in {text!r}, {values}"
    return InferredTask(task, {"text": text, "target": target}, description, overrule)


def _is_scale(column: ColumnProfile) -> bool:
    """Are the values some consecutive integers, as stars are?"""
    if not column.numeric or not 3 <= len(column.values) <= SCALE:
        return False
    values = sorted(map(float, column.values))
    return values[-1] - values[0] + 1 == len(values) and all(map(float.is_integer, values))
