"""Books into sentences: lines → paragraphs → sentences, in memory for two hundred lines."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence

import sentencex

_MAX_LINES = 200
"""Lines without a blank one between them that are in memory at a time."""

_MAX_CHARACTERS = 1 << 20
"""Characters of such lines, at most."""

_MAX_WHOLE = 1 << 18
"""Characters of a paragraph that is split as a whole. The splitter's time grows with their square
where no spaces part the sentences."""

_PIECE = 1 << 14
"""Characters of a longer one that are split at a time."""

_MAX_WRAPPED = 120
"""Lines longer than this are not wrapped: each is a paragraph."""

_LAST_LINE_SHARE = 0.75
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
    """The splitter takes a quotation for one sentence, however long; so quotation marks are removed
    before it runs, and stay with the words they touch."""
    unquoted, lower_case = _without_quotes(paragraph), paragraph.islower()
    start = consumed = 0
    for length in _lengths("".join(paragraph[i] for i in unquoted), language):
        consumed += length
        end = unquoted[consumed] if consumed < len(unquoted) else len(paragraph)
        while end < len(paragraph) and paragraph[end - 1] in _QUOTES:
            end -= 1
        sentence = paragraph[start:end].strip()
        if sentence and not _continues(paragraph[end : end + 8], lower_case):
            yield sentence
            start = end


def _without_quotes(paragraph: str) -> Sequence[int]:
    """The places of all characters that are no quotation marks."""
    if not any(quote in paragraph for quote in _QUOTES):
        return range(len(paragraph))
    return array("I", (i for i, character in enumerate(paragraph) if character not in _QUOTES))


def _lengths(text: str, language: str) -> Iterator[int]:
    """Lengths of the splitter's segments. A long text is split piece by piece, each from the
    beginning of the last segment of the piece before."""
    piece_length = _PIECE if len(text) > _MAX_WHOLE else len(text)
    start, size = 0, piece_length
    while start < len(text):
        piece = text[start : start + size]
        lengths = [len(segment) for segment in sentencex.segment(language, piece)]
        if start + size < len(text):
            if len(lengths) < 2:
                size *= 2
                continue
            lengths.pop()
        yield from lengths
        start, size = start + sum(lengths), piece_length


def _continues(following_text: str, lower_case: bool) -> bool:
    """Does the sentence go on (*"Who is there?" he asked.*)? So if the text is lower case, unless
    the whole paragraph is."""
    following = following_text.lstrip(_BEFORE_WORDS)[:1]
    return following in {",", ";", ":"} or (following.islower() and not lower_case)


def _paragraphs(lines: Iterable[str]) -> Iterator[tuple[int, str]]:
    block: list[str] = []
    separated = True
    number = characters = 0
    for number, line in enumerate(lines, 1):
        stripped = " ".join(line.split())
        if stripped:
            block.append(stripped)
            characters += len(stripped)
        elif block:
            yield from _number_paragraphs(_split_block(block, separated), number - len(block))
            block, separated, characters = [], True, 0
        else:
            separated = True
        if len(block) == _MAX_LINES or characters > _MAX_CHARACTERS:
            first = number - len(block) + 1
            *paragraphs, block = _split_block(block, separated=False)
            yield from _number_paragraphs(paragraphs or [block], first)
            block, separated = block if paragraphs else [], False
            characters = sum(map(len, block))
    yield from _number_paragraphs(_split_block(block, separated), number - len(block) + 1)


def _number_paragraphs(
    paragraphs: Iterable[Sequence[str]], first: int
) -> Iterator[tuple[int, str]]:
    """Paragraphs of consecutive lines, each with the number of its own first line."""
    for paragraph in paragraphs:
        yield first, _join_lines(paragraph)
        first += len(paragraph)


def _split_block(block: Sequence[str], separated: bool) -> list[list[str]]:
    """The paragraphs of lines without a blank one between them.

    ``separated``: blank lines mark the paragraphs here, so wrapped lines are one.
    """
    width = sorted(map(len, block))[len(block) * 9 // 10] if block else 0
    if width > _MAX_WRAPPED:
        return [[line] for line in block]
    paragraphs: list[list[str]] = [[]]
    for line, following in zip(block, [*block, ""][1:], strict=True):
        paragraphs[-1].append(line)
        if not separated and len(line) < _LAST_LINE_SHARE * width and not following[:1].islower():
            paragraphs.append([])
    return paragraphs


def _join_lines(paragraph: Sequence[str]) -> str:
    text = ""
    for line in paragraph:
        hyphenated = text.endswith("-") and text[-2:-1].isalpha() and line[:1].islower()
        text += line if hyphenated or not text else f" {line}"
    return text
