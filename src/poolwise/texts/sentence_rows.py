"""Rows of texts split into rows of sentences; a text's bytes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from poolwise.errors import TextError
from poolwise.texts.columns import Columns, Row, Table
from poolwise.texts.sentences import numbered_sentences, split_sentences
from poolwise.texts.sources import FileSource, Source


def encoded(text: str, location: str) -> bytes:
    """The text in UTF-8. Raises TextError for half a surrogate pair."""
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise TextError(
            f"{location}: half a surrogate pair at character {error.start}, "
            "which is no text; repair the row"
        ) from None


def is_plain_lines(source: Source) -> bool:
    """Are its rows plain lines?"""
    return isinstance(source, FileSource) and source.format == "lines"


def check_source(source: Source, columns: Columns) -> None:
    """Raise TextError unless the source is there, and has columns if any are named."""
    source.check()
    if is_plain_lines(source) and columns != Columns():
        raise TextError(
            f"{source.label} is read as plain lines, which have no columns; "
            "leave the column out, or name a file that ends with .csv, .tsv, .jsonl or .parquet"
        )


def _encodable(rows: Iterable[Row], table: Table) -> Iterator[Row]:
    """The rows. Raises TextError for text that UTF-8 cannot encode, which the splitter rejects."""
    for row in rows:
        encoded(row.text, table.location(row.number))
        yield row


def split_rows(
    rows: Iterable[Row], table: Table, *, plain_lines: bool, language: str
) -> Iterator[Row]:
    """The sentences of the rows. Plain lines are one running text; the text of a column is split
    row by row. Raises TextError for text that UTF-8 cannot encode."""
    rows = _encodable(rows, table)
    if plain_lines:
        for number, sentence in numbered_sentences((row.text for row in rows), language):
            yield Row(sentence, number)
        return
    for row in rows:
        for sentence in split_sentences(row.text.split("\n"), language):
            yield row._replace(text=sentence)
