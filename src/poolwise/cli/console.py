"""The console that every result is printed on: nothing printed can steer the terminal."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.text import Text

from poolwise.escaping import escape_control


class EscapingConsole(Console):
    """A Console without markup and emoji codes that escapes control characters.

    ``render_str`` renders every string, cells and headings of tables too. A line break within one
    is not ours and shown as ``\\n``: each string is one line. Styles are passed beside it.
    """

    def __init__(self) -> None:
        super().__init__(highlight=False, markup=False, emoji=False)

    def render_str(self, text: str, **options: Any) -> Text:
        return super().render_str(escape_control(text), **options)


def styled(*parts: tuple[str, str]) -> Text:
    """Strings in one line, each with its style."""
    return Text.assemble(*((escape_control(text), style) for text, style in parts))
