"""What a watch found, in the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from poolwise.cli.console import EscapingConsole, styled
from poolwise.cli.diagnoses import print_diagnosis
from poolwise.cli.kind_differences import kind_table
from poolwise.cli.options import console
from poolwise.doctor.statement import Aspect
from poolwise.doctor.watch_result import StatementChange, WatchResult
from poolwise.doctor.wording import value_text
from poolwise.escaping import escape_control


def print_watch(result: WatchResult) -> None:
    """The diagnosis of a first run; else the verdict, and what has changed."""
    out = console()
    if result.outcome == "first run" and result.diagnosis is not None:
        print_diagnosis(result.diagnosis)
        out.print()
    else:
        out.print(escape_control(result.verdict), style="bold")
    if result.changed:
        _print_changes(result, out)
    for note in result.notes:
        out.print(styled(("· ", "dim"), (note, "")))


def _print_changes(result: WatchResult, out: EscapingConsole) -> None:
    moved = [kind for kind in result.differences if kind.apart or kind.refused]
    if moved:
        out.print()
        out.print(kind_table(moved, out.width))
    out.print()
    if not result.changes:
        out.print(
            "All that the diagnosis says is as it was: of another version of the weights or of the "
            "library, perhaps."
        )
        out.print()
        return
    out.print(_changes(result.changes))
    for change in result.changes:
        out.print()
        out.print(styled((f"{change.aspect}: ", "bold"), (change.sentence, "")))
    out.print()


def _changes(changes: Sequence[StatementChange]) -> Table:
    table = Table("", "before", "now", box=None, padding=(0, 2, 0, 0))
    table.columns[0].no_wrap = True
    for change in changes:
        table.add_row(
            change.aspect, said(change.aspect, change.before), said(change.aspect, change.now)
        )
    return table


def said(aspect: Aspect, value: str | None) -> str:
    """A statement's value, or that there is none."""
    if value is None:
        return "none known" if aspect == "readout" else "–"
    return value_text(aspect, value)
