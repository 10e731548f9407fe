"""Relevance as JSON: an object a judgment, or ``{query: {document: grade}}``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain

from poolwise.errors import TextError
from poolwise.texts.columns import Table
from poolwise.texts.jsonl import SameKeyError, decode_json, json_lines

COLUMN_NAMES = ("query-id", "corpus-id", "score")

_MAX_JSON = 1 << 26
"""Characters of a file that is one JSON object."""


def relevance_json(label: str, lines: Iterable[str], optional: Sequence[str]) -> Table:
    """JSON Lines of judgments; or one object of objects."""
    lines = iter(lines)
    first = next((line for line in lines if not line.isspace()), "")
    if not first:
        return Table.empty(label)
    record = _parsed(first)
    if isinstance(record, dict) and not all(isinstance(v, dict) for v in record.values()):
        return json_lines(label, chain([first], lines), optional)
    pieces, characters = [first], len(first)
    for line in lines:
        pieces.append(line)
        characters += len(line)
        if characters > _MAX_JSON:
            raise TextError(
                f"{label}: found one JSON object of more than {_MAX_JSON:,} characters; write the "
                "judgments as TREC's qrels, or an object a line"
            )
    try:
        grades = decode_json("".join(pieces))
    except SameKeyError as error:
        raise TextError(
            f"{label}: the key {error.args[0]!r} is there twice in one object, expected once"
        ) from None
    except (ValueError, RecursionError):
        grades = None
    if grades is None:
        return json_lines(label, pieces, optional)
    return grades_table(grades, label)


def _parsed(text: str) -> object:
    try:
        return decode_json(text)
    except (SameKeyError, ValueError, RecursionError):
        return None


def grades_table(grades: object, label: str, *, in_memory: bool = False) -> Table:
    """The judgments of ``{query: {document: grade}}``; or ``{query: [document, …]}``, all of
    grade 1."""
    if not isinstance(grades, Mapping):
        raise TextError(
            f"{label}: found a {type(grades).__name__}, expected {{query: {{document: grade}}}}"
        )
    rows: list[tuple[object, object, object]] = []
    for query, judged in grades.items():
        if isinstance(judged, Mapping):
            rows += [(query, document, grade) for document, grade in judged.items()]
        elif isinstance(judged, list | tuple | set | frozenset):
            rows += [(query, document, 1) for document in sorted(judged, key=str)]
        else:
            raise TextError(
                f"{label}: the query {query!r:.40} has {judged!r:.40}, expected "
                "{document: grade}, or a list of relevant documents"
            )

    def read(columns: Sequence[str]) -> Iterator[tuple[int, Sequence[object]]]:
        places = [COLUMN_NAMES.index(column) for column in columns]
        for number, row in enumerate(rows):
            yield number, [row[place] for place in places]

    return Table(label, COLUMN_NAMES, read, unit="judgment", in_memory=in_memory)
