"""Processes that torchrun has started: they train together, and the first one writes and prints."""

from __future__ import annotations

import os
from typing import TypeVar

T = TypeVar("T")


def world_size() -> int:
    """The number of processes; 1 without torchrun."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def is_main_process() -> bool:
    """Whether this process writes and prints."""
    return int(os.environ.get("RANK", "0")) == 0


def broadcast_from_first(value: T) -> T:
    """The first process's ``value``, in every process; all of them must call this."""
    if world_size() == 1:
        return value
    from accelerate import PartialState  # noqa: PLC0415 - few have several machines
    from accelerate.utils import broadcast_object_list  # noqa: PLC0415

    PartialState()  # joins the group
    (first,) = broadcast_object_list([value])
    return first  # type: ignore[no-any-return]
