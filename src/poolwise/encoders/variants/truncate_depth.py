"""The encoder without the blocks that nobody reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, TypeVar

from poolwise.encoders import Encoder

AnyEncoder = TypeVar("AnyEncoder", bound=Encoder)


def fewest_blocks(encoder: Encoder, deepest: int) -> int:
    """How many blocks must stay for hidden states 0 … ``deepest`` to be what they were.

    As many as are read, but for three: one stays in any case, since not every family runs without;
    below a final norm the last block's output is no hidden state, so one more stays; and where
    blocks share weights in groups (ALBERT), their number says which block takes which group.
    """
    for blocks in range(max(deepest, 1), encoder.depth):
        normed = bool(encoder.family.final_norm) and blocks == deepest
        if not normed and _keeps_groups(encoder, blocks):
            return blocks
    return encoder.depth


def truncate_depth(encoder: AnyEncoder, blocks: int) -> AnyEncoder:
    """The same encoder with its first ``blocks`` blocks; the tensors are shared.

    The pooler stays only if every block does: it reads the last one's output.
    """
    values = _values(encoder, blocks)
    pooler = encoder.has_pooler and blocks == encoder.depth
    names = encoder.family.shapes(values, pooler=pooler)
    return replace(
        encoder,
        config=replace(encoder.config, values=MappingProxyType(values)),
        tensors=MappingProxyType({name: encoder.tensors[name] for name in names}),
        declared=None,
    )


def _values(encoder: Encoder, blocks: int) -> dict[str, Any]:
    values = {**encoder.config.values, "num_hidden_layers": blocks}
    if values.get("num_hidden_groups"):
        values["num_hidden_groups"] = _group(encoder, blocks - 1) + 1
    if values.get("layer_types"):
        values["layer_types"] = values["layer_types"][:blocks]
    return values


def _keeps_groups(encoder: Encoder, blocks: int) -> bool:
    values: Mapping[str, Any] = _values(encoder, blocks)
    family = encoder.family
    return all(family.group(values, i) == _group(encoder, i) for i in range(blocks))


def _group(encoder: Encoder, block: int) -> int:
    return encoder.family.group(encoder.config.values, block)
