"""The texts that steps after pooling are fitted on; the same in embed and export."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from poolwise.texts import Texts

FIT_LIMIT = 50_000
"""Texts on which steps are fitted: their vectors are held at once."""

FIT_HELP = (
    "Texts on which whiten, standardize, … are fitted: all of them, or "
    f"{FIT_LIMIT:,} that are drawn."
)


def fitted_texts(texts: Texts | None) -> dict[str, Any]:
    """How an output says what its steps were fitted on; nothing where no step needed it."""
    if texts is None or texts.hash is None:
        return {}
    sampled = {"sampled": [asdict(sample) for sample in texts.samples]} if texts.samples else {}
    return {"fitted_on": {"texts": texts.name, "texts_sha256": texts.hash, **sampled}}


def told_of_fit(texts: Texts | None) -> Iterator[str]:
    """A line for whatever is to be known of them."""
    if texts is not None:
        for note in texts.notes:
            yield f"fitted on {texts.name}: {note}"
