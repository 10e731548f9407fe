"""Processes that torchrun has started, which train together."""

from __future__ import annotations

import os
from typing import TypeVar

Told = TypeVar("Told")


def processes() -> int:
    """How many there are; 1 without torchrun."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def is_first() -> bool:
    """Whether this is the one that writes and prints."""
    return int(os.environ.get("RANK", "0")) == 0


def from_first(told: Told) -> Told:
    """What the first process tells, in every one of them; all must ask."""
    if processes() == 1:
        return told
    from accelerate import PartialState  # noqa: PLC0415 - few have several machines
    from accelerate.utils import broadcast_object_list  # noqa: PLC0415

    PartialState()  # joins the group
    (first,) = broadcast_object_list([told])
    return first  # type: ignore[no-any-return]
