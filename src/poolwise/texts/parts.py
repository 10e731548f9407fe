"""Which rows are for training, for choosing and for the test, and do any stand in two of them?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence

from poolwise.errors import TextError

PARTS = {
    "train": ("train", "training", "tr"),
    "dev": ("dev", "development", "validation", "valid", "val", "va", "trial"),
    "test": ("test", "te"),
}
"""What files call them."""

_NAMED = {name: part for part, names in PARTS.items() for name in names}


def named_part(value: object, column: str, where: str) -> str:
    """The part that a row's field names."""
    part = _NAMED.get(value.strip().casefold()) if isinstance(value, str) else None
    if part is None:
        raise TextError(
            f"{where}: the part {column!r} is {value!r}, expected train, dev (validation) or test"
        )
    return part


def duplicates(parts: Sequence[str], keys: Sequence[Hashable]) -> Mapping[str, int]:
    """How many rows of ``dev`` and of ``test`` also stand in ``train``; parts without are left out.

    ``keys`` say what makes two rows the same, one a row: a text, or a pair's two texts.
    """
    trained = {key for part, key in zip(parts, keys, strict=True) if part == "train"}
    again = Counter(part for part, key in zip(parts, keys, strict=True) if key in trained)
    return {part: again[part] for part in ("dev", "test") if again[part]}
