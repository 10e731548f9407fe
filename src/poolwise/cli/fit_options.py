"""The texts that steps after pooling are fitted on; the same in embed and export."""

from __future__ import annotations

from collections.abc import Iterator

from poolwise.texts import Texts

FIT_LIMIT = 50_000
"""Texts on which steps are fitted: their vectors are in memory at once."""

FIT_HELP = (
    "Texts on which whiten, standardize, … are fitted: all of them, or "
    f"{FIT_LIMIT:,} that are drawn."
)


def fit_notes(texts: Texts | None) -> Iterator[str]:
    """A line for each note on the texts of the fit."""
    if texts is not None:
        for note in texts.notes:
            yield f"fitted on {texts.name}: {note}"
