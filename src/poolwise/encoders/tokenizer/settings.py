"""A tokenizer's settings beside the vocabulary: its class, special tokens and options."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from poolwise.encoders.tokenizer.added_tokens import (
    ADDED_TOKENS_DECODER,
    SPECIAL_TOKENS_MAP,
    TOKENIZER_CONFIG,
    Token,
    merge_options,
    read_extra,
    read_listed,
    read_roles,
)
from poolwise.encoders.tokenizer.classes import (
    CLASSES,
    DEFAULT_CLASSES,
    GENERIC_CLASSES,
    NEEDS_CODE,
    TokenizerClass,
    flag,
)
from poolwise.encoders.untrusted_files import MEGABYTE, abridge, read_object
from poolwise.errors import EncoderError, UnsafeModelError

# Options that would replace the folder's own files.
_REFUSED = ("vocab", "merges", "tokenizer_object", "gguf_file", "init_inputs")

# Tokenizers without a limit write 1e30.
_NO_LIMIT = 1e20

MAX_TOKENIZER_CONFIG = 16 * MEGABYTE

Side = Literal["left", "right"]
"""The side on which truncation removes tokens."""


@dataclass(frozen=True)
class TokenizerSettings:
    """``kind`` is transformers' class name without "Fast"; ``builds`` is the class where it builds
    its own steps, None where it reads tokenizer.json as is.

    ``roles`` maps roles ("cls_token") to tokens, ``listed`` ids to added tokens; ``extra`` are
    special tokens without a role. ``older`` folders list their added tokens in tokenizer.json too.
    """

    kind: str
    builds: TokenizerClass | None
    roles: Mapping[str, Token]
    listed: Mapping[int, Token]
    extra: tuple[Token, ...]
    older: bool
    options: Mapping[str, Any]

    @property
    def max_length(self) -> int | None:
        """``model_max_length`` in tokens, None where it sets no limit. Raises EncoderError."""
        length = self.options.get("model_max_length", self.options.get("max_len"))
        if length is None or (type(length) in (int, float) and length >= _NO_LIMIT):
            return None
        if type(length) is not int or length < 1:
            raise EncoderError(
                f"{TOKENIZER_CONFIG}: model_max_length is {abridge(length)}, expected a number "
                "of tokens"
            )
        return length

    @property
    def notes(self) -> tuple[str, ...]:
        """Ignored settings, as sentences."""
        code = self.options.get("auto_map")
        return (f"{TOKENIZER_CONFIG} names code of its own (auto_map), left aside",) if code else ()

    @property
    def splits_special(self) -> bool:
        """Whether a special token typed in a text is read as plain text."""
        return flag(self.options, "split_special_tokens", False) is True

    @property
    def truncation_side(self) -> Side | None:
        """``truncation_side`` of tokenizer_config.json, None without one."""
        return _side(self.options.get("truncation_side"), TOKENIZER_CONFIG)


def stored_side(spec: Mapping[str, Any], place: str) -> Side:
    """The truncation side of tokenizer.json, the default where tokenizer_config.json has none."""
    truncation = spec.get("truncation")
    side = truncation.get("direction") if isinstance(truncation, dict) else None
    return _side(side.lower() if isinstance(side, str) else side, place) or "right"


def _side(value: Any, place: str) -> Side | None:
    if value not in ("left", "right", None):
        raise EncoderError(
            f"{place}: truncation_side is {abridge(value)}, expected 'left' or 'right'"
        )
    return value  # type: ignore[no-any-return]


def read_settings(
    folder: Path, model_type: str, overrides: Mapping[str, Any] = MappingProxyType({})
) -> TokenizerSettings:
    """The settings in a folder's files; absent files leave transformers' defaults.

    ``overrides`` take precedence over tokenizer_config.json. Raises EncoderError.
    """
    config = _read(folder / TOKENIZER_CONFIG)
    kind = _kind(config, _read(folder / "config.json"), model_type)
    _check({**config, **overrides}, kind, folder / TOKENIZER_CONFIG)
    builds = CLASSES.get(kind)
    options = merge_options(config, _read(folder / SPECIAL_TOKENS_MAP), overrides)
    roles = read_roles(options, builds.roles if builds else {})
    for role in (*builds.frame, "unk_token") if builds else ():
        if role not in roles:
            raise EncoderError(f"{folder / TOKENIZER_CONFIG}: {role} is null, but {kind} needs one")
    contents = {token["content"] for token in roles.values()}
    return TokenizerSettings(
        kind=kind,
        builds=builds,
        roles=roles,
        listed=read_listed(options, _read(folder / "added_tokens.json"), contents),
        extra=tuple(read_extra(options, builds.extra if builds else ())),
        older=ADDED_TOKENS_DECODER not in options,
        options=options,
    )


def _read(path: Path) -> dict[str, Any]:
    return read_object(path, MAX_TOKENIZER_CONFIG) if path.exists() else {}


def _kind(config: Mapping[str, Any], encoder: Mapping[str, Any], model_type: str) -> str:
    default = DEFAULT_CLASSES.get(model_type)
    if default is None:
        return GENERIC_CLASSES[0]
    name = config.get("tokenizer_class") or encoder.get("tokenizer_class") or default
    kind = str(name).removesuffix("Fast")
    if kind in NEEDS_CODE:
        raise EncoderError(
            f"{TOKENIZER_CONFIG}: tokenizer_class is {kind}, which splits texts by a program of "
            "its own"
        )
    return kind


def _check(options: Mapping[str, Any], kind: str, path: Path) -> None:
    if options.get("auto_map") and kind not in CLASSES and kind not in GENERIC_CLASSES:
        raise UnsafeModelError(
            f"{path}: has 'auto_map'; a tokenizer that needs code of its own ({abridge(kind)}) is "
            "not loaded"
        )
    for key in _REFUSED:
        if options.get(key):
            raise EncoderError(f"{path}: {key} is set, which poolwise does not read")
    versions = options.get("fast_tokenizer_files") or []
    if not isinstance(versions, list) or any(name != "tokenizer.json" for name in versions):
        raise EncoderError(
            f"{path}: fast_tokenizer_files names other files than tokenizer.json; keep the one "
            "that is meant as tokenizer.json"
        )
