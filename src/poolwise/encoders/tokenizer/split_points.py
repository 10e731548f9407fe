"""Points at which a long text can be split so that its pieces have the token ids of the whole."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from unicodedata import normalize

from poolwise.encoders.tokenizer.regexes import DIGITS, WORDS
from poolwise.encoders.tokenizer.spec import Spec

PIECE = 1 << 15
"""Characters of a piece, about; texts up to this length are not split."""

_INNER_SPACE = re.compile(r"(?<=[^\W_]) (?=[^\W_])")
"""The position of a single space between two letters or digits."""

_SPACE = " ▁Ġ"
"""The space in texts, and as Metaspace and ByteLevel write it in vocabularies."""

_WHITESPACE_PATTERNS = (" ", " +", " {2,}", r"\s+", r"\s{2,}", r"\s{2,}|[\n\r\t]")

_LOCAL_STEPS = {
    *("BertNormalizer", "ByteLevel", "Lowercase", "NFC", "NFD", "NFKC", "NFKD", "Nmt"),
    *("Precompiled", "StripAccents"),
    *("BertPreTokenizer", "Digits", "Metaspace", "Punctuation", "Whitespace", "WhitespaceSplit"),
}
"""Steps whose result on either side of such a space does not depend on the other side."""


def is_splittable(spec: Spec) -> bool:
    """Whether a text split before a single space between letters has the same token ids.

    No step may match across the space, none may treat the beginning of a text differently from a
    space, and no token may contain a space that is not its first character.
    """
    normalizers, splitters = list(_steps(spec["normalizer"])), list(_steps(spec["pre_tokenizer"]))
    return (
        all(_is_local(step) for step in (*normalizers, *splitters))
        and all(_leaves_spaces(token) for token in spec["added_tokens"])
        and (_splits_at_spaces(normalizers, splitters) or _has_no_inner_spaces(spec["model"]))
    )


def _steps(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict) and node.get("type") == "Sequence":
        for child in node.get("normalizers") or node.get("pretokenizers") or ():
            yield from _steps(child)
    elif isinstance(node, dict):
        yield node


def _pattern(step: dict[str, Any]) -> str:
    """A step's pattern, a regular expression or a string; empty where it has none."""
    pattern = step.get("pattern")
    values = [*pattern.values()] if isinstance(pattern, dict) else [pattern]
    return values[0] if len(values) == 1 and isinstance(values[0], str) else ""


def _is_local(step: dict[str, Any]) -> bool:
    pattern = _pattern(step)
    match step.get("type"):
        case "Strip":
            return step.get("strip_left") is False
        case "Replace":
            content = step.get("content")
            if pattern in _WHITESPACE_PATTERNS:
                return content in (" ", "▁")
            symbols = re.fullmatch(r"[^\w\s]+", pattern) and "Regex" not in step["pattern"]
            return bool(symbols) and isinstance(content, str) and not _has_space(content)
        case "Split":
            return (
                step.get("invert") is False
                and step.get("behavior") == "Isolated"
                and (pattern in WORDS or pattern in DIGITS)
            )
        case kind:
            return kind in _LOCAL_STEPS


def _has_space(text: str) -> bool:
    return any(c.isspace() or c in _SPACE for c in text)


def _leaves_spaces(token: dict[str, Any]) -> bool:
    return not (token.get("rstrip") or _has_space(token["content"]))


def _splits_at_spaces(normalizers: list[dict[str, Any]], splitters: list[dict[str, Any]]) -> bool:
    """Whether every space begins a new word."""
    rewritten = any(s["type"] == "Replace" and s.get("content") == "▁" for s in normalizers)
    rewritten = rewritten or any(s["type"] == "ByteLevel" for s in normalizers)
    for step in splitters:
        kind = step["type"]
        if kind == "Metaspace":
            return step.get("split", True) is True and step.get("replacement") == "▁"
        if not rewritten and kind in ("BertPreTokenizer", "Whitespace", "WhitespaceSplit"):
            return True
        if not rewritten and kind == "Split" and _pattern(step) in WORDS:
            return True
        if kind == "ByteLevel":
            return not rewritten and step.get("use_regex", True) is True
    return False


def _has_no_inner_spaces(model: dict[str, Any]) -> bool:
    """Whether no piece of the vocabulary continues over a space, and a space is a piece."""
    if model["type"] not in ("BPE", "Unigram") or any(map(model.get, _AFFIXES)):
        return False
    vocab = model["vocab"]
    pieces = set(vocab) if isinstance(vocab, dict) else {piece[0] for piece in vocab}
    inner_space = re.compile(f"[^{_SPACE}][{_SPACE}]")
    return "▁" in pieces and not any(map(inner_space.search, pieces))


_AFFIXES = ("continuing_subword_prefix", "end_of_word_suffix")


def split_points(text: str) -> list[int]:
    """0, the split points and the length of ``text``: ``PIECE`` characters apart or more."""
    points = [0]
    while (begin := points[-1] + PIECE) < len(text):
        spaces = (match.start() for match in _INNER_SPACE.finditer(text, begin))
        point = next((space for space in spaces if _is_stable(text, space)), None)
        if point is None:
            break
        points.append(point)
    return [*points, len(text)]


def _is_stable(text: str, space: int) -> bool:
    """Whether the characters beside a space remain letters or digits in every normal form."""
    neighbours = text[space - 1], text[space + 1]
    return all(normalize("NFKD", character)[0].isalnum() for character in neighbours)
