"""An encoder's tensors as the C++ core takes them: a row of a table for each family."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from poolwise.encoders import Encoder
from poolwise.engines.native_weights.families import FAMILIES
from poolwise.engines.native_weights.modules import Affine, affine, block_arrays
from poolwise.records import Precision

if TYPE_CHECKING:
    from poolwise import _native

ACTIVATIONS: Mapping[str, str] = {
    "gelu": "gelu",
    "gelu_python": "gelu",
    "gelu_new": "gelu_tanh",
    "gelu_fast": "gelu_tanh",
    "gelu_pytorch_tanh": "gelu_tanh",
    "relu": "relu",
    "silu": "silu",
    "swish": "silu",
}
"""``hidden_act`` to the core's name for it."""


def native_encoder(encoder: Encoder, level: str, precision: Precision) -> _native.Encoder:
    """The encoder's weights, repacked for one set of instructions and one precision."""
    from poolwise import _native  # noqa: PLC0415 - the extension may be missing

    config, tensors = encoder.config, encoder.tensors
    family = FAMILIES[encoder.family.model_type]
    positions = family.positions(encoder)
    types = tensors.get("embeddings.token_type_embeddings.weight")
    heads = config["num_attention_heads"]
    order = [encoder.family.group(config.values, block) for block in range(encoder.depth)]
    return _native.Encoder(
        level=level,
        precision=precision,
        width=encoder.width,
        heads=heads,
        key_value_heads=heads,
        head_width=encoder.width // heads,
        inner=config["intermediate_size"],
        epsilon=config["layer_norm_eps"],
        attention_scale=positions.scale or (encoder.width // heads) ** -0.5,
        activation=ACTIVATIONS[config["hidden_act"]],
        normalization="layer",
        words=encoder.word_embeddings,
        positions=tensors.get("embeddings.position_embeddings.weight"),
        type=None if types is None else types[0],
        norm=_optional(encoder, family.embedding_norm),
        projection=_optional(encoder, family.projection),
        projected_norm=_optional(encoder, family.projected_norm),
        rotary=positions.rotary,
        blocks=[
            (*block_arrays(encoder, family.modules, number), *positions.of_block(number))
            for number in range(max(order, default=-1) + 1)
        ],
        order=order,
        final_norm=_optional(encoder, encoder.family.final_norm),
        pooler=_optional(encoder, encoder.family.pooler) if encoder.has_pooler else None,
        relative=positions.relative,
        distance_rows=positions.distance_rows,
    )


def _optional(encoder: Encoder, module: str) -> Affine | None:
    """The weights of a module that not every encoder of the family has."""
    return affine(encoder, module) if f"{module}.weight" in encoder.tensors else None
