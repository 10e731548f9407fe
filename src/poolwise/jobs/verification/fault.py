"""Something that is not as it was made."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias


class Difference(NamedTuple):
    """What is ``found`` and what was ``expected``, each the end of a sentence."""

    found: str
    expected: str


Differences: TypeAlias = Iterator[Difference]


@dataclass(frozen=True, slots=True)
class Fault:
    """``check`` is the name of the check that found it; ``part`` the number of the part that is
    wrong, None where it is the folder or a file that is no part, and ``file`` the file's name."""

    part: int | None
    file: str
    check: str
    found: str
    expected: str

    def __str__(self) -> str:
        return f"{self.file}: {self.check}: found {self.found}, expected {self.expected}"
