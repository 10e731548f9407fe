"""Flags of rows (truncated, empty, not finite): how many rows have them, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from poolwise.records import ROW_FLAGS


def flag_messages(counts: Mapping[str, int]) -> Iterator[str]:
    """A line for each flag that some row has."""
    for name, flag in ROW_FLAGS.items():
        if counts[name]:
            yield f"{counts[name]:,} {flag.message}"
