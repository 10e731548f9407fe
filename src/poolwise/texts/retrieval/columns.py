"""Which columns of queries, corpus and relevance hold what, and how the files are read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from poolwise.errors import TextError
from poolwise.texts.column_names import guess_column
from poolwise.texts.columns import Table, column_at, listed_columns
from poolwise.texts.jsonl import json_lines
from poolwise.texts.limits import MAX_TEXT_BYTES
from poolwise.texts.tables import Input, open_table


@dataclass(frozen=True, slots=True)
class RetrievalFormat:
    """How the files of a retrieval set are read.

    ``text_column`` and ``id_column`` are those of queries and corpus; ``columns`` those of
    relevance (query, document, grade), or of a table of queries with positives; None where names
    tell.
    """

    encoding: str = "utf-8"
    max_bytes: int = MAX_TEXT_BYTES
    text_column: str | None = None
    id_column: str | None = None
    columns: Sequence[str] | None = None

    def open(
        self,
        source: Input,
        roles: Sequence[str],
        is_data: Callable[[Sequence[str], str], bool],
        *,
        optional: Sequence[str] = (),
        read_json: Callable[[str, Iterable[str], Sequence[str]], Table] = json_lines,
    ) -> Table:
        """The table of a source. Its first row is a header if a field has the name of a role, or
        one that the caller gave; else unless ``is_data`` of its fields and ``csv`` or ``tsv``."""
        named = [*filter(None, (self.text_column, self.id_column)), *(self.columns or ())]

        def is_header(fields: Sequence[str], file_format: str) -> bool:
            known = any(guess_column(fields, role) for role in roles)
            return known or any(n in fields for n in named) or not is_data(fields, file_format)

        return open_table(
            source, self.encoding, is_header, self.max_bytes, optional=optional, read_json=read_json
        )


def role_column(table: Table, role: str, what: str, named: str | None, option: str) -> str:
    """The column ``named``, else the one that is called as ``role`` is. Raises TextError where it
    cannot be told: ``what`` it holds, and the ``option`` that names it."""
    if named is not None:
        return column_at(table.names, named, table.label)
    column = guess_column(table.names, role)
    if column is None:
        raise TextError(
            f"{table.label}: cannot tell which column holds {what}; it has "
            f"{listed_columns(table.names)}; name it with {table.option(option)}"
        )
    return column
