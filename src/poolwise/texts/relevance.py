"""Relevance judgments: which document is relevant to which query, and how much."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import NamedTuple

from poolwise.errors import TextError
from poolwise.texts.column_names import guess_column
from poolwise.texts.columns import Table
from poolwise.texts.fields import as_score, is_missing, is_number
from poolwise.texts.id_texts import as_text_id
from poolwise.texts.jsonl import json_lines
from poolwise.texts.omitted_rows import OmittedRows
from poolwise.texts.retrieval_columns import RetrievalFormat, role_column
from poolwise.texts.split_names import as_split
from poolwise.texts.tables import Input, input_name

_ROLES = ("query id", "document id", "grade")
_NAMES = ("query-id", "corpus-id", "score")
_TREC_FIELDS, _RUN_FIELDS = 4, 6
_MAX_JSON = 1 << 28
"""Characters of a file that is one JSON object."""

_SPLIT_ORDER = ("", "train", "dev", "test")
"""A query that is judged in several splits stands in the last of them."""


class Judgment(NamedTuple):
    """One line of a relevance file."""

    query: str
    document: str
    grade: float
    split: str


@dataclass(slots=True)
class Judgments:
    """The grades of each query's judged documents, by ids, and each query's split."""

    grades: dict[str, dict[str, float]] = field(default_factory=dict)
    splits: dict[str, str] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)

    def add(self, judgment: Judgment) -> None:
        """Of two grades of the same pair the higher counts; grades below 0 count as 0."""
        query, document, grade, split = judgment
        self.counts["negative"] += grade < 0
        grades = self.grades.setdefault(query, {})
        known, grade = grades.get(document), max(grade, 0.0)
        self.counts["conflicting"] += known is not None and known != grade
        grades[document] = grade if known is None else max(grade, known)
        former = self.splits.setdefault(query, split)
        if former != split:
            self.counts["moved"] += 1
            self.splits[query] = max(former, split, key=_SPLIT_ORDER.index)

    def relevant(self, query: str) -> bool:
        """Is any document relevant to the query?"""
        return any(grade > 0 for grade in self.grades.get(query, {}).values())

    def notes(self) -> Iterator[str]:
        """What was repaired."""
        texts = {
            "negative": "grades are below 0 and count as 0",
            "conflicting": "judgments give a pair of query and document another grade; the "
            "highest counts",
            "moved": "judgments put a query into another split; it stands in the later one",
        }
        yield from (f"{self.counts[k]:,} {text}" for k, text in texts.items() if self.counts[k])


def read_judgments(
    inputs: Mapping[str, Sequence[Input]], form: RetrievalFormat
) -> tuple[Judgments, list[str]]:
    """The judgments of all sources, by split; and notes. Raises TextError where there is none."""
    judgments, notes = Judgments(), []
    for split, sources in inputs.items():
        for source in sources:
            omitted, empty = OmittedRows(), True
            for row in read_relevance(source, form, omitted):
                judgments.add(row._replace(split=split or row.split))
                empty = False
            if empty:
                reason = "".join(f"; {note}" for note in omitted.notes())
                raise TextError(f"{input_name(source)} holds no judgments{reason}")
            notes += [f"{input_name(source)}: {note}" for note in omitted.notes()]
    return judgments, [*notes, *judgments.notes()]


def read_relevance(
    source: Input, form: RetrievalFormat, omitted: OmittedRows
) -> Iterator[Judgment]:
    """The judgments of a source: TREC's qrels (``query 0 document grade``), a table of query id,
    document id and grade with or without a header, or JSON ``{query: {document: grade}}``."""
    table = form.open(source, _ROLES, read_json=_json)
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
    names = [
        role_column(table, role, f"the {what}", name, "columns")
        for role, what, name in zip(
            _ROLES, ("ids of queries", "ids of documents", "grades"), named, strict=True
        )
    ]
    split = guess_column(table.names, "split")
    for number, values in table.rows([*names, *([split] if split else [])]):
        query, document, grade, *rest = values
        yield number, query, document, grade, rest[0] if rest else None


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
                f"{', '.join(_NAMES)}; name the columns with {table.option('columns')}"
            )
        yield number, fields[0], fields[-2], fields[-1], None


def _json(label: str, lines: Iterable[str], optional: Sequence[str]) -> Table:
    """JSON Lines of judgments; or one object of objects."""
    lines = iter(lines)
    first = next((line for line in lines if not line.isspace()), "")
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
    grades = _parsed("".join(pieces))
    if grades is None:
        return json_lines(label, pieces, optional)
    return grades_table(grades, label)


def _parsed(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
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
        places = [_NAMES.index(column) for column in columns]
        for number, row in enumerate(rows):
            yield number, [row[place] for place in places]

    return Table(label, _NAMES, read, unit="judgment", in_memory=in_memory)
