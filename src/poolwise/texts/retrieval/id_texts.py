"""The queries and the documents of a retrieval set: texts with an id each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from poolwise.errors import TextError
from poolwise.texts.column_names import guess_column
from poolwise.texts.columns import Table
from poolwise.texts.fields import as_filled_text, as_id, is_missing
from poolwise.texts.omitted_rows import OmittedRows, counted
from poolwise.texts.retrieval.columns import RetrievalFormat, role_column
from poolwise.texts.tables import Input, input_name, joined_names

_TITLE = "title"


class IdText(NamedTuple):
    """A query or a document."""

    id: str
    text: str


@dataclass(slots=True)
class IdTexts:
    """Queries or documents, read once.

    ``examples`` are the first two ids that were read; ``notes`` say what was left out; ``complete``
    is true when all rows were read.
    """

    name: str
    rows: Iterable[IdText]
    notes: list[str] = field(default_factory=list)
    examples: list[str] = field(default_factory=list)
    complete: bool = False

    @classmethod
    def read(
        cls, inputs: Sequence[Input], role: Literal["query", "document"], form: RetrievalFormat
    ) -> IdTexts:
        """The texts of several sources, one after another."""
        texts = cls(joined_names({"": inputs}), ())

        def rows() -> Iterator[IdText]:
            for source in inputs:
                omitted = OmittedRows()
                yield from read_id_texts(source, role, form, omitted)
                remarks = [*omitted.notes(), *filter(None, [omitted.source_note])]
                texts.notes += [f"{input_name(source)}: {remark}" for remark in remarks]

        texts.rows = rows()
        return texts

    def __iter__(self) -> Iterator[IdText]:
        for row in self.rows:
            if len(self.examples) < 2:
                self.examples.append(row.id)
            yield row
        self.complete = True

    def unique(self, rows: Iterable[IdText]) -> list[IdText]:
        """The rows, each id once. Raises TextError where two texts have the same id."""
        texts: dict[str, str] = {}
        repeated = 0
        for row_id, text in rows:
            if texts.setdefault(row_id, text) != text:
                raise TextError(
                    f"{self.name}: the id {row_id!r:.40} stands for two texts, "
                    f"{texts[row_id]!r:.40} and {text!r:.40}; expected one text for each id"
                )
            repeated += 1
        if repeated > len(texts):
            twice = counted(repeated - len(texts), "row is", "rows are")
            self.notes.append(f"{self.name}: {twice} there twice")
        return [IdText(*item) for item in texts.items()]


def read_id_texts(
    source: Input, role: Literal["query", "document"], form: RetrievalFormat, omitted: OmittedRows
) -> Iterator[IdText]:
    """The queries, or the documents, of a source: JSON Lines, CSV, TSV, Parquet, or two columns of
    id and text without a header.

    A document's title and its text are joined by a blank, as in BEIR and MTEB. Rows without a text
    are counted and left out.
    """
    optional = (_TITLE,) if role == "document" else ()
    table = form.open(
        source,
        (f"{role} id", role, _TITLE),
        lambda fields, file_format: file_format != "csv" and len(fields) == 2,
        optional=optional,
    )
    if not table.names:
        return
    columns = _columns(table, role, form)
    omitted.unit, omitted.source_note = table.unit, table.note
    for number, (row_id, *parts) in table.rows(columns):
        location = table.location(number)
        if is_missing(row_id):
            omitted.add("id", number)
            continue
        texts = [
            as_filled_text(part, column, location)
            for part, column in zip(parts, columns[1:], strict=True)
            if not is_missing(part)
        ]
        if texts:
            text = " ".join(texts).strip() if role == "document" else texts[0]
            yield IdText(as_text_id(row_id, columns[0], location), text)
        else:
            omitted.add("text", number)


def as_text_id(value: object, column: str, location: str) -> str:
    """An id as text, without blanks around it: ``7`` and ``"7"`` are the same."""
    return str(as_id(value, column, location)).strip()


def _columns(table: Table, role: str, form: RetrievalFormat) -> list[str]:
    """The columns of the id, of the title if there is one, and of the text."""
    if not table.headed and len(table.names) == 2 and not (form.id_column or form.text_column):
        return ["1", "2"]
    plural = {"query": "queries", "document": "documents"}[role]
    id_column = role_column(table, f"{role} id", f"the ids of the {plural}", form.id_column,
                            "id-column")  # fmt: skip
    title = guess_column(table.names, _TITLE) if role == "document" else None
    option = "text-column" if table.in_memory else "column"
    if form.text_column is None and title and guess_column(table.names, role) in (None, id_column):
        return [id_column, title]
    text = role_column(table, role, f"the texts of the {plural}", form.text_column, option)
    if text == id_column:
        raise TextError(
            f"{table.label}: found the column {text!r} alone, expected one of ids and one of texts"
        )
    return [id_column, *([title] if title and title != text else []), text]
