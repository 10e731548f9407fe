"""Relevance judgments: which document is relevant to which query, and how much."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from poolwise.errors import TextError
from poolwise.texts.omitted_rows import OmittedRows, counted
from poolwise.texts.retrieval.columns import RetrievalFormat
from poolwise.texts.retrieval.relevance_rows import Judgment, read_relevance
from poolwise.texts.tables import Input, input_name

_SPLIT_ORDER = ("", "train", "dev", "test")
"""A query that is judged in several splits stands in the last of them."""


_REPAIRS = {
    "negative": ("grade is below 0 and counts as 0", "grades are below 0 and count as 0"),
    "conflicting": (
        "judgment gives a pair of query and document another grade; the highest counts",
        "judgments give a pair of query and document another grade; the highest counts",
    ),
    "moved": (
        "judgment puts a query into another split; it stands in the later one",
        "judgments put a query into another split; it stands in the later one",
    ),
}
"""What is said of the judgments that were repaired; of one, of several."""


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
        for kind, (one, several) in _REPAIRS.items():
            if self.counts[kind]:
                yield counted(self.counts[kind], one, several)


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
