"""Columns that go with the texts into the output: their types, and their values."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from poolwise.errors import TextError

if TYPE_CHECKING:
    import pyarrow as pa  # type: ignore[import-untyped]

ValueKind = str
"""What a value is in CSV and JSON: ``null``, ``boolean``, ``integer``, ``wide`` (an integer that a
float does not hold), ``number``, ``text``, ``other``."""

_EXACT = 1 << 53
_WIDE = 1 << 63


class Typed(Protocol):
    """A source, as far as it is needed here."""

    @property
    def label(self) -> str:
        """How an error names it."""

    def types(self, names: Sequence[str]) -> Mapping[str, pa.DataType | frozenset[ValueKind]]:
        """The types of its columns; or where it has none, what kinds of values they hold."""


@dataclass(frozen=True, slots=True)
class ExtraColumns:
    """``types`` are Arrow's, by column; of the columns in ``as_json`` values are texts of JSON."""

    types: Mapping[str, pa.DataType] = field(default_factory=dict)
    as_json: frozenset[str] = frozenset()

    def values(self, values: Sequence[object], location: str) -> tuple[object, ...]:
        """A row's values as the types have them."""
        return tuple(
            self._value(name, value, location)
            for name, value in zip(self.types, values, strict=True)
        )

    def _value(self, name: str, value: object, location: str) -> object:
        if name in self.as_json and value is not None:
            value = json.dumps(value, ensure_ascii=False)
        if isinstance(value, str) and not value.isascii():
            try:
                value.encode()
            except UnicodeEncodeError as error:
                raise TextError(
                    f"{location}: {name!r} has half a surrogate pair at character {error.start}, "
                    "which is no text; repair the row"
                ) from None
        return value


def extra_columns(sources: Iterable[Typed], names: Sequence[str]) -> ExtraColumns:
    """How the columns ``names`` are kept.

    Columns of Parquet files and datasets keep their types; those of CSV are texts. A column of
    JSON is of booleans, integers, floats or texts if all its values are (or null); else each value
    is kept as a text of JSON. Raises TextError where two sources have two types for a column.
    """
    if not names:
        return ExtraColumns()
    import pyarrow as pa  # noqa: PLC0415 - texts alone are read without it

    found = {source.label: source.types(names) for source in sources}
    types, as_json = {}, set()
    for name in names:
        typed = {label: of[name] for label, of in found.items()}
        kinds = frozenset(kind for of in typed.values() if isinstance(of, frozenset) for kind in of)
        of_kinds = _type_of(kinds)
        if of_kinds is None:
            as_json.add(name)
            of_kinds = pa.string()
        (first, found_first), *others = (
            (label, of_kinds if isinstance(of, frozenset) else of) for label, of in typed.items()
        )
        for label, other in others:
            if other != found_first:
                raise TextError(
                    f"the column {name!r} is {found_first} in {first} and {other} in {label}, "
                    "expected one type; embed these inputs one by one"
                )
        types[name] = found_first
    return ExtraColumns(types, frozenset(as_json))


def kinds_of(
    rows: Iterable[Sequence[object]], names: Sequence[str]
) -> dict[str, frozenset[ValueKind]]:
    """The kinds of the values in each column."""
    kinds: list[set[ValueKind]] = [set() for _ in names]
    for row in rows:
        for found, value in zip(kinds, row, strict=True):
            found.add(_kind(value))
    return {name: frozenset(found) for name, found in zip(names, kinds, strict=True)}


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
