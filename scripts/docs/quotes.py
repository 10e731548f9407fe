"""Which numbers a page quotes, and whether a result file holds them.

A page names its result files at its top (``results: [A, B]``, in its front matter or a comment):
names of docs/results/ without their ending, or paths from the root of the repository. Of its prose
every decimal number, every percentage, every number of a thousand and more and every number with a
unit of measurement is held against them; code, links and fenced blocks are not prose.
``0.042 [0.026, 0.058]`` must be one estimate with its interval.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent.parent

NOT_PROSE = (
    re.compile(r"\A---\n.*?\n---\n", re.DOTALL),
    re.compile(r"<!--.*?-->", re.DOTALL),
    re.compile(r"^( *)(```|~~~).*?^\1\2 *$", re.DOTALL | re.MULTILINE),
    re.compile(r"^(?: {4,}|\t)\S.*$", re.MULTILINE),
    re.compile(r"`[^`\n]+`"),
    re.compile(r"\]\([^)]*\)"),
    re.compile(r"<[^>]+>|https?://\S+|\]\[[^]]*\]"),
)
UNITS = (
    r"(?:%|percent|ms|s|seconds|minutes|MB|GB|kB|bytes"
    r"|times|x|texts|rows|requests|points|dimensions)"
)
DIGITS = r"[+−-]?\d[\d,]*(?:\.\d+)?"
INTERVAL = re.compile(rf"({DIGITS})\s+\[({DIGITS}),\s+({DIGITS})\]")
MEASURED = re.compile(
    rf"(?<![\w.@/-])(?:(?P<decimal>[+−-]?\d[\d,]*\.\d+)|(?P<thousands>[+−-]?\d{{1,3}}(?:,\d{{3}})+|[+−-]?\d{{5,}})"
    rf"|(?P<unit>[+−-]?\d+)(?=\s?{UNITS}(?!\w)))(?P<percent>\s?%)?(?![\w]*[@/])"
)


@dataclass(frozen=True)
class Quote:
    """A number as it stands on a page; with an interval, all three."""

    text: str
    digits: tuple[str, ...]
    percent: bool = False


def prose(page: str) -> str:
    """The page without code, links and what stands in its head."""
    for pattern in NOT_PROSE:
        page = pattern.sub(" ", page)
    return page


def quotes(page: str) -> Iterator[Quote]:
    """Every measured number of the page's prose, in the order of their kinds."""
    text = prose(page)
    for match in INTERVAL.finditer(text):
        yield Quote(match[0], match.groups())
    for match in MEASURED.finditer(INTERVAL.sub(" ", text)):
        digits = next(filter(None, (match["decimal"], match["thousands"], match["unit"])))
        yield Quote(match[0], (digits,), percent=match["percent"] is not None)


def sources(page: str) -> list[Path]:
    """The result files that a page names."""
    head = re.match(r"(?:---|<!--)\s.*?\bresults:\s*\[(.*?)\]", page, re.DOTALL)
    names = [name.strip() for name in head[1].split(",")] if head else []
    return [ROOT / (name if "/" in name else f"docs/results/{name}.json") for name in names if name]


class Results:
    """What result files hold: numbers, estimates with intervals, and their sentences."""

    def __init__(self, paths: Iterable[Path]) -> None:
        self.numbers: list[float] = []
        self.intervals: list[tuple[float, float, float]] = []
        self.sentences = ""
        for path in paths:
            text = path.read_text(encoding="utf-8")
            if path.suffix == ".json":
                self._collect(json.loads(text))
            else:
                self._read(text)

    def holds(self, quote: Quote) -> bool:
        """Whether a number, rounded as the page rounds it, is this one."""
        if len(quote.digits) == 3:
            return (
                any(all(map(_rounds_to, numbers, quote.digits)) for numbers in self.intervals)
                or " ".join(quote.text.split()) in self.sentences
            )
        (digits,) = quote.digits
        return any(
            _rounds_to(number, digits) or (quote.percent and _rounds_to(100 * number, digits))
            for number in self.numbers
        )

    def _collect(self, value: Any) -> None:
        if isinstance(value, dict):
            if value.get("low") is not None and value.get("high") is not None:
                self.intervals.append((value["value"], value["low"], value["high"]))
            for item in value.values():
                self._collect(item)
        elif isinstance(value, list):
            for item in value:
                self._collect(item)
        elif isinstance(value, str):
            self._read(value)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            self.numbers.append(float(value))

    def _read(self, text: str) -> None:
        self.sentences += " ".join(text.split()) + "\n"
        self.numbers += map(_number, re.findall(rf"{DIGITS}(?:e[+-]?\d+)?", text))


def missing(page: str, results: Results) -> list[str]:
    """The quotes of a page that no result holds."""
    return [quote.text for quote in quotes(page) if not results.holds(quote)]


def _rounds_to(number: float, digits: str) -> bool:
    """Whether the number has these digits; a sign that the page leaves out is not compared."""
    places = len(digits.partition(".")[2])
    written = _number(digits)
    if digits[0] not in "+−-":
        number, written = abs(number), abs(written)
    return abs(number - written) <= 0.5 * 10.0**-places + 1e-9


def _number(digits: str) -> float:
    return float(digits.replace(",", "").replace("−", "-").rstrip("."))
