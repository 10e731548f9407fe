"""Where a long text may be cut so that its pieces, tokenised alone, give the ids of the whole."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from unicodedata import normalize

from poolwise.encoders.tokenizer.regexes import DIGITS, WORDS
from poolwise.encoders.tokenizer.spec import Spec

PIECE = 1 << 15
"""Characters of a piece, about; texts that are no longer are not cut."""

_BLANK = re.compile(r"(?<=[^\W_]) (?=[^\W_])")
"""A place before a single space between two letters or digits."""

_SPACE = " ▁Ġ"
"""As texts have it, and as steps write it for vocabularies."""

_BLANK_PATTERNS = (" ", " +", " {2,}", r"\s+", r"\s{2,}", r"\s{2,}|[\n\r\t]")

_ALWAYS = {
    *("BertNormalizer", "ByteLevel", "Lowercase", "NFC", "NFD", "NFKC", "NFKD", "Nmt"),
    *("Precompiled", "StripAccents"),
    *("BertPreTokenizer", "Digits", "Metaspace", "Punctuation", "Whitespace", "WhitespaceSplit"),
}
"""Steps that treat what stands before such a space, and what begins with it, each for itself."""


def can_be_cut(spec: Spec) -> bool:
    """Does a single space between letters part the tokens of a text into those of two texts?

    The space goes with what follows it. No step may look over it, none may treat the beginning of a
    text otherwise than a space, and no token may hold a space within it.
    """
    normal, parting = list(_steps(spec["normalizer"])), list(_steps(spec["pre_tokenizer"]))
    return (
        all(_is_local(step) for step in (*normal, *parting))
        and all(_leaves_spaces(token) for token in spec["added_tokens"])
        and (_parts_words(normal, parting) or _knows_no_spaces(spec["model"]))
    )


def _steps(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict) and node.get("type") == "Sequence":
        for child in node.get("normalizers") or node.get("pretokenizers") or ():
            yield from _steps(child)
    elif isinstance(node, dict):
        yield node


def _pattern(step: dict[str, Any]) -> str:
    """A step's pattern, be it a regular expression or not; empty where it has none."""
    pattern = step.get("pattern")
    found = [*pattern.values()] if isinstance(pattern, dict) else [pattern]
    return found[0] if len(found) == 1 and isinstance(found[0], str) else ""


def _is_local(step: dict[str, Any]) -> bool:
    pattern = _pattern(step)
    match step.get("type"):
        case "Strip":
            return step.get("strip_left") is False
        case "Replace":
            content = step.get("content")
            if pattern in _BLANK_PATTERNS:
                return content in (" ", "▁")
            marks = re.fullmatch(r"[^\w\s]+", pattern) and "Regex" not in step["pattern"]
            return bool(marks) and isinstance(content, str) and not _has_space(content)
        case "Split":
            return (
                step.get("invert") is False
                and step.get("behavior") == "Isolated"
                and (pattern in WORDS or pattern in DIGITS)
            )
        case kind:
            return kind in _ALWAYS


def _has_space(text: str) -> bool:
    return any(one.isspace() or one in _SPACE for one in text)


def _leaves_spaces(token: dict[str, Any]) -> bool:
    return not (token.get("rstrip") or _has_space(token["content"]))


def _parts_words(normal: list[dict[str, Any]], parting: list[dict[str, Any]]) -> bool:
    """Does a space begin a word of its own?"""
    marked = any(step["type"] == "Replace" and step.get("content") == "▁" for step in normal)
    marked = marked or any(step["type"] == "ByteLevel" for step in normal)
    for step in parting:
        kind = step["type"]
        if kind == "Metaspace":
            return step.get("split", True) is True and step.get("replacement") == "▁"
        if not marked and kind in ("BertPreTokenizer", "Whitespace", "WhitespaceSplit"):
            return True
        if not marked and kind == "Split" and _pattern(step) in WORDS:
            return True
        if kind == "ByteLevel":
            return not marked and step.get("use_regex", True) is True
    return False


def _knows_no_spaces(model: dict[str, Any]) -> bool:
    """Has the vocabulary no piece that goes on over a space, and one that is a space?"""
    if model["type"] not in ("BPE", "Unigram") or any(map(model.get, _AFFIXES)):
        return False
    vocab = model["vocab"]
    pieces = set(vocab) if isinstance(vocab, dict) else {piece[0] for piece in vocab}
    over = re.compile(f"[^{_SPACE}][{_SPACE}]")
    return "▁" in pieces and not any(map(over.search, pieces))


_AFFIXES = ("continuing_subword_prefix", "end_of_word_suffix")


def cuts(text: str) -> list[int]:
    """Where to cut: places some ``PIECE`` characters apart, more where there is no such space."""
    places = [0]
    while (least := places[-1] + PIECE) < len(text):
        usual = (m.start() for m in _BLANK.finditer(text, least) if _is_usual(text, m.start()))
        found = next(usual, None)
        if found is None:
            break
        places.append(found)
    return [*places, len(text)]


def _is_usual(text: str, space: int) -> bool:
    """Does a normal form leave the characters on both sides letters or digits?"""
    around = text[space - 1], text[space + 1]
    return all(normalize("NFKD", one)[0].isalnum() for one in around)
