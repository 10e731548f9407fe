"""Results as values that JSON has: dicts, lists, texts, numbers."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np


def to_plain(value: Any) -> Any:
    """Dicts, lists, strings, numbers, booleans and None; NaN and infinity become None.

    Arrays become lists; what JSON has no word for (a path, a date) becomes its string.
    """
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if dataclasses.is_dataclass(value):
        value = {_key(field): getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {unicode(str(key)): to_plain(item) for key, item in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, str):
        return [to_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if value is None or isinstance(value, int | float):
        return value
    return unicode(str(value))


def short(value: Any, digits: int) -> Any:
    """Plain data with every number cut to so many significant digits."""
    if isinstance(value, dict):
        return {key: short(item, digits) for key, item in value.items()}
    if isinstance(value, list):
        return [short(item, digits) for item in value]
    return float(f"{value:.{digits}g}") if isinstance(value, float) else value


def _key(field: dataclasses.Field[Any]) -> str:
    name: str = field.metadata.get("key", field.name)
    return name


def unicode(text: str) -> str:
    r"""``text`` as every reader takes it: what is no character is spelled out, as ``\udcff``.

    Python has half of a surrogate pair where a file's name is not UTF-8, or JSON says so.
    """
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def rows(columns: Mapping[str, Any], names: Sequence[str]) -> list[dict[str, Any]]:
    """Columns of equal length as one plain dict a row."""
    plain = (to_plain(columns[name]) for name in names)
    return [dict(zip(names, row, strict=True)) for row in zip(*plain, strict=True)]
