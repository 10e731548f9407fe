"""The scanner: a readout's text and the place reached in it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from difflib import get_close_matches

from poolwise.errors import ReadoutError

_BLANKS = re.compile(r"[ \t]*")
_WORD = re.compile(r"[^\W\d]\w*")
_DIGITS = re.compile(r"[0-9]+")
_NUMBER = re.compile(r"([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_MAX_DIGITS = 6


class Scanner:
    """Reads symbols, words and numbers from left to right; blanks between them do not count."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._reached = 0

    @property
    def at(self) -> int:
        """Index of the next character that is not blank; the text's length at its end."""
        return self._reached + len(self._match(_BLANKS, self._reached))

    @property
    def remaining(self) -> str:
        return self.text[self.at :]

    @property
    def ahead(self) -> str:
        """The next character, empty at the end."""
        return self.text[self.at : self.at + 1]

    def take(self, symbol: str) -> bool:
        """Step over ``symbol`` if it is next."""
        if self.ahead != symbol:
            return False
        self._reached = self.at + 1
        return True

    def expect(self, symbol: str, context: str) -> None:
        if not self.take(symbol):
            raise self.error(f"expected {symbol!r} {context}, {self.describe_next()}")

    def word(self) -> str:
        """The word that is next, empty if none is."""
        return self._step_over(_WORD)

    def integer(self, expected: str) -> int:
        """A whole number; ``expected`` names it in errors ("a layer")."""
        at = self.at
        negative = self.take("-")
        digits = self._step_over(_DIGITS)
        if not digits:
            raise self.error(f"expected {expected}, {self.describe_next()}")
        digits = digits.lstrip("0") or "0"
        if len(digits) > _MAX_DIGITS:
            raise self.error(f"expected {expected}, found a number of {len(digits)} digits", at)
        if negative and digits == "0":
            raise self.error("-0 could mean 0, the first, or -1, the last: write one of them", at)
        return -int(digits) if negative else int(digits)

    def number(self, expected: str) -> float:
        """A finite decimal number; ``expected`` names it in errors ("a weight")."""
        at = self.at
        sign = -1.0 if self.take("-") else 1.0
        digits = self._step_over(_NUMBER)
        if not digits:
            raise self.error(f"expected {expected}, {self.describe_next()}")
        if math.isinf(value := float(digits)):
            raise self.error(f"expected {expected}, found a number too large to hold", at)
        return sign * value

    def describe_next(self) -> str:
        """The next word or character, as an error's message has it."""
        if not self.ahead:
            return "but the text ends here"
        return f"found {self._match(_WORD, self.at) or self.ahead!r}"

    def error(self, message: str, at: int | None = None) -> ReadoutError:
        """An error to raise that shows place ``at``, by default the one reached."""
        return ReadoutError(message, self.text, self.at if at is None else at)

    def _match(self, pattern: re.Pattern[str], at: int) -> str:
        match = pattern.match(self.text, at)
        return match.group() if match else ""

    def _step_over(self, pattern: re.Pattern[str]) -> str:
        text = self._match(pattern, self.at)
        self._reached = self.at + len(text)
        return text


def suggest(word: str, names: Iterable[str], aliases: Iterable[str] = ()) -> str:
    """The name or alias nearest to ``word`` as a question, or else all the names."""
    names = list(names)
    by_lower = {name.lower(): name for name in (*aliases, *names)}
    close = get_close_matches(word.lower(), by_lower, n=1)
    return f"did you mean {by_lower[close[0]]}?" if close else f"there are {', '.join(names)}"
