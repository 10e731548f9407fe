"""Which columns of a table hold the texts, the labels and the splits; the kinds of labels."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from poolwise.errors import TextError
from poolwise.texts.column_names import guess_column
from poolwise.texts.columns import Table, column_at, listed_columns
from poolwise.texts.fields import as_label, as_labels, as_score, is_missing

LabelKind = Literal["classification", "multilabel", "regression"]
"""One label a text; any number of them; a number."""

_PARSERS: Mapping[LabelKind, Callable[[object, str, str], str]] = {
    "classification": as_label,
    "multilabel": as_labels,
    "regression": lambda value, column, location: repr(as_score(value, column, location)),
}
"""A label's field, as the text that ``LabelledTexts`` holds."""

LABEL_KINDS: tuple[LabelKind, ...] = tuple(_PARSERS)

_SENTEVAL = {"tr", "va", "te"}


@dataclass(frozen=True, slots=True)
class LabelColumns:
    """The columns to read, None if unknown, and the kind of label they hold."""

    text: str | None = None
    label: str | None = None
    split: str | None = None
    kind: LabelKind = "classification"

    def parse(self, value: object, column: str, location: str) -> str:
        """The label in a field. Raises TextError if it holds none of this kind."""
        return _PARSERS[self.kind](value, column, location)

    def is_unlabelled(self, value: object) -> bool:
        """Is the field without a label? An empty multilabel field means: none of the labels."""
        return is_missing(value) and not (self.kind == "multilabel" and isinstance(value, str))

    def guess(self, columns: Sequence[str]) -> LabelColumns:
        """The columns that common names tell."""
        text, label, split = (guess_column(columns, role) for role in ("text", "label", "split"))
        if self.kind == "regression":
            label = guess_column(columns, "score") or label
        return LabelColumns(text, label, split, self.kind)

    @property
    def names(self) -> list[str]:
        """The text and label columns that are known."""
        return [name for name in (self.text, self.label) if name is not None]


_WITHOUT_HEADER = {2: LabelColumns("1", "2"), 3: LabelColumns("3", "2", split="1")}
"""By the number of fields: text and label; SentEval's split, label, text."""


def is_header(fields: Sequence[str], file_format: str, columns: LabelColumns) -> bool:
    """Is the first row a header? Yes if two fields have common names, in CSV one; else if the
    caller gave names of columns."""
    known = len(columns.guess(fields).names)
    if known == 2 or (known and file_format == "csv"):
        return True
    if columns.names:
        return not all(map(str.isdecimal, columns.names))
    if len(fields) == 3 and fields[0] in _SENTEVAL:
        return False
    return file_format == "csv" or len(fields) > 2


def find_label_columns(table: Table, columns: LabelColumns) -> LabelColumns:
    """The columns to read: those of the caller, else guessed by name, or by position without a
    header. Raises TextError where one cannot be told."""
    names, guess = table.names, columns.guess(table.names)
    if not table.headed and not columns.names:
        guess = _WITHOUT_HEADER[len(names)]
    text, label = (
        guessed if name is None else column_at(names, name, table.label)
        for name, guessed in ((columns.text, guess.text), (columns.label, guess.label))
    )
    if len(names) == 2:
        text, label = text or _other_column(names, label), label or _other_column(names, text)
    if text is None or label is None or text == label:
        role = "texts" if text is None else "labels"
        text_option = "text-column" if table.in_memory else "column"
        option = table.option(text_option if text is None else "label-column")
        raise TextError(
            f"{table.label}: cannot tell which column holds the {role}; it has "
            f"{listed_columns(names)}; name it with {option}"
        )
    return LabelColumns(text, label, guess.split, columns.kind)


def _other_column(names: Sequence[str], known: str | None) -> str | None:
    """The other of two columns; None if neither is known."""
    return None if known is None else names[1 - list(names).index(known)]
