"""Which rows are for training, for choosing and for the test."""

from __future__ import annotations

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
