"""Columns that go with the texts into the output: their types, and their values."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from poolwise.errors import TextError
from poolwise.texts.fields import half_pair_at

if TYPE_CHECKING:
    import pyarrow as pa  # type: ignore[import-untyped]

ValueKind = str
"""The kind of a value in CSV and JSON: ``null``, ``boolean``, ``integer``, ``wide`` (an integer
that a float does not hold), ``number``, ``text``, ``other``."""

_EXACT = 1 << 53
_WIDE = 1 << 63


class TypedSource(Protocol):
    """A source with types of its columns."""

    @property
    def label(self) -> str:
        """How an error names it."""

    def types(
        self, names: Sequence[str], *, lenient: bool = False
    ) -> Mapping[str, pa.DataType | frozenset[ValueKind]]:
        """The types of its columns; or where it has none, the kinds of their values."""


@dataclass(frozen=True, slots=True)
class ExtraColumns:
    """``types`` are Arrow's, by column; of the columns in ``as_json`` values are texts of JSON."""

    types: Mapping[str, pa.DataType] = field(default_factory=dict)
    as_json: frozenset[str] = frozenset()

    def values(self, values: Sequence[object], location: str) -> tuple[object, ...]:
        """A row's values as the types have them."""
        kept = []
        for name, value in zip(self.types, values, strict=True):
            value, problem = self.value(name, value)  # noqa: PLW2901
            if problem:
                raise TextError(
                    f"{location}: {name!r} has {problem}, which is no text; repair the row"
                )
            kept.append(value)
        return tuple(kept)

    def value(self, name: str, value: object) -> tuple[object, str]:
        """The value as the type of its column has it; and what it has that no text has, else ""."""
        if name in self.as_json and value is not None:
            value = json.dumps(value, ensure_ascii=False)
        broken = half_pair_at(value) if isinstance(value, str) else None
        return value, "" if broken is None else f"half a surrogate pair at character {broken}"


def extra_columns(
    sources: Iterable[TypedSource], names: Sequence[str], *, lenient: bool = False
) -> ExtraColumns:
    """How the columns ``names`` are kept; if it is ``lenient``, by the rows that can be read.

    Columns of Parquet files and datasets keep their types; those of CSV are texts. A column of
    JSON is of booleans, integers, floats or texts if all its values are (or null); else each value
    is kept as a text of JSON. Raises TextError where two sources have two types for a column.
    """
    if not names:
        return ExtraColumns()
    import pyarrow as pa  # noqa: PLC0415 - texts alone are read without it

    types_by_source = {source.label: source.types(names, lenient=lenient) for source in sources}
    types, as_json = {}, set()
    for name in names:
        by_source = {label: of[name] for label, of in types_by_source.items()}
        kinds = frozenset(
            kind for of in by_source.values() if isinstance(of, frozenset) for kind in of
        )
        of_kinds = _type_of(kinds)
        if of_kinds is None:
            as_json.add(name)
            of_kinds = pa.string()
        (first, first_type), *remaining = (
            (label, of_kinds if isinstance(of, frozenset) else of)
            for label, of in by_source.items()
        )
        for label, other_type in remaining:
            if other_type != first_type:
                raise TextError(
                    f"the column {name!r} is {first_type} in {first} and {other_type} in {label}, "
                    "expected one type; embed these inputs one by one"
                )
        types[name] = first_type
    return ExtraColumns(types, frozenset(as_json))


def kinds_of(
    rows: Iterable[Sequence[object]], names: Sequence[str]
) -> dict[str, frozenset[ValueKind]]:
    """The kinds of the values in each column."""
    kinds: list[set[ValueKind]] = [set() for _ in names]
    for row in rows:
        for column_kinds, value in zip(kinds, row, strict=True):
            column_kinds.add(_kind(value))
    return {name: frozenset(of) for name, of in zip(names, kinds, strict=True)}


_KINDS: Mapping[type, ValueKind] = {
    type(None): "null",
    bool: "boolean",
    float: "number",
    str: "text",
}


def _kind(value: object) -> ValueKind:
    if isinstance(value, int) and not isinstance(value, bool):
        exact = abs(value) <= _EXACT
        return "integer" if exact else "wide" if -_WIDE <= value < _WIDE else "other"
    return _KINDS.get(type(value), "other")


def _type_of(kinds: frozenset[ValueKind]) -> pa.DataType | None:
    """The type that holds all of these kinds as they are; None if only JSON does."""
    import pyarrow as pa  # noqa: PLC0415 - texts alone are read without it

    for holds, type_of in (
        ({"text"}, pa.string()),
        ({"boolean"}, pa.bool_()),
        ({"integer", "wide"}, pa.int64()),
        ({"integer", "number"}, pa.float64()),
    ):
        if kinds <= {"null", *holds}:
            return type_of
    return None
