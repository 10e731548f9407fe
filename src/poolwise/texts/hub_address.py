"""Addresses of Hugging Face datasets: ``hf:NAME``, ``hf:NAME:SPLIT``, ``hf:NAME:CONFIG:SPLIT``."""

from __future__ import annotations

import os
import re
from pathlib import Path

PREFIX = "hf:"

_DRIVE = re.compile(r"[A-Za-z]:(?=[\\/])")
"""Windows' ``C:`` in front of a folder's path; a NAME on the hub is longer."""


def is_dataset(name: str) -> bool:
    """Is it ``hf:NAME``? ``hf://…`` is the URL of a file."""
    return name.startswith(PREFIX) and not name.startswith(f"{PREFIX}//")


def address_parts(label: str) -> list[str]:
    """What lies between the colons of ``hf:NAME:…``; the colon of a drive divides nothing."""
    address = label.removeprefix(PREFIX)
    drive = _DRIVE.match(address)
    start = drive[0] if drive else ""
    name, *others = address.removeprefix(start).split(":")
    return [f"{start}{name}", *others]


def dataset_folder(name: str) -> Path | None:
    """The folder that ``name`` means; None of a name on the hub."""
    if not (name.startswith((".", "/", "\\", "~")) or _DRIVE.match(name)):
        return None
    return Path(os.path.expanduser(name))  # noqa: PTH111 - raises nothing where nobody has that name
