"""Text that every SVG and every page can hold."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any

_NOT_XML = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff]")


def printable(value: Any) -> Any:
    """The same data, with characters in strings that neither XML nor UTF-8 has spelled out."""
    if isinstance(value, str):
        text = value.encode("utf-8", "backslashreplace").decode()
        return _NOT_XML.sub(lambda match: match[0].encode("unicode_escape").decode(), text)
    if isinstance(value, Mapping):
        return {key: printable(item) for key, item in value.items()}
    if type(value) in {list, tuple}:
        return type(value)(map(printable, value))
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{f.name: printable(getattr(value, f.name)) for f in fields(value)})
    return value
