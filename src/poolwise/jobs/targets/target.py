"""The protocol of a target, what it is given, and what it reports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from poolwise.progress import Progress


@dataclass(frozen=True, slots=True)
class PartFile:
    """A committed part: its file, the SHA-256 of the file in hex, and how many rows it has."""

    path: Path
    sha256: str
    rows: int

    @property
    def name(self) -> str:
        """What the part is called where a target notes that it is loaded."""
        return self.path.name


@dataclass(frozen=True, slots=True)
class TargetResult:
    """How many rows a target has after a load, what the load did, and how long it took.

    ``updated`` counts rows that were there and differed. An index file is written anew whenever
    its rows differ: ``deleted`` are then all its old rows, and ``added`` all its new ones.
    ``notes`` are sentences on what a reader of the target should know, such as another type.
    """

    rows: int
    added: int
    updated: int
    deleted: int
    seconds: float
    notes: tuple[str, ...] = ()


class Target(Protocol):
    """Rows outside of the parts."""

    def load(self, parts: Sequence[PartFile], progress: Progress) -> TargetResult:
        """Bring the target to exactly the rows of ``parts``; a second call adds nothing.

        ``progress`` counts rows. What was killed in between is completed by another call. Raises
        StoreError where an id comes twice, and where the target cannot be written.
        """
