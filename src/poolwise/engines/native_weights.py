"""An encoder's tensors as the C++ core takes them, by family."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from poolwise.encoders import Encoder
from poolwise.encoders.blocks import Affine, block_weights
from poolwise.records import Floats, Precision

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

FAMILIES = frozenset(
    ("bert", "roberta", "xlm-roberta", "camembert", "electra", "distilbert", "mpnet")
)
"""The ``model_type`` of every family that the core runs."""

MPNET_BUCKETS = 32
MPNET_MAX_DISTANCE = 128
"""Hard-coded in transformers, whatever a config says: it reads the first 32 rows of the bias, and
tokens farther away all share the last bucket."""


def native_encoder(encoder: Encoder, level: str, precision: Precision) -> _native.Encoder:
    """The encoder's weights, repacked for one set of instructions and one precision."""
    from poolwise import _native  # noqa: PLC0415 - the extension may be missing

    config, tensors = encoder.config, encoder.tensors
    types = tensors.get("embeddings.token_type_embeddings.weight")
    narrow = "embeddings_project.weight" in tensors
    buckets = tensors.get("encoder.relative_attention_bias.weight")
    blocks = [block_weights(encoder, number) for number in range(1, encoder.depth + 1)]
    return _native.Encoder(
        level=level,
        precision=precision,
        width=encoder.width,
        heads=config["num_attention_heads"],
        inner=config["intermediate_size"],
        epsilon=config["layer_norm_eps"],
        activation=ACTIVATIONS[config["hidden_act"]],
        words=encoder.word_embeddings,
        positions=tensors["embeddings.position_embeddings.weight"],
        type=None if types is None else types[0],
        norm=_pair(encoder, "embeddings.LayerNorm"),
        projection=_pair(encoder, "embeddings_project") if narrow else None,
        blocks=[weights.pairs for weights in blocks],
        pooler=_pair(encoder, encoder.family.pooler) if encoder.has_pooler else None,
        relative=None
        if buckets is None
        else np.ascontiguousarray(relative_bias(buckets, config.positions)),
    )


def _pair(encoder: Encoder, module: str) -> Affine:
    return encoder.tensors[f"{module}.weight"], encoder.tensors[f"{module}.bias"]


def relative_bias(buckets: Floats, longest: int) -> Floats:
    """MPNet's attention bias by distance (key minus query), float32 [heads, 2 * longest - 1].

    ``buckets`` is float32 [32 or more, heads], of which 32 rows are used: half for keys before the
    query, half for keys after it; in each half one for every small distance, then logarithmically
    wider ones, as T5's (Raffel et al. 2020, section 2.1). In float32, as transformers computes the
    boundaries.
    """
    half = MPNET_BUCKETS // 2
    exact = half // 2
    distance = np.arange(1 - longest, longest)
    away = np.abs(distance)
    # In float32 and step by step, so that no distance falls on the other side of a boundary.
    far = np.log(np.maximum(away, 1).astype(np.float32) / np.float32(exact), dtype=np.float32)
    span = np.float32(np.log(MPNET_MAX_DISTANCE / exact))
    wider = exact + (far / span * np.float32(half - exact)).astype(np.int64)
    bucket = np.where(away < exact, away, np.minimum(wider, half - 1))
    table: Floats = buckets[bucket + half * (distance > 0)].T
    return table
