"""Tables of tagged sentences from Python data: a column of words, and one of tags."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from poolwise.errors import TextError
from poolwise.texts.column_names import guess_column
from poolwise.texts.columns import Table, known_column, listed_columns
from poolwise.texts.memory import table_of

_FIELDS = ("words", "tags", "split")


def tags_table(
    data: object, label: str, max_bytes: int, columns: Mapping[str, str | None]
) -> Table:
    """The table of ``data`` with its columns called ``words``, ``tags`` and, if it has one,
    ``split``. ``columns`` are the caller's names of words and tags, None where they are guessed."""
    table = table_of(_tag_columns(data), label, max_bytes, _FIELDS)
    return _renamed(table, columns, _class_names(data))


def _tag_columns(data: object) -> object:
    """Columns of words and tags, where the data is a list of lists of (word, tag)."""
    if not isinstance(data, list) or not all(isinstance(sentence, list) for sentence in data):
        return data
    for row, sentence in enumerate(data):
        for item in sentence:
            if not isinstance(item, tuple | list) or len(item) != 2:
                raise TextError(f"tags, row {row}: found {item!r:.40}, expected (word, tag)")
    return {
        "words": [[word for word, _ in sentence] for sentence in data],
        "tags": [[tag for _, tag in sentence] for sentence in data],
    }


def _class_names(data: Any) -> Mapping[str, Sequence[str]]:
    """The names of a dataset's class labels, by column of lists of them."""
    features = getattr(data, "features", None)
    if not isinstance(features, Mapping):
        return {}
    return {
        name: feature.feature.names
        for name, feature in features.items()
        if hasattr(getattr(feature, "feature", None), "names")
    }


def _renamed(
    table: Table, columns: Mapping[str, str | None], class_names: Mapping[str, Sequence[str]]
) -> Table:
    names: dict[str, str] = {}
    for role in _FIELDS:
        column = columns.get(role)
        if column is not None:
            names[role] = known_column(table.names, column, table.label)
        elif (guess := guess_column(table.names, role)) is not None:
            names[role] = guess
        elif role != "split":
            raise TextError(
                f"{table.label}: cannot tell which column holds the {role}; it has "
                f"{listed_columns(table.names)}; name it with {role}_column=…"
            )
    tag_names = class_names.get(names["tags"])

    def rows(roles: Sequence[str]) -> Iterator[tuple[int, Sequence[object]]]:
        for number, values in table.rows([names[role] for role in roles]):
            fields = dict(zip(roles, values, strict=True))
            tags = fields.get("tags")
            if tag_names is not None and isinstance(tags, list):
                fields["tags"] = [tag_names[tag] for tag in tags]
            yield number, [fields[role] for role in roles]

    return Table(table.label, [*names], rows, unit="row", in_memory=True)
