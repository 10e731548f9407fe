"""config.json: the keys of an allow-list, each checked, then checked together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from poolwise.encoders.config_keys import OTHER_ARCHITECTURES, ConfigKey
from poolwise.encoders.families import FAMILIES, Family, family_of
from poolwise.encoders.nomic_config import transformers_keys
from poolwise.encoders.rotary import read_one_rotary, read_rotary
from poolwise.encoders.tensor_tables import relative_span
from poolwise.encoders.untrusted_files import abridge, read_object
from poolwise.errors import EncoderError, UnsafeModelError

_CODE = ("custom_pipelines", "quantization_config", "trust_remote_code")
_DECODERS = ("is_decoder", "add_cross_attention", "is_encoder_decoder")
# transformers accepts BERT's names of these for a family's own.
_ALIASES = ("hidden_size", "num_attention_heads", "num_hidden_layers")
_UNUSED_TOKENS = ("bos_token_id", "eos_token_id", "cls_token_id", "sep_token_id")


@dataclass(frozen=True)
class Config:
    """The checked values of config.json, under BERT's names for every family.

    ``config["hidden_size"]``; absent keys have transformers' defaults. ``notes`` name keys that
    were ignored; ``has_code`` tells that the file names code of its own.
    """

    family: Family
    values: Mapping[str, Any]
    has_code: bool = False
    notes: tuple[str, ...] = field(default=(), compare=False)

    def __getitem__(self, key: str) -> Any:
        return self.values[key]

    @property
    def hidden_size(self) -> int:
        """Dimensions of a hidden state."""
        return int(self["hidden_size"])

    @property
    def num_hidden_layers(self) -> int:
        """Blocks."""
        return int(self["num_hidden_layers"])

    @property
    def vocab_size(self) -> int:
        """Rows of the word embeddings."""
        return int(self["vocab_size"])

    @property
    def pad_token_id(self) -> int | None:
        """The id of the padding token, None without one."""
        number = self["pad_token_id"]
        return None if number is None else int(number)

    @property
    def positions(self) -> int:
        """Tokens of the longest sequence for which there are positions."""
        return int(self["max_position_embeddings"]) - _first_position(self.family, self.values)

    def for_transformers(self) -> dict[str, Any]:
        """The arguments with which ``AutoConfig.for_model`` builds the same encoder."""
        keys = self.family.keys
        values = {name: self[key.name or name] for name, key in keys.items()}
        rotary = {k: self[k] for k in ("rope_parameters",) if k in self.values}
        # Defaults such as ModernBERT's 50281 would lie outside a small vocabulary.
        unused = dict.fromkeys(_UNUSED_TOKENS)
        return {"model_type": self.family.model_type, **unused, **values, **rotary}


def read_config(path: Path, overrides: Mapping[str, Any] = MappingProxyType({})) -> Config:
    """The checked config.json at ``path``; ``overrides`` take precedence over its values."""
    raw = {**read_object(path), **overrides}
    _refuse_code(raw, path)
    family, notes = _family(raw, path)
    if family.model_type == "nomic_bert":
        raw = transformers_keys(raw, path)
    _refuse_other_architectures(raw, family, path)
    for name, key in family.keys.items():
        if key.name in _ALIASES and key.name in overrides:
            raw[name] = overrides[key.name]
    depth, types = overrides.get("num_hidden_layers"), raw.get("layer_types")
    if type(depth) is int and isinstance(types, list):
        raw["layer_types"] = types[:depth]
    values = {key.name or name: _value(raw, name, key, path) for name, key in family.keys.items()}
    if family.model_type == "modernbert":
        values |= read_rotary(raw, values, path)
    if family.model_type == "nomic_bert":
        values |= read_one_rotary(raw, values, path)
    values |= family.fixed
    if values.get("embedding_size", "absent") is None:
        values["embedding_size"] = values["hidden_size"]
    for message in _contradictions(family, values):
        raise EncoderError(f"{path}: {message}")
    return Config(family, MappingProxyType(values), bool(raw.get("auto_map")), notes)


def _refuse_code(raw: Mapping[str, Any], path: Path) -> None:
    for key in _CODE:
        if raw.get(key):
            raise UnsafeModelError(
                f"{path}: has {key!r}; an encoder that needs code of its own or is quantised is "
                "not loaded. Give a plain float checkpoint of a supported family"
            )
    for key in _DECODERS:
        if raw.get(key):
            raise EncoderError(f"{path}: {key} is set; poolwise reads encoders only")
    positions = raw.get("position_embedding_type", "absolute")
    if positions not in ("absolute", None):
        raise EncoderError(
            f"{path}: position_embedding_type is {abridge(positions)}; only 'absolute' exists in "
            "transformers 5"
        )


def _family(raw: Mapping[str, Any], path: Path) -> tuple[Family, tuple[str, ...]]:
    """The family that the file names, and notes on how it was found."""
    model_type, code = raw.get("model_type"), raw.get("auto_map")
    inferred = _family_of_architectures(raw) if model_type is None else None
    family = inferred or (FAMILIES.get(model_type) if isinstance(model_type, str) else None)
    if family is None:
        expected = f"model_type is {abridge(model_type)}, expected one of {', '.join(FAMILIES)}"
        if code:
            raise UnsafeModelError(
                f"{path}: has 'auto_map'; an encoder that needs code of its own is not loaded. Its "
                f"{expected}"
            )
        raise EncoderError(f"{path}: {expected}")
    notes = []
    if inferred:
        notes.append(f"config.json has no model_type: read as {family.name}, by its architectures")
    if code:
        notes.append(
            f"config.json names code of its own (auto_map), left aside: read as {family.name}"
        )
    return family, tuple(notes)


def _family_of_architectures(raw: Mapping[str, Any]) -> Family | None:
    """The family of the classes that an old file lists, if they all belong to one."""
    listed = raw.get("architectures")
    names = [name for name in listed if isinstance(name, str)] if isinstance(listed, list) else []
    known = {family.model_type: family for name in names if (family := family_of(name))}
    return next(iter(known.values())) if len(known) == 1 else None


def _refuse_other_architectures(raw: Mapping[str, Any], family: Family, path: Path) -> None:
    """Raise EncoderError for another architecture under this family's name, known by its keys."""
    for key, (architecture, no_effect) in OTHER_ARCHITECTURES.items():
        value = raw.get(key)
        if value and value != no_effect and key not in family.rotary:
            raise EncoderError(
                f"{path}: {key} is {abridge(value)}, a setting of {architecture}; a {family.name} "
                f"encoder has none, and its vectors would be others"
            )


