"""Which columns hold the vectors, the texts and the ids."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from poolwise.doctor.stored.vector_table import ColumnKind, VectorTable
from poolwise.errors import ColumnError, OptionError, StoreError, TextError, listed
from poolwise.texts.column_names import guess_column, is_id_name
from poolwise.texts.columns import known_column, listed_columns


def vector_column(table: VectorTable, name: str | None) -> str:
    """The column ``name``, else the only one with vectors of floats; of 8-bit integers, where there
    is none of floats. Raises StoreError where that is none or several, OptionError for a name that
    no column has."""
    kinds = table.columns
    if name is not None:
        return _known(table, name)
    for kind in ("floats", "bytes"):
        found = [column for column, of in kinds.items() if of == kind]
        if len(found) == 1:
            return found[0]
        if found:
            raise StoreError(
                f"{table.label} has {len(found)} columns of vectors: {listed(found, repr)}; name "
                "one with vector_column"
            )
    raise StoreError(
        f"{table.label} has no column of vectors, expected one of lists of numbers; it has "
        f"{listed_columns([*kinds])}"
    )


def own_text_column(table: VectorTable, name: str | None) -> str:
    """The column of texts in the table of the vectors. Raises ColumnError where that is unclear."""
    if name is not None:
        return _known(table, name)
    found = [column for column, of in table.columns.items() if of == "text"]
    column = _text_column(found)
    if column is None:
        has = f"several columns of text: {listed(found, repr)}" if found else "no column of texts"
        raise ColumnError(
            f"{table.label} has {has}; name one with text_column, or give texts, a file or a list"
        )
    return column


def given_text_column(names: Sequence[str], label: str, name: str | None) -> str:
    """The column of texts among those of ``texts``. Raises ColumnError where that is unclear."""
    if name is not None:
        return known_column(names, name, label)
    column = names[0] if len(names) == 1 else _text_column(names)
    if column is None:
        raise ColumnError(
            f"which column of {label} holds the texts? Name one with text_column: "
            f"{listed_columns(names)}"
        )
    return known_column(names, column, label)


def common_id_column(
    vectors: VectorTable, names: Sequence[str], label: str, name: str | None
) -> str | None:
    """The column ``name``, else the one of ids that both have; None where there is none.

    Raises OptionError where only one has a column ``name``, ColumnError where several may be it.
    """
    if name is not None:
        known_column(names, name, label)
        return _known(vectors, name)
    kinds: Mapping[str, ColumnKind] = vectors.columns
    common = [
        column
        for column, of in kinds.items()
        if column in names and is_id_name(column) and of in ("text", "other")
    ]
    if len(common) > 1 and "id" not in common:
        raise ColumnError(
            f"{vectors.label} and {label} have several columns of ids: {listed(common, repr)}; "
            "name one with id_column"
        )
    return "id" if "id" in common else next(iter(common), None)


def _known(table: VectorTable, name: str) -> str:
    try:
        return known_column([*table.columns], name, table.label)
    except TextError as error:
        raise OptionError(str(error)) from error


def _text_column(names: Sequence[str]) -> str | None:
    guessed = guess_column(names, "text")
    if guessed is not None:
        return guessed
    others = [name for name in names if not is_id_name(name)]
    return others[0] if len(others) == 1 else None
