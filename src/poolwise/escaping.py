"""Untrusted text, for people to read: control characters are escaped."""

from __future__ import annotations

import re

# Control characters (C0, DEL, C1), marks without width or that turn the direction of writing, line
# and paragraph separators, halves of surrogate pairs, tags. Emoji and several scripts join letters
# by U+200C and U+200D: between two characters beyond ASCII these stay.
_CONTROL = re.compile(
    "[\0-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    "\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"
    "|(?<![^\0-\x7f\u200c\u200d])[\u200c\u200d]|[\u200c\u200d](?![^\0-\x7f\u200c\u200d])"
)
_INDENTED = re.compile(r"(\n{1,2}(?= {4}))")


def escape_control(text: str) -> str:
    r"""``text`` on one line, as it is but for such characters: ``\x1b``, ``\n``, ``\u202e``.

    Emoji, accents and every script stay. What is visible already does not change.
    """
    return text if text.isprintable() else _CONTROL.sub(_escaped, text)


def escape_control_lines(text: str) -> str:
    """The same, but an indented line stays a line: the place in a readout, with its caret."""
    pieces = _INDENTED.split(text)  # text, break, text, …
    pieces[::2] = map(escape_control, pieces[::2])
    return "".join(pieces)


def escape_control_json(document: str) -> str:
    """A JSON document of the same values, whose strings show such characters by their numbers."""
    return _CONTROL.sub(
        lambda match: match[0] if match[0] == "\n" else _code_units(match[0]), document
    )


def _escaped(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode()


def _code_units(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i : i + 2].hex()}" for i in range(0, len(units), 2))
