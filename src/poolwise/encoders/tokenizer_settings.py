"""tokenizer_config.json and special_tokens_map.json: what they say beside the vocabulary."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from poolwise.encoders.files import MEGABYTE, as_object, describe, read_object
from poolwise.errors import EncoderError, UnsafeModelError

Token = dict[str, Any]
"""An added token as tokenizer.json writes it, but for its id."""

_BERT = {
    "unk_token": "[UNK]",
    "sep_token": "[SEP]",
    "pad_token": "[PAD]",
    "cls_token": "[CLS]",
    "mask_token": "[MASK]",
}
_ROBERTA = {
    "cls_token": "<s>",
    "sep_token": "</s>",
    "unk_token": "<unk>",
    "pad_token": "<pad>",
    "mask_token": "<mask>",
}
_MPNET = {**_ROBERTA, "unk_token": "[UNK]"}

_ROLES: Mapping[str, Mapping[str, Any]] = {
    "BertTokenizer": _BERT,
    "DistilBertTokenizer": _BERT,
    "ElectraTokenizer": _BERT,
    "MPNetTokenizer": _MPNET,
    "RobertaTokenizer": _ROBERTA,
}
ROLES = ("unk_token", "cls_token", "sep_token", "pad_token", "mask_token", "bos_token", "eos_token")

WORDPIECE = ("BertTokenizer", "DistilBertTokenizer", "ElectraTokenizer", "MPNetTokenizer")
BYTE_LEVEL = ("RobertaTokenizer",)

# The families whose tokenizers are no SentencePiece models.
CLASS_OF = {
    "bert": "BertTokenizer",
    "distilbert": "BertTokenizer",
    "electra": "BertTokenizer",
    "mpnet": "MPNetTokenizer",
    "roberta": "RobertaTokenizer",
}

# Tokenizers without a limit write 1e30.
_SANE_LENGTH = 1_000_000


@dataclass(frozen=True)
class Settings:
    """``kind`` is transformers' class name without "Fast"; ``roles`` maps "cls_token" and so on."""

    kind: str
    roles: Mapping[str, Token]
    added: Mapping[int, Token]
    options: Mapping[str, Any]

    @property
    def max_length(self) -> int | None:
        """``model_max_length``, where it is one."""
        found = self.options.get("model_max_length")
        return found if type(found) is int and 0 < found <= _SANE_LENGTH else None

    def flag(self, key: str, default: bool | None) -> bool | None:
        """An option that is true, false, or (where the default is None) unset."""
        found = self.options.get(key)
        if found is None:
            return default
        if type(found) is not bool:
            raise EncoderError(
                f"tokenizer_config.json: {key} is {describe(found)}, expected true or false"
            )
        return found


def read_settings(
    folder: Path, model_type: str, overrides: Mapping[str, Any] = MappingProxyType({})
) -> Settings:
    """Read both files, where they are; absent ones leave transformers' defaults.

    ``overrides`` stand above what tokenizer_config.json says.
    """
    config, named = (
        read_object(folder / name, 16 * MEGABYTE) if (folder / name).exists() else {}
        for name in ("tokenizer_config.json", "special_tokens_map.json")
    )
    if config.get("auto_map"):
        raise UnsafeModelError(
            f"{folder / 'tokenizer_config.json'}: has 'auto_map'; a tokenizer that needs code of "
            "its own is not loaded"
        )
    config |= overrides
    kind = str(config.get("tokenizer_class") or CLASS_OF.get(model_type, ""))
    kind = kind.removesuffix("Fast")
    # As transformers: the older file counts only where the newer one lists no tokens.
    named = {} if "added_tokens_decoder" in config else named
    given = dict(_ROLES.get(kind, {}))
    for source in (config, named):
        given |= {role: source[role] for role in ROLES if source.get(role) is not None}
    return Settings(
        kind=kind,
        roles={role: _token(value, role, True) for role, value in given.items()},
        added=_added(config),
        options=config,
    )


def _added(config: Mapping[str, Any]) -> dict[int, Token]:
    decoder = as_object(config.get("added_tokens_decoder") or {}, "added_tokens_decoder")
    try:
        return {int(number): _token(value, number, False) for number, value in decoder.items()}
    except ValueError as error:
        raise EncoderError("tokenizer_config.json: added_tokens_decoder has no numbers") from error


def _token(value: Any, where: str, special: bool) -> Token:
    token = {"content": value} if isinstance(value, str) else as_object(value, where)
    content = token.get("content")
    if not isinstance(content, str) or not content:
        raise EncoderError(f"tokenizer_config.json: {where} is {describe(content)}, no token")
    special = token.get("special", special) is True
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": not special}
    made = {flag: token.get(flag, default) is True for flag, default in flags.items()}
    return {"content": content, "special": special, **made}
