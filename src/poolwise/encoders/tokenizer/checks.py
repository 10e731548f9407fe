"""Checks of a tokenizer.json before the tokenizers library reads any of it.

An untrusted file can hold steps that multiply a text a millionfold or never end; the allow-lists
and bounds here leave the steps that encoders use.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from typing import Any

from poolwise.encoders.tokenizer.spec import Spec, model_type
from poolwise.encoders.untrusted_files import abridge, as_object
from poolwise.errors import EncoderError, UnsafeModelError

_NORMALIZERS = (
    "BertNormalizer",
    "ByteLevel",
    "Lowercase",
    "NFC",
    "NFD",
    "NFKC",
    "NFKD",
    "Nmt",
    "Precompiled",
    "Prepend",
    "Replace",
    "Strip",
    "StripAccents",
)
_PRE_TOKENIZERS = (
    "BertPreTokenizer",
    "ByteLevel",
    "CharDelimiterSplit",
    "Digits",
    "Metaspace",
    "Punctuation",
    "Split",
    "UnicodeScripts",
    "Whitespace",
    "WhitespaceSplit",
)
_MODELS = ("WordPiece", "BPE", "Unigram", "WordLevel")

_FORM_GROWTH = {
    **dict.fromkeys(("NFKC", "NFKD"), 11.0),
    **dict.fromkeys(("NFC", "NFD", "BertNormalizer"), 3.0),
}
"""Length of the longest normal form of a character, as a multiple (U+FDFA becomes 18 characters).
Normalised text grows no more."""

MAX_STEPS = 64
MAX_STRING = 1000
MAX_GROWTH = 1000
MAX_REPLACEMENT = 32
MAX_ADDED = 10_000
MAX_WORD = 1000


def check_spec(spec: Spec, place: str) -> Spec:
    """``spec`` without padding, truncation, post-processor and decoder. Raises EncoderError."""
    growth = max_growth(spec, place)
    if growth > MAX_GROWTH:
        raise UnsafeModelError(f"{place}: could make a text {growth:,.0f} times longer")
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": _added(spec.get("added_tokens") or [], place),
        "normalizer": spec.get("normalizer"),
        "pre_tokenizer": spec.get("pre_tokenizer"),
        "post_processor": None,
        "decoder": None,
        "model": _model(as_object(spec.get("model"), f"{place}'s model"), place),
    }


def max_growth(spec: Spec, place: str) -> float:
    """The most that its steps can lengthen a text, as a multiple of its bytes."""
    replacement, mapping, form = 1.0, 1.0, 1.0
    for step in (
        *_steps(spec.get("normalizer"), "normalizers", _NORMALIZERS, place),
        *_steps(spec.get("pre_tokenizer"), "pretokenizers", _PRE_TOKENIZERS, place),
    ):
        if step["type"] == "Replace":
            replacement *= max(1.0, _growth(step, place))
        else:
            mapping *= _growth(step, place)
        form = max(form, _FORM_GROWTH.get(step["type"], 1.0))
    if replacement > MAX_REPLACEMENT:
        raise UnsafeModelError(f"{place}: could make a text {replacement:,.0f} times longer")
    return replacement * max(1.0, mapping) * form


def _steps(
    node: Any, children: str, allowed: tuple[str, ...], place: str, depth: int = 0
) -> Iterator[Mapping[str, Any]]:
    """The single steps in a (nested) Sequence, each of an allowed type."""
    if node is None:
        return
    step = as_object(node, f"{place}: a step")
    kind = step.get("type")
    if kind == "Sequence" and isinstance(step.get(children), list):
        if len(step[children]) > MAX_STEPS or depth > 2:
            raise UnsafeModelError(f"{place}: more than {MAX_STEPS} {children}, or nested")
        for child in step[children]:
            yield from _steps(child, children, allowed, place, depth + 1)
        return
    if not isinstance(kind, str) or kind not in allowed:
        raise EncoderError(f"{place}: {abridge(kind)} is not among the known {children}")
    for key, value in step.items():
        if key != "precompiled_charsmap" and len(_string(value)) > MAX_STRING:
            raise UnsafeModelError(f"{place}: {kind}.{key} exceeds {MAX_STRING} characters")
    yield step


def _string(value: Any) -> str:
    """A step's string, or the pattern in ``{"Regex": …}`` and ``{"String": …}``."""
    if isinstance(value, dict):
        return "".join(map(_string, value.values()))
    return value if isinstance(value, str) else ""


def _growth(step: Mapping[str, Any], place: str) -> float:
    """The most that a step can lengthen a text, as a multiple."""
    match step["type"]:
        case "Replace":
            content, pattern = _string(step.get("content")), step.get("pattern")
            literal = _string(pattern.get("String")) if isinstance(pattern, dict) else ""
            # A regular expression may match one character, or between any two.
            return len(content) / len(literal) if literal else len(content) + 1.0
        case "Precompiled":
            return _longest_replacement(step.get("precompiled_charsmap"), place)
        case "ByteLevel":
            return 2.0
        case _:
            return 1.0


def _longest_replacement(charsmap: Any, place: str) -> int:
    """Bytes of the longest replacement in SentencePiece's map: a trie, then strings ended by 0."""
    try:
        data = base64.b64decode(_string(charsmap))
    except binascii.Error as error:
        raise EncoderError(f"{place}: precompiled_charsmap is not base64") from error
    strings = data[4 + int.from_bytes(data[:4], "little") :]
    return max(map(len, strings.split(b"\0")))


def _added(tokens: Any, place: str) -> list[dict[str, Any]]:
    if not isinstance(tokens, list):
        raise EncoderError(f"{place}: the added_tokens are not a list")
    if len(tokens) > MAX_ADDED:
        raise UnsafeModelError(f"{place}: {len(tokens):,} added tokens, at most {MAX_ADDED:,}")
    for token in tokens:
        content = as_object(token, f"{place}: an added token").get("content")
        if not isinstance(content, str) or not 0 < len(content) <= MAX_STRING:
            raise EncoderError(f"{place}: {abridge(content)} is not an added token")
        if type(token.get("id")) is not int:
            raise EncoderError(f"{place}: the added token {abridge(content)} has no id")
    return tokens


def _model(model: Mapping[str, Any], place: str) -> dict[str, Any]:
    kind = model_type(model)
    if not isinstance(kind, str) or kind not in _MODELS:
        raise EncoderError(
            f"{place}: the model's type is {abridge(kind)}, expected one of {', '.join(_MODELS)}"
        )
    if not isinstance(model.get("vocab") or {}, dict | list):
        raise EncoderError(
            f"{place}: the vocabulary is {abridge(model['vocab'])}, expected an object or a list"
        )
    pieces = model.get("vocab") if kind == "Unigram" else ()
    names = (p[0] for p in pieces or () if isinstance(p, list) and p and isinstance(p[0], str))
    if (length := max(map(len, names), default=0)) > MAX_STRING:  # each character a call deep
        raise UnsafeModelError(
            f"{place}: a piece of {length:,} characters, at most {MAX_STRING:,} allowed"
        )
    if model.get("dropout"):
        raise EncoderError(f"{place}: BPE dropout would make the tokens of a text random")
    longest = model.get("max_input_chars_per_word", 100)
    if type(longest) is not int or not 0 < longest <= MAX_WORD:
        raise UnsafeModelError(
            f"{place}: max_input_chars_per_word is {abridge(longest)}, expected 1 to {MAX_WORD}"
        )
    return {**model, "type": kind}
