"""Paths and JSON files in the folder of a comparison."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

from poolwise.errors import StoreError
from poolwise.files import atomic_write, os_errors_as

T = TypeVar("T")


def run_path(folder: Path, key: Mapping[str, Any], suffix: str) -> Path:
    """``folder/runs/<digest of key><suffix>``."""
    digest = sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:32]
    return folder / "runs" / f"{digest}{suffix}"


def read_json(path: Path, build: Callable[[dict[str, Any]], T]) -> T | None:
    """``build`` of the object in ``path``; None where there is no file.

    Raises StoreError for one that cannot be read or built from.
    """
    try:
        return build(json.loads(path.read_text("utf-8")))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(
            f"{path}: not what a training wrote there ({error}); delete it, and what it held "
            "is computed again"
        ) from error


def write_json(path: Path, values: Mapping[str, Any]) -> None:
    make_folder(path.parent)
    with atomic_write(path) as file:
        file.write(json.dumps(values, indent=1).encode())


def make_folder(path: Path) -> None:
    with os_errors_as(path):
        path.mkdir(parents=True, exist_ok=True)
