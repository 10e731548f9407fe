"""Names of the train, dev and test splits."""

from __future__ import annotations

from poolwise.errors import TextError

SPLIT_NAMES = {
    "train": ("train", "training", "tr"),
    "dev": ("dev", "development", "validation", "valid", "val", "va", "trial"),
    "test": ("test", "te"),
}
"""What data sets call each split."""

_SPLITS = {name: split for split, names in SPLIT_NAMES.items() for name in names}


def find_split(name: object) -> str | None:
    """``train``, ``dev`` or ``test`` by any of its names; None if ``name`` is none of them."""
    return _SPLITS.get(name.strip().casefold()) if isinstance(name, str) else None


def as_split(value: object, column: str, location: str) -> str:
    """The split that a row's field names. Raises TextError if it names none."""
    split = find_split(value)
    if split is None:
        raise TextError(
            f"{location}: the part {column!r} is {value!r}, expected train, dev (validation) or "
            "test"
        )
    return split
