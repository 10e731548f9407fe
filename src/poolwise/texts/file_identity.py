"""What tells a file from another, and from itself after a change, without reading it whole."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from poolwise.errors import TextError
from poolwise.texts.files import TextFile, reading
from poolwise.texts.remote_files import is_url, remote_info, shown_url

_ENDS = 1 << 16
"""Bytes at either end of a file that are hashed."""

_PARQUET = b"PAR1"

_MODIFIED = ("ETag", "etag", "blob_id", "LastModified", "last_modified", "mtime", "updated")
"""What stores call the mark of a file's version, the surest first."""


def file_identity(file: TextFile) -> Mapping[str, Any]:
    """``name``: the URL as it was given, or the absolute path; ``bytes``; ``modified``: time in ns,
    or the ETag or time that a store tells, None if it tells none; ``sha256`` (hex) of the metadata
    in a Parquet file's footer, or of the first and the last 64 KiB of any other.

    Raises TextError for what can be read only once.
    """
    modified: int | str | None
    if is_url(file.path):
        name, modified = shown_url(file.path), _mark(remote_info(file.path))
    else:
        file.check()
        if not file.repeatable:
            raise read_once(file.label)
        with reading(file.label):
            name, modified = os.path.abspath(file.path), Path(file.path).stat().st_mtime_ns  # noqa: PTH100 - links stay
    with reading(file.label), file.stored() as stored:
        size = stored.seek(0, os.SEEK_END)
        digest = hashlib.sha256(b"".join(_telling(stored, size)))
    return {"name": name, "bytes": size, "modified": modified, "sha256": digest.hexdigest()}


_NEEDED = "a job needs files or datasets, which it reads again after an interruption"


def read_once(label: str) -> TextError:
    """The error of a job on a pipe."""
    return TextError(f"{label} can be read only once; {_NEEDED}")


def in_memory(label: str) -> TextError:
    """The error of a job on what no other process can read."""
    return TextError(f"{label} can be read only once, by this process; {_NEEDED}")


def _telling(stored: IO[bytes], size: int) -> list[bytes]:
    """The metadata of Parquet, which lie before their length (4 bytes, little-endian) and PAR1."""
    stored.seek(0)
    head = stored.read(_ENDS)
    stored.seek(max(size - _ENDS, len(head)))
    tail = stored.read(_ENDS)
    end = (head + tail)[-8:]
    if not (head.startswith(_PARQUET) and end.endswith(_PARQUET) and size >= 12):
        return [head, tail]
    length = min(int.from_bytes(end[:4], "little"), size - 8)
    stored.seek(size - 8 - length)
    return [stored.read(length)]


def _mark(info: Mapping[str, Any]) -> str | None:
    value = next((info[key] for key in _MODIFIED if info.get(key) is not None), None)
    if isinstance(value, datetime):
        return value.isoformat()
    return None if value is None else str(value)
