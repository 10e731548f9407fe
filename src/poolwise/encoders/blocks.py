"""The weights of a block by role, in families with LayerNorm after attention and feed-forward."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from poolwise.encoders.encoder import Encoder
from poolwise.encoders.families import FAMILIES
from poolwise.errors import EncoderError
from poolwise.records import Floats

Affine = tuple[Floats, Floats]
"""Weight and bias of a linear layer, [out, in] and [out], or gain and bias of a LayerNorm, [d]."""

_BERT = {
    "query": "attention.self.query",
    "key": "attention.self.key",
    "value": "attention.self.value",
    "attention_output": "attention.output.dense",
    "attention_norm": "attention.output.LayerNorm",
    "intermediate": "intermediate.dense",
    "output": "output.dense",
    "output_norm": "output.LayerNorm",
}

_DISTILBERT = {
    "query": "attention.q_lin",
    "key": "attention.k_lin",
    "value": "attention.v_lin",
    "attention_output": "attention.out_lin",
    "attention_norm": "sa_layer_norm",
    "intermediate": "ffn.lin1",
    "output": "ffn.lin2",
    "output_norm": "output_layer_norm",
}

_MPNET = {
    **_BERT,
    "query": "attention.attn.q",
    "key": "attention.attn.k",
    "value": "attention.attn.v",
    "attention_output": "attention.attn.o",
    "attention_norm": "attention.LayerNorm",
}

_ALBERT = {
    "query": "albert_layers.0.attention.query",
    "key": "albert_layers.0.attention.key",
    "value": "albert_layers.0.attention.value",
    "attention_output": "albert_layers.0.attention.dense",
    "attention_norm": "albert_layers.0.attention.LayerNorm",
    "intermediate": "albert_layers.0.ffn",
    "output": "albert_layers.0.ffn_output",
    "output_norm": "albert_layers.0.full_layer_layer_norm",
}

_DEBERTA_V2 = {
    **_BERT,
    "query": "attention.self.query_proj",
    "key": "attention.self.key_proj",
    "value": "attention.self.value_proj",
}

MODULES: Mapping[str, Mapping[str, str]] = {
    "bert": _BERT,
    "roberta": _BERT,
    "xlm-roberta": _BERT,
    "camembert": _BERT,
    "electra": _BERT,
    "distilbert": _DISTILBERT,
    "mpnet": _MPNET,
    "albert": _ALBERT,
    "deberta-v2": _DEBERTA_V2,
}
"""By ``model_type``: the roles of a block's modules, and their paths in the block."""

ROLES = tuple(_BERT)


@dataclass(frozen=True, slots=True, eq=False)
class BlockWeights:
    """The weights of one block, by role, in the order of the forward pass.

    Attention, residual, ``attention_norm``; feed-forward (``intermediate``, ``activation``,
    ``output``), residual, ``output_norm``. ``epsilon`` is that of both LayerNorms.
    """

    query: Affine
    key: Affine
    value: Affine
    attention_output: Affine
    attention_norm: Affine
    intermediate: Affine
    output: Affine
    output_norm: Affine
    heads: int
    activation: str
    epsilon: float


def has_separable_blocks(encoder: Encoder) -> bool:
    """Whether ``block_weights`` supports this encoder."""
    # DeBERTa's convolution adds a term to the first block's output that is not attention's.
    convolution = encoder.config.values.get("conv_kernel_size", 0) > 0
    return encoder.family.model_type in MODULES and not convolution


def block_weights(encoder: Encoder, number: int) -> BlockWeights:
    """The weights of the block whose output is hidden state ``number``, from 1 to ``depth``.

    Raises EncoderError for encoders whose blocks are not attention, LayerNorm, feed-forward,
    LayerNorm; IndexError for a number outside that range.
    """
    if not has_separable_blocks(encoder):
        raise EncoderError(
            f"{encoder.name}: the blocks of {encoder.family.name} are not attention, LayerNorm, "
            "feed-forward, LayerNorm, each with its residual, so what [CLS] takes from a token "
            f"cannot be told apart; expected one of {_families()}"
        )
    if not 1 <= number <= encoder.depth:
        raise IndexError(f"block {number} of {encoder.depth}")
    config, tensors = encoder.config, encoder.tensors
    path = f"{encoder.family.blocks}.{encoder.family.group(config.values, number - 1)}"
    modules = MODULES[encoder.family.model_type]
    pairs: dict[str, Affine] = {
        role: (tensors[f"{path}.{module}.weight"], tensors[f"{path}.{module}.bias"])
        for role, module in modules.items()
    }
    return BlockWeights(
        **pairs,
        heads=config["num_attention_heads"],
        activation=config["hidden_act"],
        epsilon=config["layer_norm_eps"],
    )


def _families() -> str:
    names = [FAMILIES[model_type].name for model_type in MODULES]
    return f"{', '.join(names)} (without convolution)"
