"""What a tokenizer.json may contain, checked before the tokenizers library sees any of it.

A stranger's file can ask for steps that multiply a text a millionfold or never end; the
allow-lists and bounds here leave what encoders use.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from typing import Any

from poolwise.encoders.tokenizer.spec import Spec, model_type
from poolwise.encoders.untrusted_files import as_object, describe
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

_FORMS = {
    **dict.fromkeys(("NFKC", "NFKD"), 11.0),
    **dict.fromkeys(("NFC", "NFD", "BertNormalizer"), 3.0),
}
"""How many times longer the longest normal form of a character is (U+FDFA is 18 characters). What
has been normalised once grows no more."""

MAX_STEPS = 64
MAX_STRING = 1000
MAX_GROWTH = 1000
MAX_REPLACED = 32
MAX_ADDED = 10_000
MAX_WORD = 1000


def checked(spec: Spec, where: str) -> Spec:
    """The part of ``spec`` that makes ids of a text; padding and truncation stay behind."""
    growth = growth_of(spec, where)
    if growth > MAX_GROWTH:
        raise UnsafeModelError(f"{where}: could make a text {growth:,.0f} times longer")
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": _added(spec.get("added_tokens") or [], where),
        "normalizer": spec.get("normalizer"),
        "pre_tokenizer": spec.get("pre_tokenizer"),
        "post_processor": None,
        "decoder": None,
        "model": _model(as_object(spec.get("model"), f"{where}'s model"), where),
    }


def growth_of(spec: Spec, where: str) -> float:
    """How many times longer (in bytes) its steps can make a text, at most."""
    replaced, mapped, formed = 1.0, 1.0, 1.0
    for step in (
        *_steps(spec.get("normalizer"), "normalizers", _NORMALIZERS, where),
        *_steps(spec.get("pre_tokenizer"), "pretokenizers", _PRE_TOKENIZERS, where),
    ):
        if step["type"] == "Replace":
            replaced *= max(1.0, _growth(step, where))
        else:
            mapped *= _growth(step, where)
        formed = max(formed, _FORMS.get(step["type"], 1.0))
    if replaced > MAX_REPLACED:
        raise UnsafeModelError(f"{where}: could make a text {replaced:,.0f} times longer")
    return replaced * max(1.0, mapped) * formed


def _steps(
    node: Any, children: str, allowed: tuple[str, ...], where: str, depth: int = 0
) -> Iterator[Mapping[str, Any]]:
    """The single steps in a (nested) Sequence, each of an allowed type."""
    if node is None:
        return
    step = as_object(node, f"{where}: a step")
    kind = step.get("type")
    if kind == "Sequence" and isinstance(step.get(children), list):
        if len(step[children]) > MAX_STEPS or depth > 2:
            raise UnsafeModelError(f"{where}: more than {MAX_STEPS} {children}, or nested")
        for child in step[children]:
            yield from _steps(child, children, allowed, where, depth + 1)
        return
    if not isinstance(kind, str) or kind not in allowed:
        raise EncoderError(f"{where}: {describe(kind)} is not among the known {children}")
    for key, value in step.items():
        if key != "precompiled_charsmap" and len(_string(value)) > MAX_STRING:
            raise UnsafeModelError(f"{where}: {kind}.{key} exceeds {MAX_STRING} characters")
    yield step


def _string(value: Any) -> str:
    """A step's string, or the pattern in ``{"Regex": …}`` and ``{"String": …}``."""
    if isinstance(value, dict):
        return "".join(map(_string, value.values()))
    return value if isinstance(value, str) else ""


def _growth(step: Mapping[str, Any], where: str) -> float:
    """How many times longer a step can make a text."""
    match step["type"]:
        case "Replace":
            content, pattern = _string(step.get("content")), step.get("pattern")
            literal = _string(pattern.get("String")) if isinstance(pattern, dict) else ""
            # A regular expression may match one character, or between any two.
            return len(content) / len(literal) if literal else len(content) + 1.0
        case "Precompiled":
            return _longest_replacement(step.get("precompiled_charsmap"), where)
        case "ByteLevel":
            return 2.0
        case _:
            return 1.0


def _longest_replacement(charsmap: Any, where: str) -> int:
    """Bytes of the longest replacement in SentencePiece's map: a trie, then strings ended by 0."""
    try:
        data = base64.b64decode(_string(charsmap))
    except binascii.Error as error:
        raise EncoderError(f"{where}: precompiled_charsmap is not base64") from error
    strings = data[4 + int.from_bytes(data[:4], "little") :]
    return max(map(len, strings.split(b"\0")))


def _added(tokens: Any, where: str) -> list[dict[str, Any]]:
    if not isinstance(tokens, list):
        raise EncoderError(f"{where}: the added_tokens are not a list")
    if len(tokens) > MAX_ADDED:
        raise UnsafeModelError(f"{where}: {len(tokens):,} added tokens, at most {MAX_ADDED:,}")
    for token in tokens:
        content = as_object(token, f"{where}: an added token").get("content")
        if not isinstance(content, str) or not 0 < len(content) <= MAX_STRING:
            raise EncoderError(f"{where}: {describe(content)} is not an added token")
        if type(token.get("id")) is not int:
            raise EncoderError(f"{where}: the added token {describe(content)} has no id")
    return tokens


def _model(model: Mapping[str, Any], where: str) -> dict[str, Any]:
    kind = model_type(model)
    if not isinstance(kind, str) or kind not in _MODELS:
        raise EncoderError(
            f"{where}: the model's type is {describe(kind)}, expected one of {', '.join(_MODELS)}"
        )
    if not isinstance(model.get("vocab") or {}, dict | list):
        raise EncoderError(
            f"{where}: the vocabulary is {describe(model['vocab'])}, expected an object or a list"
        )
    pieces = model.get("vocab") if kind == "Unigram" else ()
    named = (p[0] for p in pieces or () if isinstance(p, list) and p and isinstance(p[0], str))
    if (most := max(map(len, named), default=0)) > MAX_STRING:  # each character a call deep
        raise UnsafeModelError(
            f"{where}: a piece of {most:,} characters, at most {MAX_STRING:,} allowed"
        )
    if model.get("dropout"):
        raise EncoderError(f"{where}: BPE dropout would make the tokens of a text random")
    longest = model.get("max_input_chars_per_word", 100)
    if type(longest) is not int or not 0 < longest <= MAX_WORD:
        raise UnsafeModelError(
            f"{where}: max_input_chars_per_word is {describe(longest)}, expected 1 to {MAX_WORD}"
        )
    return {**model, "type": kind}
