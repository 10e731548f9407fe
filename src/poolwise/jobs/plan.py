"""The plan of a job: written once, before the first part; every process that works reads it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from poolwise.errors import NameTakenError, StoreError, listed
from poolwise.jobs.folder import JobFolder, read_json, write_json

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Segment:
    """Consecutive rows of one input: ``rows`` of them from row ``first`` on, counted from 0."""

    source: int
    first: int
    rows: int


@dataclass(frozen=True, slots=True)
class Part:
    """Rows that are committed together. ``first_row`` is the number of its first row over all
    inputs."""

    number: int
    first_row: int
    segments: tuple[Segment, ...]

    @property
    def rows(self) -> int:
        """Rows of the inputs, rejected ones included."""
        return sum(segment.rows for segment in self.segments)


@dataclass(frozen=True, slots=True)
class Plan:
    """``inputs`` say of each input what it is (``Source.identity``) and how many ``rows`` it has;
    ``fingerprint`` is all that the bytes of the parts depend on beside them; ``request`` is what is
    needed to make parts again: the model's name, the readouts' files, how inputs are read."""

    inputs: Sequence[Mapping[str, Any]]
    fingerprint: Mapping[str, Any]
    request: Mapping[str, Any]
    parts: Sequence[Part]

    @property
    def rows(self) -> int:
        """Rows of all inputs."""
        return sum(part.rows for part in self.parts)

    def place(self, part: Part) -> str:
        """Where a part's rows come from, for an error."""
        return listed(
            f"{self.inputs[s.source]['name']} rows {s.first:,} to {s.first + s.rows - 1:,}"
            for s in part.segments
        )

    def to_json(self) -> dict[str, Any]:
        parts = [
            {
                "part": part.number,
                "first_row": part.first_row,
                "segments": [[s.source, s.first, s.rows] for s in part.segments],
            }
            for part in self.parts
        ]
        return {
            "format": FORMAT,
            "inputs": list(self.inputs),
            "fingerprint": dict(self.fingerprint),
            "request": dict(self.request),
            "parts": parts,
        }

    @classmethod
    def load(cls, folder: JobFolder) -> Plan:
        """The plan of the job in this folder. Raises StoreError where there is none."""
        if not folder.plan.exists():
            raise StoreError(
                f"{folder.path} holds no corpus job; expected what poolwise embed … -o "
                f"{folder.path}/ writes"
            )
        document = read_json(folder.plan)
        if document.get("format") != FORMAT:
            raise StoreError(
                f"{folder.plan} has format {document.get('format')!r:.20}, expected {FORMAT}: "
                "another version of poolwise wrote it"
            )
        try:
            return cls(
                document["inputs"],
                document["fingerprint"],
                document["request"],
                [
                    Part(p["part"], p["first_row"], tuple(Segment(*s) for s in p["segments"]))
                    for p in document["parts"]
                ],
            )
        except (KeyError, TypeError) as error:
            raise StoreError(f"{folder.plan} is damaged: {error!r:.100}") from error

    def publish(self, folder: JobFolder) -> Plan:
        """This plan, now the folder's; or the one that another process has written meanwhile."""
        try:
            write_json(folder.plan, self.to_json(), overwrite=False)
        except NameTakenError:
            return Plan.load(folder)
        return self


def cut(rows: Sequence[int], part_rows: int) -> Iterator[Part]:
    """Parts of ``part_rows`` rows, over inputs with so many ``rows``; the last has what is left."""
    segments: list[Segment] = []
    number = first_row = room = 0
    room = part_rows
    for source, count in enumerate(rows):
        start = 0
        while start < count:
            taken = min(room, count - start)
            segments.append(Segment(source, start, taken))
            start, room = start + taken, room - taken
            if not room:
                yield Part(number, first_row, tuple(segments))
                number, first_row = number + 1, first_row + part_rows
                segments, room = [], part_rows
    if segments:
        yield Part(number, first_row, tuple(segments))
