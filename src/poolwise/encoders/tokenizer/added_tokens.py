"""The tokens that a tokenizer has beside its vocabulary's: special ones, and ones added later."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from poolwise.encoders.untrusted_files import as_object, describe
from poolwise.errors import EncoderError

Token = dict[str, Any]
"""An added token as tokenizer.json writes it, but for its id."""

TOKENIZER_CONFIG = "tokenizer_config.json"
SPECIAL_TOKENS_MAP = "special_tokens_map.json"
ADDED_TOKENS_DECODER = "added_tokens_decoder"

ROLES = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token")
"""In the order in which transformers adds them to a vocabulary that lacks them."""

_EXTRA = "extra_special_tokens"
_OLD_EXTRA = "additional_special_tokens"
_OTHER_ROLES = "model_specific_special_tokens"


def gather(
    config: Mapping[str, Any], old_map: Mapping[str, Any], given: Mapping[str, Any]
) -> dict[str, Any]:
    """What tokenizer_config.json and, in older folders, special_tokens_map.json say in one.

    As transformers: the older file counts only where the newer one lists no tokens, and never above
    what is ``given`` by hand. Two names for more special tokens, and two forms, become one.
    """
    options = {**config, **given}
    if _OLD_EXTRA in options and not options.get(_EXTRA):
        options[_EXTRA] = options.pop(_OLD_EXTRA)
    _name(options)
    for key, value in () if ADDED_TOKENS_DECODER in options else old_map.items():
        if not given.get(key):
            before = options.get(_EXTRA) or [] if key == _EXTRA else []
            more = isinstance(value, list) and isinstance(before, list)
            options[key] = [*before, *value] if more else value
    _name(options)
    if _EXTRA not in options and _OLD_EXTRA in options:
        options[_EXTRA] = options.pop(_OLD_EXTRA)
    return options


def _name(options: dict[str, Any]) -> None:
    """Special tokens given as name and token become roles of their own."""
    if isinstance(options.get(_EXTRA), dict):
        options[_OTHER_ROLES] = {**_others(options), **options.pop(_EXTRA)}


def _others(options: Mapping[str, Any]) -> dict[str, Any]:
    return as_object(options.get(_OTHER_ROLES) or {}, f"{TOKENIZER_CONFIG}: {_OTHER_ROLES}")


def read_roles(options: Mapping[str, Any], usual: Mapping[str, Any]) -> dict[str, Token]:
    """The token of each role; ``usual`` has those that the files do not name."""
    others = {key: value for key, value in options.items() if key.endswith("_token")}
    named = {**usual, **{key: value for key, value in others.items() if key in ROLES}}
    others = {key: value for key, value in others.items() if isinstance(value, (str, dict))}
    found = {role: named.get(role) for role in ROLES} | {
        key: value for key, value in {**others, **_others(options)}.items() if key not in ROLES
    }
    roles = {}
    for role, value in found.items():
        like = usual.get(role)
        flags = like if isinstance(like, dict) and isinstance(value, str) else {}
        if value is not None:
            roles[role] = token({**flags, **_object(value, role)}, role, special=True)
    return roles


def read_extra(options: Mapping[str, Any], usual: Iterable[str]) -> list[Token]:
    """Special tokens without a role."""
    found = options.get(_EXTRA, [*usual])
    if found is not None and not isinstance(found, list):
        raise EncoderError(
            f"{TOKENIZER_CONFIG}: {_EXTRA} is {describe(found)}, expected a list of tokens"
        )
    return [token(value, _EXTRA, special=isinstance(value, str)) for value in found or ()]


def read_listed(
    options: Mapping[str, Any], old_file: Mapping[str, Any], named: Iterable[str]
) -> dict[int, Token]:
    """Added tokens by their number: tokenizer_config.json's or else added_tokens.json's.

    ``named`` are the contents of tokens with a role, which are special whatever they say.
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
    return {n: token(t, n, special=_content(t) in named) for n, t in numbered.items()}


def _content(value: Any) -> Any:
    return value.get("content") if isinstance(value, dict) else value


def _object(value: Any, where: Any) -> Token:
    if isinstance(value, str):
        return {"content": value}
    return as_object(value, f"{TOKENIZER_CONFIG}: {where}")


def token(value: Any, where: Any, *, special: bool) -> Token:
    """A token with all its flags; ``special`` ones are so whatever they say themselves."""
    found = _object(value, where)
    content = found.get("content")
    if not isinstance(content, str) or not content:
        raise EncoderError(f"{TOKENIZER_CONFIG}: {where} is {describe(content)}, no token")
    special = special or found.get("special") is True
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": not special}
    made = {key: found.get(key, default) is True for key, default in flags.items()}
    return {"content": content, "special": special, **made}


def _plain(made: Token) -> bool:
    return not any(made[flag] for flag in ("single_word", "lstrip", "rstrip", "normalized"))


class Added:
    """Tokens on top of a vocabulary, numbered as the tokenizers library numbers them."""

    def __init__(self, vocab: Mapping[str, int], size: int, where: str) -> None:
        self._vocab, self._size, self._where = vocab, size, where
        self._tokens: dict[str, Token] = {}
        self._highest = -1

    def add(self, tokens: Iterable[Token], stated: Iterable[Any]) -> None:
        """A token that is there already gets the new one's flags; the ``stated`` ids must hold."""
        for made, number in zip(tokens, stated, strict=True):
            given = self._put(made)
            if given != number:
                raise EncoderError(
                    f"{self._where}: the added token {describe(made['content'])} says that its id "
                    f"is {describe(number)}, but it is {given}"
                )

    def add_missing(self, tokens: Iterable[Token]) -> None:
        """Those that are not there yet. Of two with one content the first counts, as in
        transformers, unless one of them is no more than a string: then the last."""
        there = {*self._tokens}
        for made in tokens:
            content = made["content"]
            before = self._tokens.get(content)
            if before is None or (content not in there and _plain(before) != _plain(made)):
                self._put(made)

    def _put(self, made: Token) -> int:
        content, number = made["content"], self.number(made["content"])
        self._tokens[content] = {**made, "id": number}
        self._highest = max(self._highest, number)
        return number

    def number(self, content: str) -> int:
        """The id that the token has, or that it would get."""
        if content in self._tokens:
            return int(self._tokens[content]["id"])
        found = self._vocab.get(content)
        if found is None:
            return max(self._size, self._highest + 1)
        if type(found) is not int or found < 0:
            raise EncoderError(f"{self._where}: {describe(content)} has the id {describe(found)}")
        return found

    @property
    def tokens(self) -> list[Token]:
        return [*self._tokens.values()]
