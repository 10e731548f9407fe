"""An encoder without its last blocks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, TypeVar

from poolwise.encoders.encoder import Encoder

AnyEncoder = TypeVar("AnyEncoder", bound=Encoder)


def fewest_blocks(encoder: Encoder, deepest: int) -> int:
    """The fewest blocks with which hidden states 0 … ``deepest`` are unchanged.

    That is ``deepest``, with three exceptions. There is at least one block, since not every family
    runs without. With a final norm, the last hidden state is its output, so one more block is
    needed. Where blocks share weights in groups (ALBERT), their number determines the groups.
    """
    for blocks in range(max(deepest, 1), encoder.depth):
        normalised = bool(encoder.family.final_norm) and blocks == deepest
        if not normalised and _keeps_groups(encoder, blocks):
            return blocks
    return encoder.depth


def truncate_depth(encoder: AnyEncoder, blocks: int) -> AnyEncoder:
    """``encoder`` with its first ``blocks`` blocks; the tensors are shared.

    The pooler reads the last block's output, and so is kept only if all blocks are.
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
