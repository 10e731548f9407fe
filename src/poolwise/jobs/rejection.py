"""Rows that get no vector: what happens to them, and the list of them."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Literal

from poolwise.errors import TextError
from poolwise.files import atomic_write
from poolwise.jobs.folder import JobFolder
from poolwise.json_values import unicode
from poolwise.texts.corpus_rows import CorpusRow

BadRows = Literal["null", "skip", "fail"]
"""``null``: the row is kept, its vectors are null and ``problem`` says why; ``skip``: it is left
out; ``fail``: it ends the job. In any case it is counted, and listed in the job's folder."""


def kind_of(problem: str) -> str:
    """The kind of a problem, which is counted: ``encoding`` of ``encoding: byte 0xff at …``."""
    return problem.partition(":")[0]


@dataclass(slots=True)
class Rejected:
    """The rejected rows of a part: counted, and as lines of JSON."""

    policy: BadRows
    counts: Counter[str] = field(default_factory=Counter)
    _lines: list[str] = field(default_factory=list)

    def add(self, row: CorpusRow, problem: str) -> None:
        """Raises TextError if such a row is to end the job."""
        sentence = row.sentence
        if self.policy == "fail":
            raise TextError(
                f"{sentence.location}: {problem}; repair the row, or --on-bad-row null (or skip) "
                "to go on without its vector"
            )
        self.counts[kind_of(problem)] += 1
        entry: dict[str, Any] = {
            "id": unicode(sentence.id) if isinstance(sentence.id, str) else sentence.id,
            "location": unicode(sentence.location),
            "problem": unicode(problem),
        }
        self._lines.append(json.dumps(entry, ensure_ascii=False))

    def save(self, folder: JobFolder, number: int) -> None:
        """Write the list, if any row was rejected. It is there before the part is."""
        if self._lines:
            with atomic_write(folder.rejected(number)) as file:
                file.writelines(f"{line}\n".encode() for line in self._lines)
