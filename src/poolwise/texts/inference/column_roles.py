"""Which columns of a table hold the texts, the two sides of a pair, the target."""

from __future__ import annotations

from collections.abc import Sequence

from poolwise.errors import listed
from poolwise.texts.column_names import guess_column, guess_sides, has_role_name
from poolwise.texts.inference.column_profiles import KIND_DESCRIPTIONS, ColumnKind
from poolwise.texts.inference.profiled_table import ProfiledTable

_TARGETS: Sequence[ColumnKind] = ("classes", "numbers")

_UNIMPORTANT: Sequence[ColumnKind] = ("ids", "dates", "empty", "splits")
"""Kinds of columns that nobody means as a target."""

_COMPARABLE = 4.0
"""Times as many words as the other that one of a pair's texts may have."""


def text_column(table: ProfiledTable) -> str:
    """The column of texts. Raises TextError where none is, or several may be."""
    choice = table.choice
    if choice.text is not None:
        return choice.text
    used = [name for name in (choice.target,) if name is not None]
    texts = table.of_kind("texts", but=used)
    if len(texts) == 1:
        return texts[0]
    named = guess_column(texts or table.of_kind("classes", "ids", "constant", but=used), "text")
    if named is not None:
        return named
    if not texts:
        raise table.error("found no column of texts", "text")
    raise table.error(
        f"found {len(texts)} columns of texts ({listed(texts, repr)}) and cannot tell which to "
        "read",
        "text",
        "sides",
    )


def pair_columns(table: ProfiledTable) -> tuple[str, str] | None:
    """The columns of a pair's two texts, or of a query and its document; None where there is one
    text a row, or no telling."""
    choice = table.choice
    if choice.sides:
        return choice.sides[0], choice.sides[1]
    if choice.text is not None:
        return None
    texts = table.of_kind("texts", but=filter(None, [choice.target]))
    strings = table.of_kind("texts", "classes", "ids", but=filter(None, [choice.target]))
    for sides in (guess_sides(strings), query_columns(texts)):
        if sides is not None and not {*sides}.isdisjoint(texts):
            return sides
    if len(texts) != 2:
        return None
    first, second = texts
    if has_role_name(first, "text") != has_role_name(second, "text"):
        return None
    words = sorted(table.by_name[name].words for name in texts)
    return (first, second) if words[1] <= _COMPARABLE * words[0] else None


def query_columns(names: Sequence[str]) -> tuple[str, str] | None:
    """The columns of a query and of a document that is relevant to it, by their names."""
    query, positive = guess_column(names, "query"), guess_column(names, "positive")
    return None if query is None or positive is None else (query, positive)


def target_column(table: ProfiledTable, used: Sequence[str], *, needed: bool) -> str | None:
    """The column to predict; None where there is none and nothing looks like one.

    Raises TextError where several may be it; where it is ``needed`` and there is none; and for a
    target that the user names and that is none.
    """
    target = table.choice.target
    if target is not None:
        return _checked(table, target)
    candidates = table.of_kind(*_TARGETS, but=used)
    if len(candidates) == 1:
        return candidates[0]
    # A file that is sorted by its labels has one of them in its first rows.
    unknown = [] if table.complete else table.of_kind("constant", but=used)
    for role in ("score", "label") if len(used) == 2 else ("label", "score"):
        named = guess_column(candidates or unknown, role)
        if named is not None:
            return named
    if candidates:
        raise table.error(
            f"cannot tell which column is the target: {listed(candidates, repr)} may be", "target"
        )
    others = table.of_kind(*(kind for kind in KIND_DESCRIPTIONS if kind not in _UNIMPORTANT))
    if needed or (len(used) == 1 and {*others} - {*used}):
        raise table.error("found no column of classes or numbers to predict", "target")
    return None


def _checked(table: ProfiledTable, target: str) -> str:
    column = table.by_name[target]
    if column.kind in _TARGETS or (column.kind == "constant" and not table.complete):
        return target
    raise table.error(
        f"the column {target!r} is no target, for it holds {KIND_DESCRIPTIONS[column.kind]}; "
        "expected classes or numbers, each class in several rows",
        "target",
        advice="name another with",
    )
