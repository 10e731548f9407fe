"""Books into sentences: lines → paragraphs → sentences, in memory for two hundred lines."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence

import sentencex

_BLOCK = 200
"""Lines without a blank one between them; more are never held."""

_HELD = 1 << 20
"""Characters of such lines; more are not gathered either."""

_LONG = 1 << 18
"""Characters of a paragraph that is split as a whole. The splitter's time grows with their square
where no spaces part the sentences."""

_PIECE = 1 << 14
"""Of a longer one so many are split at a time."""

_WRAPPED = 120
"""Lines longer than this are not wrapped: each is a paragraph."""

_SHORT = 0.75
"""A wrapped line shorter than this share of its neighbours is the last of its paragraph."""


_QUOTES = '"“”„«»'
_BEFORE_WORDS = f"{_QUOTES}'‘’-–— "


def split_sentences(lines: Iterable[str], language: str = "en") -> Iterator[str]:
    """The sentences of running text, white space within them made single spaces, blanks dropped.

    Paragraphs are separated by blank lines, or are one line each; where long stretches of
    wrapped text have no blank line, a paragraph ends with a short line. Wrapped lines are joined,
    without a space after a word's hyphen, which is kept. ``language`` is an ISO 639-1 code of
    the splitter's (sentencex).
    """
    for _, sentence in numbered_sentences(lines, language):
        yield sentence


def numbered_sentences(lines: Iterable[str], language: str) -> Iterator[tuple[int, str]]:
    """The same, each with the number (from 1) of the line in which its paragraph begins."""
    for number, paragraph in _paragraphs(lines):
        for sentence in _sentences(paragraph, language):
            yield number, sentence


def _sentences(paragraph: str, language: str) -> Iterator[str]:
    """The splitter takes a quotation for one sentence, however long the speech; so it is shown
    the words without their quotation marks, and the marks stay with the words they touch."""
    bare, small = _without_quotes(paragraph), paragraph.islower()
    start = shown = 0
    for length in _lengths("".join(paragraph[at] for at in bare), language):
        shown += length
        end = bare[shown] if shown < len(bare) else len(paragraph)
        while end < len(paragraph) and paragraph[end - 1] in _QUOTES:
            end -= 1
        sentence = paragraph[start:end].strip()
        if sentence and not _goes_on(paragraph[end : end + 8], small):
            yield sentence
            start = end


def _without_quotes(paragraph: str) -> Sequence[int]:
    """The places of all characters that are no quotation marks."""
    if not any(mark in paragraph for mark in _QUOTES):
        return range(len(paragraph))
    return array("I", (at for at, character in enumerate(paragraph) if character not in _QUOTES))


def _lengths(text: str, language: str) -> Iterator[int]:
    """Of the splitter's segments. A long text is shown piece by piece, each from the beginning of
    the segment with which the one before it ended."""
    usual = _PIECE if len(text) > _LONG else len(text)
    start, size = 0, usual
    while start < len(text):
        piece = text[start : start + size]
        found = [len(segment) for segment in sentencex.segment(language, piece)]
        if start + size < len(text):
            if len(found) < 2:
                size *= 2
                continue
            found.pop()
        yield from found
        start, size = start + sum(found), usual


def _goes_on(rest: str, small: bool) -> bool:
    """Small letters go on with a sentence (*"Who is there?" he asked.*), unless all of it are."""
    following = rest.lstrip(_BEFORE_WORDS)[:1]
    return following in {",", ";", ":"} or (following.islower() and not small)


def _paragraphs(lines: Iterable[str]) -> Iterator[tuple[int, str]]:
    block: list[str] = []
    marked = True
    number = held = 0
    for number, line in enumerate(lines, 1):
        stripped = " ".join(line.split())
        if stripped:
            block.append(stripped)
            held += len(stripped)
        elif block:
            yield from _numbered(_parted(block, marked), number - len(block))
            block, marked, held = [], True, 0
        else:
            marked = True
        if len(block) == _BLOCK or held > _HELD:
            first = number - len(block) + 1
            *done, block = _parted(block, marked=False)
            yield from _numbered(done or [block], first)
            block, marked = block if done else [], False
            held = sum(map(len, block))
    yield from _numbered(_parted(block, marked), number - len(block) + 1)


def _numbered(paragraphs: Iterable[Sequence[str]], first: int) -> Iterator[tuple[int, str]]:
    """Paragraphs of consecutive lines, each with the number of its own first line."""
    for paragraph in paragraphs:
        yield first, _joined(paragraph)
        first += len(paragraph)


def _parted(block: Sequence[str], marked: bool) -> list[list[str]]:
    """The paragraphs of lines without a blank one between them.

    ``marked``: blank lines mark the paragraphs here, so wrapped lines are one.
    """
    width = sorted(map(len, block))[len(block) * 9 // 10] if block else 0
    if width > _WRAPPED:
        return [[line] for line in block]
    paragraphs: list[list[str]] = [[]]
    for line, following in zip(block, [*block, ""][1:], strict=True):
        paragraphs[-1].append(line)
        if not marked and len(line) < _SHORT * width and not following[:1].islower():
            paragraphs.append([])
    return paragraphs


def _joined(paragraph: Sequence[str]) -> str:
    text = ""
    for line in paragraph:
        hyphenated = text.endswith("-") and text[-2:-1].isalpha() and line[:1].islower()
        text += line if hyphenated or not text else f" {line}"
    return text
