"""The inspector: one HTML file with weights, norms and attention of sentences, and its code.

``inspector/inspector.js`` renders a document, the JSON of ``poolwise.inspection``; the page embeds
one.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2

from poolwise.files import atomic_write
from poolwise.json_values import short, to_plain
from poolwise.reports.templates import templates

DIGITS = 5
"""Significant digits of every number on the page."""


def write_inspector(
    document: Mapping[str, Any], path: str | Path, *, overwrite: bool = False
) -> Path:
    """Write the page whole or not at all; return its path.

    It opens offline and asks the network for nothing. Raises StoreError where it cannot be written,
    or if it exists and ``overwrite`` is false.
    """
    content = render(document).encode("utf-8", "backslashreplace")
    with atomic_write(Path(path), overwrite=overwrite) as page:
        page.write(content)
    return Path(path)


def render(document: Mapping[str, Any]) -> str:
    """The page as HTML."""
    return _template().render(document=short(to_plain(document), DIGITS))


@functools.cache
def _template() -> jinja2.Template:
    return templates("inspector").get_template("inspector.html")
