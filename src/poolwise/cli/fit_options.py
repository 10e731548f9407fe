"""The texts that steps after pooling are fitted on; the same in embed and export."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from poolwise.texts import Texts

FIT_LIMIT = 50_000
"""Texts on which steps are fitted: their vectors are in memory at once."""

FIT_HELP = (
    "Texts on which whiten, standardize, … are fitted: all of them, or "
    f"{FIT_LIMIT:,} that are drawn."
)


def fitted_texts(texts: Texts | None) -> dict[str, Any]:
    """The provenance of fitted steps, for an output; empty where no step needed a fit."""
    if texts is None or texts.hash is None:
        return {}
    sampled = {"sampled": [asdict(sample) for sample in texts.samples]} if texts.samples else {}
    return {"fitted_on": {"texts": texts.name, "texts_sha256": texts.hash, **sampled}}


def fit_notes(texts: Texts | None) -> Iterator[str]:
    """A line for each note on the texts of the fit."""
    if texts is not None:
        for note in texts.notes:
            yield f"fitted on {texts.name}: {note}"
