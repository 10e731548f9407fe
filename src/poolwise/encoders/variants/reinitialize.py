"""Untrained encoders: an architecture with the weights that training begins with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import sqrt
from types import MappingProxyType
from typing import TypeVar

import numpy as np

from poolwise.encoders.encoder import Encoder
from poolwise.encoders.tensor_tables import Shape
from poolwise.errors import EncoderError
from poolwise.records import Floats

AnyEncoder = TypeVar("AnyEncoder", bound=Encoder)

INITIALIZER_RANGE = 0.02
"""Standard deviation of untrained weights: the default of every family's transformers config."""

MODERNBERT_CUTOFF = 2.0
"""ModernBERT truncates its normal distribution at this many standard deviations."""


def reinitialize(encoder: AnyEncoder, seed: int) -> AnyEncoder:
    """The same architecture and tokenizer with random weights, as transformers initialises them.

    Normal weights, biases 0, gains 1, rows of padding 0: ``_init_weights`` of the family's model
    class in transformers 5. It declares no readout. The scores of such an encoder are due to the
    tokens and the architecture alone.
    """
    tensors = _initial(encoder, {name: t.shape for name, t in encoder.tensors.items()}, seed)
    return replace(
        encoder,
        name=f"{encoder.name} (re-initialised)",
        tensors=MappingProxyType(tensors),
        declared=None,
    )


def with_random_pooler(encoder: AnyEncoder, seed: int) -> AnyEncoder:
    """The same encoder with an untrained pooler.

    Raises EncoderError where the checkpoint has no pooler.
    """
    if not encoder.has_pooler:
        raise EncoderError(
            f"{encoder.name} has no pooler, so there is none to re-initialise; only an encoder "
            "whose checkpoint holds a pooler can have a random one for comparison"
        )
    names = (f"{encoder.family.pooler}.{name}" for name in ("weight", "bias"))
    pooler = _initial(encoder, {name: encoder.tensors[name].shape for name in names}, seed)
    return replace(
        encoder,
        name=f"{encoder.name} (random pooler)",
        tensors=MappingProxyType({**encoder.tensors, **pooler}),
    )


def _initial(encoder: Encoder, shapes: Mapping[str, Shape], seed: int) -> dict[str, Floats]:
    rng = np.random.default_rng(seed)
    rows = _padding_rows(encoder)
    tensors = {name: _tensor(encoder, name, shape, rng) for name, shape in shapes.items()}
    for name, tensor in tensors.items():
        if (row := rows.get(name)) is not None:
            tensor[row] = 0
        tensor.setflags(write=False)
    return tensors


def _tensor(encoder: Encoder, name: str, shape: Shape, rng: np.random.Generator) -> Floats:
    if name.endswith(".bias"):
        return np.zeros(shape, np.float32)
    if len(shape) == 1:
        return np.ones(shape, np.float32)
    values = rng.standard_normal(shape, np.float32)
    scale = INITIALIZER_RANGE
    if encoder.family.model_type == "modernbert":
        while (outside := np.abs(values) > MODERNBERT_CUTOFF).any():
            values[outside] = rng.standard_normal(int(outside.sum()), np.float32)
        if name.endswith(".Wo.weight"):
            scale /= sqrt(2 * encoder.depth)
    values *= np.float32(scale)
    return values


def _padding_rows(encoder: Encoder) -> dict[str, int | None]:
    """The row of the padding token in each embedding; ModernBERT's is random like all rows."""
    position = encoder.family.padding_id(encoder.config.values)
    return {
        "embeddings.word_embeddings.weight": (
            encoder.config.pad_token_id if position is None else position
        ),
        "embeddings.position_embeddings.weight": position,
    }
