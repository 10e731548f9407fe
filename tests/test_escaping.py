"""What strangers wrote, shown as text."""

from __future__ import annotations

import json
import unicodedata
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poolwise import PoolwiseWarning
from poolwise.errors import EncoderError, OptionError, ReadoutError
from poolwise.escaping import escape_control, escape_control_json, escape_control_lines

SHOWN = {
    "a\x1b[2Jb": r"a\x1b[2Jb",
    "\x1b]0;title\x07": r"\x1b]0;title\x07",
    "\x9b31m": r"\x9b31m",
    "one\rtwo\b\x7f": r"one\rtwo\x08\x7f",
    "one\ntwo\tthree\x0b\x85": r"one\ntwo\tthree\x0b\x85",
    "user\u202etxt.exe": r"user\u202etxt.exe",
    "\u2066x\u2069\u061c": r"\u2066x\u2069\u061c",
    "pay\u200bpal\ufeff\xad": r"pay\u200bpal\ufeff\xad",
    "a\u200db": r"a\u200db",
    "half \ud83d": r"half \ud83d",
    "\U000e0041": r"\U000e0041",
    "C:\\new": "C:\\new",
}
KEPT = [
    "naïve façade",
    "e\u0301",
    "字\u3000と\u00a0x",
    "😀 👍🏽 ❤️",
    "👨\u200d👩\u200d👧",
    "🏳️\u200d🌈",
    "می\u200cخواهم",
    "क्\u200dष",
    "[red]x[/]",
]


@pytest.mark.parametrize("text", SHOWN, ids=ascii)
def test_what_a_terminal_obeys_is_escaped(text):
    assert escape_control(text) == SHOWN[text]


@pytest.mark.parametrize("text", KEPT, ids=ascii)
def test_ordinary_text_stays_as_it_is(text):
    assert escape_control(text) == text


@given(st.text(st.characters(), max_size=40))
def test_nothing_else_than_lines_of_text_is_left(text):
    made = escape_control(text)
    assert escape_control(made) == made
    # Cf has marks of Arabic and of hieroglyphs, too, which are seen.
    assert not {unicodedata.category(c) for c in made} & {"Cc", "Cs", "Zl", "Zp"}
    assert not {*"\u200b\u200e\u200f\u202a\u202b\u202d\u202e\u2066\u2067\u2069\ufeff"} & {*made}


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]))))
def test_json_has_the_same_values(texts):
    document = json.dumps({"a": texts}, ensure_ascii=False, indent=1)
    made = escape_control_json(document)
    assert json.loads(made) == {"a": texts}
    assert not {unicodedata.category(c) for c in made.replace("\n", "")} & {"Cc", "Zl", "Zp"}


def test_json_shows_half_a_surrogate_pair():
    assert escape_control_json('{"a": "\ud800\n"}') == '{"a": "\\ud800\n"}'
    assert escape_control_json("\U000e0041") == "\\udb40\\udc41"


def test_an_indented_line_stays_a_line():
    caret = "no layer\n\n    mean@x\n         ^"
    assert escape_control_lines(caret) == caret
    assert escape_control_lines("a\nb\n\nc\r\n    d") == "a\\nb\\n\\nc\\r\n    d"


def test_errors_and_warnings_are_shown_so_wherever_they_are_printed():
    assert str(EncoderError("x\x1b[2J\nfine")) == r"x\x1b[2J\nfine"
    assert str(OptionError("\x9b")) == r"\x9b"
    found = str(ReadoutError("no \x1b layer", "mean@\x1b", 5))
    assert found == "no \\x1b layer\n\n    mean@\ufffd\n         ^"
    assert str(EncoderError(f"m: {found}")) == f"m: {found}"
    with pytest.warns(PoolwiseWarning) as seen:
        warnings.warn("a\x1b[2J\nb", PoolwiseWarning, stacklevel=1)
    assert str(seen[0].message) == r"a\x1b[2J\nb"
