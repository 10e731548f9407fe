"""The families that the core runs: a row each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from poolwise.encoders import Encoder
from poolwise.encoders.blocks import MODULES
from poolwise.engines.native_weights.disentangled import deberta_positions
from poolwise.engines.native_weights.modules import MODERNBERT, NOMIC_BERT, Modules
from poolwise.engines.native_weights.positions import (
    AttentionPositions,
    modernbert_positions,
    mpnet_positions,
    nomic_bert_positions,
)


@dataclass(frozen=True)
class NativeFamily:
    """What the core must know of a family besides its configuration.

    ``modules`` are a block's weights by role, ``positions`` gives what attention knows of
    positions; ``embedding_norm``, ``projection`` and ``projected_norm``, behind it, are paths of
    modules, which an encoder may lack.
    """

    modules: Modules
    positions: Callable[[Encoder], AttentionPositions] = lambda _: AttentionPositions()
    embedding_norm: str = "embeddings.LayerNorm"
    projection: str = "embeddings_project"
    projected_norm: str = ""


FAMILIES: Mapping[str, NativeFamily] = {
    **{model_type: NativeFamily(modules) for model_type, modules in MODULES.items()},
    "mpnet": NativeFamily(MODULES["mpnet"], mpnet_positions),
    "nomic_bert": NativeFamily(NOMIC_BERT, nomic_bert_positions),
    "albert": NativeFamily(MODULES["albert"], projection="encoder.embedding_hidden_mapping_in"),
    "deberta-v2": NativeFamily(
        MODULES["deberta-v2"],
        deberta_positions,
        embedding_norm="",
        projection="embeddings.embed_proj",
        projected_norm="embeddings.LayerNorm",
    ),
    "modernbert": NativeFamily(MODERNBERT, modernbert_positions, embedding_norm="embeddings.norm"),
}
"""By ``model_type``."""
