"""Where people read: the one place that results pass on their way to a terminal."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.text import Text

from poolwise.escaping import escape_control


class Terminal(Console):
    """A Console that obeys nothing that is printed: no markup, no emoji codes, no escapes.

    Every string comes to ``render_str``, cells and headings of tables too. A line break in one is
    a stranger's, and shown as ``\\n``: each string is a line. Styles are given beside it.
    """

    def __init__(self) -> None:
        super().__init__(highlight=False, markup=False, emoji=False)

    def render_str(self, text: str, **options: Any) -> Text:
        return super().render_str(escape_control(text), **options)


def styled(*parts: tuple[str, str]) -> Text:
    """Strings in one line, each with its style."""
    return Text.assemble(*((escape_control(text), style) for text, style in parts))
