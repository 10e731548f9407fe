"""A table whose columns were looked at, and what its user says of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from poolwise.errors import TextError
from poolwise.texts.inference.column_profiles import ColumnKind, ColumnProfile
from poolwise.texts.inference.inferred_task import TaskName

OPTIONS: Mapping[str, tuple[str, str]] = {
    "task": ("--task ", "task="),
    "text": ("--column ", "text_column="),
    "target": ("--target ", "target="),
    "sides": ("--columns ", "columns="),
}
"""What users say of a table: on the command line, in Python."""

_MAX_LISTED = 12


@dataclass(frozen=True, slots=True)
class ColumnChoice:
    """What the user says of a table: its task and columns, None or empty where they are inferred.
    ``sides`` are the columns of a pair's two texts and, if there are three, of its score."""

    task: TaskName | None = None
    text: str | None = None
    target: str | None = None
    sides: Sequence[str] = ()

    @property
    def names(self) -> list[str]:
        """All columns that are named."""
        return [name for name in (self.text, self.target, *self.sides) if name is not None]


@dataclass(frozen=True)
class ProfiledTable:
    """What is known of a table: ``label`` as errors name it, the ``columns`` that were looked at,
    all ``names``, the user's ``choice``. ``complete``: all rows and columns were looked at."""

    label: str
    columns: Sequence[ColumnProfile]
    names: Sequence[str]
    choice: ColumnChoice = field(default_factory=ColumnChoice)
    complete: bool = True
    in_memory: bool = False

    @cached_property
    def by_name(self) -> Mapping[str, ColumnProfile]:
        """The columns by their names."""
        return {column.name: column for column in self.columns}

    def of_kind(self, *kinds: ColumnKind, but: Iterable[str] = ()) -> list[str]:
        """The names of the columns of these kinds, without those of ``but``."""
        omitted = {*but}
        return [c.name for c in self.columns if c.kind in kinds and c.name not in omitted]

    def option(self, name: str) -> str:
        """How the user writes the option in front of its value: ``--target `` or ``target=``."""
        return OPTIONS[name][self.in_memory]

    def listed_options(self, *names: str) -> str:
        """Options as alternatives: ``--task, --column or --target``."""
        *first, last = (f"{self.option(name).strip()}{'…' * self.in_memory}" for name in names)
        return f"{', '.join(first)} or {last}" if first else last

    def overruled_by(self, *options: str) -> str:
        """How to overrule what was inferred."""
        return f"overrule it with {self.listed_options(*options)}"

    def count_of(self, column: ColumnProfile) -> str:
        """The number of a column's different values, as far as it is known."""
        if column.kind == "constant":
            return f"all of the first rows have {column.example!r:.40}"
        at_least = "" if self.complete else "at least "
        return f"{at_least}{column.distinct:,} different"

    def check_numbers(self, column: ColumnProfile) -> None:
        """Raises TextError where the column holds other than numbers."""
        if not column.numeric:
            raise self.error(
                f"expected numbers in {column.name!r}, found values such as {column.example!r:.40}",
                "target",
            )

    def error(self, problem: str, *options: str, advice: str = "name it with") -> TextError:
        """The problem, what the columns look like, and the options that name one."""
        columns = ", ".join(map(str, self.columns[:_MAX_LISTED]))
        n_more = len(self.names) - len(self.columns[:_MAX_LISTED])
        more = f" and {n_more:,} more" if n_more > 0 else ""
        return TextError(
            f"{self.label}: {problem}; its columns are {columns}{more}; "
            f"{advice} {self.listed_options(*options)}"
        )
