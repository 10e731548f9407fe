"""Tokens beside a tokenizer's vocabulary: special tokens, and others that were added later."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from poolwise.encoders.untrusted_files import abridge, as_object
from poolwise.errors import EncoderError

Token = dict[str, Any]
"""An added token in the format of tokenizer.json, without its id."""

TOKENIZER_CONFIG = "tokenizer_config.json"
SPECIAL_TOKENS_MAP = "special_tokens_map.json"
ADDED_TOKENS_DECODER = "added_tokens_decoder"

ROLES = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token")
"""In the order in which transformers adds them to a vocabulary that lacks them."""

_EXTRA = "extra_special_tokens"
_OLD_EXTRA = "additional_special_tokens"
_MODEL_ROLES = "model_specific_special_tokens"


def merge_options(
    config: Mapping[str, Any], old_map: Mapping[str, Any], overrides: Mapping[str, Any]
) -> dict[str, Any]:
    """The options of tokenizer_config.json and, in older folders, special_tokens_map.json.

    As in transformers, the older file counts only where the newer one lists no tokens, and never
    above ``overrides``. The two names for extra special tokens, and their two forms, become one.
    """
    options = {**config, **overrides}
    if _OLD_EXTRA in options and not options.get(_EXTRA):
        options[_EXTRA] = options.pop(_OLD_EXTRA)
    _move_named_tokens(options)
    for key, value in () if ADDED_TOKENS_DECODER in options else old_map.items():
        if not overrides.get(key):
            before = options.get(_EXTRA) or [] if key == _EXTRA else []
            both_lists = isinstance(value, list) and isinstance(before, list)
            options[key] = [*before, *value] if both_lists else value
    _move_named_tokens(options)
    if _EXTRA not in options and _OLD_EXTRA in options:
        options[_EXTRA] = options.pop(_OLD_EXTRA)
    return options


def _move_named_tokens(options: dict[str, Any]) -> None:
    """Make roles of extra special tokens that are listed by name."""
    if isinstance(options.get(_EXTRA), dict):
        options[_MODEL_ROLES] = {**_model_roles(options), **options.pop(_EXTRA)}


def _model_roles(options: Mapping[str, Any]) -> dict[str, Any]:
    return as_object(options.get(_MODEL_ROLES) or {}, f"{TOKENIZER_CONFIG}: {_MODEL_ROLES}")


def read_roles(options: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Token]:
    """The token of each role; ``defaults`` has those that the files do not name."""
    tokens = {key: value for key, value in options.items() if key.endswith("_token")}
    standard = {**defaults, **{key: value for key, value in tokens.items() if key in ROLES}}
    extra = {key: value for key, value in tokens.items() if isinstance(value, (str, dict))}
    values = {role: standard.get(role) for role in ROLES} | {
        key: value for key, value in {**extra, **_model_roles(options)}.items() if key not in ROLES
    }
    roles = {}
    for role, value in values.items():
        default = defaults.get(role)
        flags = default if isinstance(default, dict) and isinstance(value, str) else {}
        if value is not None:
            roles[role] = complete_token({**flags, **_object(value, role)}, role, special=True)
    return roles


def read_extra(options: Mapping[str, Any], defaults: Iterable[str]) -> list[Token]:
    """Special tokens without a role."""
    values = options.get(_EXTRA, [*defaults])
    if values is not None and not isinstance(values, list):
        raise EncoderError(
            f"{TOKENIZER_CONFIG}: {_EXTRA} is {abridge(values)}, expected a list of tokens"
        )
    return [complete_token(value, _EXTRA, special=isinstance(value, str)) for value in values or ()]


def read_listed(
    options: Mapping[str, Any], old_file: Mapping[str, Any], role_contents: Iterable[str]
) -> dict[int, Token]:
    """Added tokens by id: those of tokenizer_config.json, or else of added_tokens.json.

    ``role_contents`` are the contents of tokens with a role, which are special in any case.
    """
    if ADDED_TOKENS_DECODER in options:
        decoder = [
            *as_object(
                options[ADDED_TOKENS_DECODER] or {}, f"{TOKENIZER_CONFIG}: {ADDED_TOKENS_DECODER}"
            ).items()
        ]
    else:
        special = {str(options.get(role)) for role in ROLES} | {
            t["content"] for t in read_extra(options, ())
        }
        decoder = [
            (number, {"content": c, "special": c in special, "normalized": c not in special})
            for c, number in old_file.items()
        ]
    try:
        numbered = {int(number): value for number, value in decoder}
    except (TypeError, ValueError, OverflowError) as error:
        raise EncoderError(f"{TOKENIZER_CONFIG}: the added tokens have no numbers") from error
    return {
        n: complete_token(t, n, special=_content(t) in role_contents) for n, t in numbered.items()
    }


def _content(value: Any) -> Any:
    return value.get("content") if isinstance(value, dict) else value


def _object(value: Any, place: Any) -> Token:
    if isinstance(value, str):
        return {"content": value}
    return as_object(value, f"{TOKENIZER_CONFIG}: {place}")


def complete_token(value: Any, place: Any, *, special: bool) -> Token:
    """A token with all its flags; with ``special``, it is special whatever its own flag."""
    stored = _object(value, place)
    content = stored.get("content")
    if not isinstance(content, str) or not content:
        raise EncoderError(f"{TOKENIZER_CONFIG}: {place} is {abridge(content)}, no token")
    special = special or stored.get("special") is True
    defaults = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": not special}
    flags = {key: stored.get(key, default) is True for key, default in defaults.items()}
    return {"content": content, "special": special, **flags}


def _has_no_flags(token: Token) -> bool:
    return not any(token[flag] for flag in ("single_word", "lstrip", "rstrip", "normalized"))


class AddedTokens:
    """Tokens added to a vocabulary, with the ids that the tokenizers library gives them."""

    def __init__(self, vocab: Mapping[str, int], size: int, place: str) -> None:
        self._vocab, self._size, self._place = vocab, size, place
        self._tokens: dict[str, Token] = {}
        self._highest = -1

    def add(self, tokens: Iterable[Token], stated_ids: Iterable[Any]) -> None:
        """Add tokens, or replace their flags. Raises EncoderError for ids other than stated."""
        for token, stated in zip(tokens, stated_ids, strict=True):
            number = self._put(token)
            if number != stated:
                raise EncoderError(
                    f"{self._place}: the added token {abridge(token['content'])} says that its id "
                    f"is {abridge(stated)}, but it is {number}"
                )

    def add_missing(self, tokens: Iterable[Token]) -> None:
        """Add tokens that are absent. Of two with the same content the first counts, as in
        transformers; if only one of them has flags, the last."""
        present = {*self._tokens}
        for token in tokens:
            content = token["content"]
            before = self._tokens.get(content)
            if before is None or (
                content not in present and _has_no_flags(before) != _has_no_flags(token)
            ):
                self._put(token)

    def _put(self, token: Token) -> int:
        content, number = token["content"], self.number(token["content"])
        self._tokens[content] = {**token, "id": number}
        self._highest = max(self._highest, number)
        return number

    def number(self, content: str) -> int:
        """The id of a token, or the id that it would get if it were added."""
        if content in self._tokens:
            return int(self._tokens[content]["id"])
        number = self._vocab.get(content)
        if number is None:
            return max(self._size, self._highest + 1)
        if type(number) is not int or number < 0:
            raise EncoderError(f"{self._place}: {abridge(content)} has the id {abridge(number)}")
        return number

    @property
    def tokens(self) -> list[Token]:
        return [*self._tokens.values()]
