"""Queries with their positives, and hard negatives, in the rows of one table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from poolwise.errors import TextError
from poolwise.texts.column_names import guess_column, guess_columns
from poolwise.texts.columns import Table, column_at, listed_columns
from poolwise.texts.fields import as_filled_text, is_missing
from poolwise.texts.omitted_rows import OmittedRows
from poolwise.texts.retrieval.columns import RetrievalFormat
from poolwise.texts.retrieval.layouts import BEIR
from poolwise.texts.split_names import as_split
from poolwise.texts.tables import Input

_ROLES = ("query", "positive", "negative")


class PositivesRow(NamedTuple):
    """A query, the documents that are relevant to it, and some that are not."""

    query: str
    positives: Sequence[str]
    negatives: Sequence[str]
    split: str


def read_positives(
    source: Input, form: RetrievalFormat, omitted: OmittedRows
) -> Iterator[PositivesRow]:
    """The rows of a table with the columns query (anchor, question), positive (answer) and any
    number of negatives, as sentence-transformers trains on; a positive or negative may be a list.

    Raises TextError where there is no column of positives.
    """
    table = form.open(
        source,
        _ROLES,
        lambda _, file_format: (
            file_format != "csv" and all(map(str.isdecimal, form.columns or [""]))
        ),
    )
    if not table.names:
        return
    query, positives, negatives = _columns(table, form.columns)
    split = guess_column(table.names, "split")
    omitted.unit, omitted.source_note = table.unit, table.note
    columns = [query, *positives, *negatives]
    for number, values in table.rows([*columns, *([split] if split else [])]):
        location = table.location(number)
        if is_missing(values[0]):
            omitted.add("query", number)
            continue
        texts = [
            list(_texts(value, column, location))
            for column, value in zip(columns[1:], values[1 : len(columns)], strict=True)
        ]
        relevant = [text for found in texts[: len(positives)] for text in found]
        if not relevant:
            omitted.add("positive", number)
            continue
        yield PositivesRow(
            as_filled_text(values[0], query, location),
            relevant,
            [text for found in texts[len(positives) :] for text in found],
            as_split(values[-1], split, location) if split else "",
        )


def _texts(value: object, column: str, location: str) -> Iterator[str]:
    """The texts of a field: one, or those of a list; none where it is empty."""
    for item in value if isinstance(value, list | tuple) else [value]:
        if not is_missing(item):
            yield as_filled_text(item, column, location)


def _columns(table: Table, named: Sequence[str] | None) -> tuple[str, list[str], list[str]]:
    if named is not None:
        if len(named) < 2:
            raise TextError(
                f"found the column {named[0]!r} alone, expected QUERY,POSITIVE[,NEGATIVE…]"
            )
        query, positive, *negatives = (column_at(table.names, n, table.label) for n in named)
        return query, [positive], negatives
    query_guess, positives = guess_column(table.names, "query"), guess_columns(
        table.names, "positive"
    )  # fmt: skip
    if query_guess is None or not positives or query_guess in positives:
        missing = "queries" if query_guess is None else "positives"
        raise TextError(
            f"{table.label}: cannot tell which column holds the {missing}; it has "
            f"{listed_columns(table.names)}; for a table of queries with their relevant texts name "
            f"{table.option('columns')} QUERY,POSITIVE[,NEGATIVE…]; else name "
            f"{table.option('corpus')} and {table.option('relevance')}, or a folder with {BEIR}"
        )
    return query_guess, positives, guess_columns(table.names, "negative")
