"""What a verification has found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from poolwise.errors import listed
from poolwise.jobs.verification.fault import Fault


@dataclass(frozen=True, slots=True)
class VerifyResult:
    """The job in ``output``: ``rows`` are in the ``parts`` that are there, of ``all_parts``;
    ``missing`` ones have yet to be made.

    ``faults`` are what is wrong (see ``Fault``), ``notes`` what is to be known and is not wrong,
    and ``repaired`` the parts that were made again, those that were missing too.
    """

    output: Path
    rows: int
    parts: int
    all_parts: int
    missing: Sequence[int]
    faults: Sequence[Fault]
    notes: Sequence[str]
    repaired: Sequence[int]
    seconds: float

    @property
    def whole(self) -> bool:
        """Whether every part is there and as it was made, and nothing else is wrong."""
        return not self.faults and not self.missing

    @property
    def wrong_parts(self) -> Sequence[int]:
        """The numbers of the parts that are there and not as they were made."""
        wrong = {fault.part for fault in self.faults if fault.part is not None}
        return sorted(wrong.difference(self.missing))

    @property
    def verdict(self) -> str:
        """One sentence: whole, or what is wrong."""
        return f"{self.output}: {'; '.join(self._statements())}"

    def _statements(self) -> list[str]:
        remade = f" ({_parts(self.repaired)} made anew)" if self.repaired else ""
        if self.whole:
            number = "1 part" if self.all_parts == 1 else f"all {self.all_parts:,} parts"
            return [f"whole: {self.rows:,} rows in {number}{remade}"]
        statements = []
        if self.wrong_parts:
            statements.append(f"{_parts(self.wrong_parts)} wrong, of {self.all_parts:,}{remade}")
        if self.missing:
            statements.append(
                f"unfinished: {len(self.missing):,} of {self.all_parts:,} parts missing "
                f"({listed(map(str, self.missing))})"
            )
        if not statements:
            statements.append(f"the parts are as they were made{remade}, the folder is not")
        return statements

    def __str__(self) -> str:
        return "\n".join([self.verdict, *map(str, self.faults), *self.notes])


def _parts(numbers: Sequence[int]) -> str:
    names = listed(map(str, numbers))
    return f"part {names} is" if len(numbers) == 1 else f"parts {names} are"
