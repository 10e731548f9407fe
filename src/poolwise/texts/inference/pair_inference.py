"""Pairs with scores or two values, queries with documents, translations: inferred."""

from __future__ import annotations

from collections.abc import Sequence

from poolwise.texts.column_names import guess_column
from poolwise.texts.inference.column_profiles import ColumnProfile
from poolwise.texts.inference.column_roles import target_column
from poolwise.texts.inference.inferred_task import InferredTask, TaskName
from poolwise.texts.inference.profiled_table import ProfiledTable

_SCORED: Sequence[TaskName] = ("similarity", "pair-classification")

_ALIKE = frozenset(
    {"true", "yes", "y", "t", "duplicate", "paraphrase", "same", "match", "equivalent"}
)
"""What marks a pair's texts as alike, where the target has two values that are no numbers."""


def infer_pairs(table: ProfiledTable, sides: tuple[str, str]) -> InferredTask:
    """The task of the pairs in these columns. Raises TextError for a target that is none of
    theirs."""
    asked, choice = table.choice.task, table.choice
    target = choice.sides[2] if len(choice.sides) == 3 else None
    if target is None and (asked is None or asked in _SCORED):
        target = target_column(table, sides, needed=asked is not None)
    if target is None:
        return _unscored(table, sides)
    column = table.by_name[target]
    if asked == "similarity" or (asked is None and len(column.values) != 2):
        return _similarity(table, sides, column)
    return _pair_classification(table, sides, column)


def _similarity(
    table: ProfiledTable, sides: tuple[str, str], column: ColumnProfile
) -> InferredTask:
    if not column.numeric:
        raise table.error(
            f"{column.name!r} holds classes of pairs ({table.count_of(column)}); pairs are "
            "measured by scores, or by two values that say whether their texts are alike",
            "target",
            "text",
        )
    columns = {"first": sides[0], "second": sides[1], "target": column.name}
    description = (
        f"similarity: the pairs are in {sides[0]!r} and {sides[1]!r}, their scores in "
        f"{column.name!r}"
    )
    return InferredTask("similarity", columns, description, table.overruled_by("task", "sides"))


def _pair_classification(
    table: ProfiledTable, sides: tuple[str, str], column: ColumnProfile
) -> InferredTask:
    alike = _alike_value(column)
    if alike is None:
        values = " and ".join(map(repr, column.values)) or table.count_of(column)
        raise table.error(
            f"pair-classification needs two values of which one says that a pair's texts are "
            f"alike, such as 1 and 0; {column.name!r} holds {values}",
            "target",
        )
    columns = {"first": sides[0], "second": sides[1], "target": column.name}
    description = (
        f"pair-classification: the pairs are in {sides[0]!r} and {sides[1]!r}, and "
        f"{column.name!r} is {alike!r} where they are alike"
    )
    overrule = table.overruled_by("task", "sides")
    return InferredTask("pair-classification", columns, description, overrule, alike)


def _unscored(table: ProfiledTable, sides: tuple[str, str]) -> InferredTask:
    first, second = sides
    columns = {"query": first, "positive": second}
    if table.choice.task == "bitext":
        description = f"bitext: {second!r} is the translation of {first!r}"
        return InferredTask("bitext", columns, description, table.overruled_by("task", "sides"))
    description = f"retrieval: the queries are in {first!r}, their relevant documents in {second!r}"
    negative = guess_column(table.of_kind("texts", but=sides), "negative")
    if negative is not None:
        columns["negative"] = negative
        description += f", documents that are not relevant in {negative!r}"
    overrule = f"{table.option('task')}bitext takes the second for the translation of the first"
    return InferredTask("retrieval", columns, description, overrule)


def _alike_value(column: ColumnProfile) -> str | None:
    """Of two values, the one that says that a pair's texts are alike; None where it cannot be
    told."""
    if len(column.values) != 2:
        return None
    if column.numeric:
        return max(column.values, key=float)
    alike = [value for value in column.values if value.casefold() in _ALIKE]
    return alike[0] if len(alike) == 1 else None