def _value(raw: Mapping[str, Any], name: str, key: ConfigKey, path: Path) -> Any:
    value = raw.get(name, key.default)
    try:
        return key.constraint.check(value)
    except ValueError as error:
        raise EncoderError(f"{path}: {name} is {abridge(value)}, expected {error}") from error


def _first_position(family: Family, values: Mapping[str, Any]) -> int:
    """The position of the first token: RoBERTa counts from its padding index + 1."""
    padding = family.padding_id(values)
    return 0 if padding is None else padding + 1


def _contradictions(family: Family, c: Mapping[str, Any]) -> Iterator[str]:
    """Messages on values that contradict each other."""
    hidden, heads, pad = c["hidden_size"], c["num_attention_heads"], c["pad_token_id"]
    if hidden % heads:
        yield f"hidden_size {hidden} is not a multiple of num_attention_heads {heads}"
    if pad is not None and pad >= c["vocab_size"]:
        yield f"pad_token_id {pad} is outside the vocabulary of {c['vocab_size']}"
    if family.padding_index == "pad_token_id" and pad is None:
        yield f"pad_token_id is null, but {family.name} counts its positions from it"
    elif _first_position(family, c) >= c["max_position_embeddings"]:
        yield f"max_position_embeddings {c['max_position_embeddings']} leaves no position to use"
    if c.get("num_hidden_groups", 1) > c["num_hidden_layers"]:
        yield f"num_hidden_groups {c['num_hidden_groups']} exceeds num_hidden_layers"
    if family.rotary and (hidden // heads) % 2:
        yield f"a head has {hidden // heads} dimensions; rotary positions need an even number"
    if family.model_type == "deberta-v2":
        yield from _deberta_contradictions(c)


def _deberta_contradictions(c: Mapping[str, Any]) -> Iterator[str]:
    kernel, groups, buckets = c["conv_kernel_size"], c["conv_groups"], c["position_buckets"]
    if kernel and kernel % 2 == 0:
        yield f"conv_kernel_size {kernel} is even; it would change the number of tokens"
    if c["hidden_size"] % groups:
        yield f"hidden_size {c['hidden_size']} is not a multiple of conv_groups {groups}"
    farthest = relative_span({**c, "position_buckets": -1})
    if buckets > 0 and not 2 <= buckets // 2 < farthest - 1:
        yield f"position_buckets {buckets} do not fit {farthest} relative positions"
