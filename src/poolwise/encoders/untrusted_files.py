"""Reading untrusted files: bounded in size, strict JSON, names that stay inside the folder."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from poolwise.errors import EncoderError, UnsafeModelError
from poolwise.escaping import escape_control

MEGABYTE = 1 << 20

# Small files can unfold to millions of Python objects. The largest multilingual vocabularies have a
# quarter of a million pieces, each a list of two.
_MAX_COUNTS = {b"{": 100_000, b"[": 1_000_000, b",": 2_000_000}

_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


def read_bytes(path: Path, limit: int = MEGABYTE) -> bytes:
    """The content of a regular file of at most ``limit`` bytes."""
    if not path.is_file():
        raise EncoderError(f"{path}: no such file")
    try:
        size = path.stat().st_size
        if size > limit:
            raise UnsafeModelError(
                f"{path}: {size:,} bytes, but such a file may have at most {limit:,}"
            )
        data = path.read_bytes()
    except OSError as error:
        raise EncoderError(f"{path}: cannot be read: {error.strerror}") from error
    refuse_lfs_pointer(path, data)
    return data


def read_text(path: Path, limit: int = MEGABYTE) -> str:
    """The content of a UTF-8 file of at most ``limit`` bytes."""
    return _decode(read_bytes(path, limit), str(path))


def read_json(path: Path, limit: int = MEGABYTE) -> Any:
    """The content of a JSON file of at most ``limit`` bytes."""
    return parse_json(read_bytes(path, limit), str(path))


def read_object(path: Path, limit: int = MEGABYTE) -> dict[str, Any]:
    """The content of a JSON file that must hold one object."""
    return as_object(read_json(path, limit), str(path))


def parse_json(data: bytes, place: str) -> Any:
    """The value of a strict JSON document: no repeated keys, NaN, infinity, deep nesting or lone
    surrogates. Raises EncoderError."""
    for sign, limit in _MAX_COUNTS.items():
        if data.count(sign) > limit:
            raise UnsafeModelError(f"{place}: JSON with more than {limit:,} {sign.decode()!r}")
    try:
        value = json.loads(
            _decode(data, place),
            object_pairs_hook=_unique,
            parse_constant=_refuse_constant,
            parse_float=_finite,
        )
        if _SURROGATE.search(data):
            json.dumps(value, ensure_ascii=False).encode()
    except RecursionError as error:
        raise UnsafeModelError(f"{place}: JSON nested too deeply") from error
    except UnicodeEncodeError as error:
        half = ascii(error.object[error.start])[1:-1]
        raise EncoderError(
            f"{place}: found half of a surrogate pair ({half}) in a text, expected whole "
            "characters; repair the file"
        ) from error
    except ValueError as error:
        raise EncoderError(f"{place}: not acceptable JSON: {error}") from error
    return value


def as_object(value: Any, place: str) -> dict[str, Any]:
    """``value`` if it is a JSON object. Raises EncoderError for another."""
    if not isinstance(value, dict):
        raise EncoderError(f"{place}: holds {abridge(value)}, expected a JSON object")
    return value


def resolve_inside(folder: Path, name: Any, place: str) -> Path:
    """``folder / name`` for a ``name`` in a file of the model: relative, without ``..``."""
    if not isinstance(name, str) or len(name) > 255 or "\0" in name:
        raise UnsafeModelError(f"{place}: {abridge(name)} is not a file name")
    relative = PurePosixPath(name.replace("\\", "/"))
    if relative.is_absolute() or ".." in relative.parts or ":" in name:
        raise UnsafeModelError(f"{place}: {name!r} points outside the model's folder")
    return folder / relative


def files_under(folder: Path) -> Iterator[Path]:
    """Every file under a folder, and every folder that may not be read.

    Hidden folders are no part of a model; links to folders are not followed.
    """
    pending = [folder]
    while pending:
        parent = pending.pop()
        try:
            paths = [*parent.iterdir()]
        except PermissionError:
            yield parent
            continue
        except (FileNotFoundError, NotADirectoryError):  # gone meanwhile
            continue
        for path in paths:
            if path.is_file():
                yield path
            elif path.is_dir() and not path.is_symlink() and not path.name.startswith("."):
                pending.append(path)


def abridge(value: Any) -> str:
    """A JSON value for an error message, shortened."""
    if isinstance(value, (dict, list)):
        return "an object" if isinstance(value, dict) else "a list"
    text = repr(value[:60] if isinstance(value, str) else value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def safe_name(name: str) -> str:
    """A name from an untrusted file for a message, shortened, control characters escaped."""
    return escape_control(name[:100])


def refuse_lfs_pointer(path: Path, start: bytes) -> None:
    """Raise EncoderError for the three lines of text that git-LFS puts in the place of a file."""
    if start.startswith(b"version https://git-lfs.github.com/spec/"):
        raise EncoderError(
            f"{path}: a git-LFS pointer, not the file itself. Run `git lfs pull` where it was "
            "cloned, or download the file again"
        )


def _decode(data: bytes, place: str) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise EncoderError(f"{place}: not UTF-8 (byte {error.start})") from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    items = dict(pairs)
    if len(items) < len(pairs):
        (key, _), *_ = Counter(key for key, _ in pairs).most_common(1)
        raise ValueError(f"the key {abridge(key)} appears twice")
    return items


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not a JSON number")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text[:40]} is too large")
    return value
