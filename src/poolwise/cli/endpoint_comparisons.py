"""How the vectors of two servers are related, in the terminal."""

from __future__ import annotations

from rich.table import Table

from poolwise.cli.console import styled
from poolwise.cli.kind_differences import kind_table
from poolwise.cli.options import console
from poolwise.cli.watches import said
from poolwise.doctor.comparison import EndpointComparison
from poolwise.escaping import escape_control


def print_comparison(result: EndpointComparison) -> None:
    """The verdict, how far texts of each kind are apart, and what is said of each server."""
    out = console()
    out.print(escape_control(result.verdict), style="bold")
    out.print()
    out.print(kind_table(result.differences, out.width))
    if result.diagnoses is None:
        return
    for mark, name, diagnosis in zip("AB", result.endpoints, result.diagnoses, strict=True):
        out.print()
        out.print(styled((f"{mark}  ", "bold"), (name, "dim")))
        out.print(escape_control(diagnosis.verdict))
    out.print()
    if not result.contrasts:
        out.print("Both diagnoses say the same.")
        return
    table = Table("", "A", "B", box=None, padding=(0, 2, 0, 0))
    table.columns[0].no_wrap = True
    for contrast in result.contrasts:
        one, other = (said(contrast.aspect, value) for value in (contrast.one, contrast.other))
        table.add_row(contrast.aspect, one, other)
    out.print(table)
