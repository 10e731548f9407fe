"""The rows of relevance files: TREC's qrels, tables, JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from poolwise.errors import TextError
from poolwise.texts.column_names import guess_column
from poolwise.texts.columns import Table
from poolwise.texts.fields import as_score, is_missing, is_number
from poolwise.texts.hub_address import is_dataset
from poolwise.texts.omitted_rows import OmittedRows
from poolwise.texts.retrieval.columns import RetrievalFormat, role_column
from poolwise.texts.retrieval.id_texts import as_text_id
from poolwise.texts.retrieval.relevance_json import COLUMN_NAMES, relevance_json
from poolwise.texts.split_names import as_split
from poolwise.texts.tables import Input

_ROLES = ("query id", "document id", "grade")
_MEANINGS = ("the ids of queries", "the ids of documents", "the grades (above 0: relevant)")
_TREC_FIELDS, _RUN_FIELDS = 4, 6


class Judgment(NamedTuple):
    """One line of a relevance file."""

    query: str
    document: str
    grade: float
    split: str


def read_relevance(
    source: Input, form: RetrievalFormat, omitted: OmittedRows
) -> Iterator[Judgment]:
    """The judgments of a source: TREC's qrels (``query 0 document grade``), a table of query id,
    document id and grade with or without a header, or JSON ``{query: {document: grade}}``."""
    table = form.open(
        source,
        _ROLES,
        lambda fields, _: len(fields) < 3 or is_number(fields[-1]),
        read_json=relevance_json,
    )
    if not table.names:
        return
    omitted.unit, omitted.source_note = table.unit, table.note
    rows = _column_rows if table.headed or form.columns else _plain_rows
    for number, query, documents, grade, split in rows(table, form):
        location = table.location(number)
        for document in documents if isinstance(documents, list) else [documents]:
            missing = [is_missing(value) for value in (query, document, grade)]
            if any(missing):
                omitted.add(("query id", "document id", "grade")[missing.index(True)], number)
                continue
            yield Judgment(
                as_text_id(query, "query id", location),
                as_text_id(document, "document id", location),
                as_score(grade, "grade", location),
                "" if split is None else as_split(split, "split", location),
            )


_Fields = tuple[int, object, object, object, object]
"""Row number, query, document, grade, split."""


def _column_rows(table: Table, form: RetrievalFormat) -> Iterator[_Fields]:
    named: Sequence[str | None] = form.columns or (None, None, None)
    if len(named) != 3:
        raise TextError(
            f"found the columns {','.join(map(str, named))!r} for relevance, expected three: "
            "QUERY,DOCUMENT,GRADE"
        )
    wanted = [*zip(_ROLES, _MEANINGS, named, strict=True)]
    if is_dataset(table.label) and guess_column(table.names, "grade") is None:
        wanted = wanted[:2]  # NanoBEIR's judgments list relevant documents alone
    names = [role_column(table, role, what, name, "columns") for role, what, name in wanted]
    split = guess_column(table.names, "split")
    for number, values in table.rows([*names, *([split] if split else [])]):
        grade = values[2] if len(names) == 3 else 1
        yield number, values[0], values[1], grade, values[-1] if split else None


def _plain_rows(table: Table, _: RetrievalFormat) -> Iterator[_Fields]:
    """Rows without a header, their fields between tabs, commas or blanks."""
    for number, values in table.rows(table.names):
        fields = str(values[0]).split() if len(values) == 1 else [str(v).strip() for v in values]
        location = table.location(number)
        if len(fields) == _RUN_FIELDS:
            raise TextError(
                f"{location}: found 6 fields, as in a run (a ranking); expected the judgments "
                "(qrels) of 4: query 0 document grade"
            )
        if len(fields) == 2:
            raise TextError(
                f"{location}: found no grade, expected query, document and grade (1 for relevant)"
            )
        if len(fields) not in (3, _TREC_FIELDS) or not is_number(fields[-1]):
            raise TextError(
                f"{location}: found {' '.join(fields)!r:.60}, expected TREC's "
                "'query 0 document grade', or a header with names such as "
                f"{', '.join(COLUMN_NAMES)}; name the columns with {table.option('columns')}"
            )
        yield number, fields[0], fields[-2], fields[-1], None
