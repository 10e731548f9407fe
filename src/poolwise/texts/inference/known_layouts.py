"""Files without a header that are known by their form: STS Benchmark, TREC's questions, CoNLL."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

from poolwise.texts.columns import Table
from poolwise.texts.compression import COMPRESSED
from poolwise.texts.fields import is_number
from poolwise.texts.inference.inferred_task import InferredTask
from poolwise.texts.inference.table_sources import TableSource
from poolwise.texts.labels import TREC_LINE

_ROWS = 200
"""Rows that have to have the form."""

_STS = ("6", "7", "5")
"""Columns of the STS Benchmark: both texts and the score."""

_CONLL = (".conll", ".conllu")


_TREC = InferredTask(
    "classification", {}, "classification: every line is a label, ':' and a text, as TREC's are", ""
)

_LINES = InferredTask(
    "texts",
    {},
    "texts without labels, one a line",
    "for files of one label each say --labels NAME=FILE for each of them",
)


def known_layout(source: TableSource) -> InferredTask | None:
    """What is in a file of such a form; None of any other. Its own reader knows the columns where
    ``columns`` are empty."""
    if not (source.from_file and isinstance(source.data, str)):
        return None
    if _suffix(source.data) in _CONLL:
        return InferredTask("tagging", {}, "tagging: words with tags, as CoNLL's", "")
    table = source.preview()
    if table.headed:
        return None
    if len(table.names) == 1:
        return _TREC if _all_match(table) else _LINES
    if len(table.names) >= len(_STS) + 4 and _has_scores(table):
        first, second, target = _STS
        return InferredTask(
            "similarity",
            {"first": first, "second": second, "target": target},
            "similarity: the columns are those of the STS Benchmark",
            "",
        )
    return None


def _suffix(path: str) -> str:
    file = Path(path)
    return (file.with_suffix("") if file.suffix.lower() in COMPRESSED else file).suffix.lower()


def _all_match(table: Table) -> bool:
    rows = [str(line) for _, (line,) in islice(table.rows(table.names), _ROWS)]
    return bool(rows) and all(map(TREC_LINE.fullmatch, rows))


def _has_scores(table: Table) -> bool:
    rows = [values for _, values in islice(table.rows(_STS), _ROWS)]
    return bool(rows) and all(
        is_number(str(score)) and str(first).strip() and str(second).strip()
        for first, second, score in rows
    )
