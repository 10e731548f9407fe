"""How far vectors are apart by kind of text, in the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from poolwise.doctor.difference import KindDifference

NARROW = 72
"""Columns below which a table has fewer."""


def kind_table(kinds: Sequence[KindDifference], width: int) -> Table:
    """A row a kind, of which texts are apart in bold."""
    wide = width >= NARROW
    header = ["texts", "", "apart", "largest", *["median"] * wide, "cosine"]
    table = Table(*header, box=None, padding=(0, 2, 0, 0))
    for column in table.columns[1:]:
        column.justify = "right"
        column.no_wrap = True
    for kind in kinds:
        table.add_row(
            kind.kind,
            str(kind.texts),
            _apart(kind),
            f"{kind.largest:.1e}",
            *[f"{kind.median:.1e}"] * wide,
            f"{kind.cosine:.4f}",
            style="bold" if kind.apart or kind.refused else None,
        )
    return table


def _apart(kind: KindDifference) -> str:
    refused = f"{kind.refused} refused" if kind.refused else ""
    return " + ".join(filter(None, [str(kind.apart) if kind.apart or not refused else "", refused]))
