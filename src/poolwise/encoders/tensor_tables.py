"""Names and shapes of each family's tensors, as in the state dict of transformers' ``AutoModel``.

A table is a list of sections ``(condition, rows)``. The rows apply when the condition names a fact
(see ``facts``) that is true of the config; "" always applies. A row is ``module: "kind sizes"``,
where ``{i}`` stands for every block's number (for ALBERT: every group's) and ``{j}`` for every
block's but the first. The sizes are facts too:

    V vocabulary   H hidden   E embedding   I intermediate   P positions   T token types   N heads
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Values = Mapping[str, Any]
Shape = tuple[int, ...]
Section = tuple[str, Mapping[str, str]]

KINDS = {
    "embedding": ("weight",),
    "matrix": ("weight",),
    "gain": ("weight",),
    "bias": ("bias",),
    "linear": ("weight", "bias"),
    "norm": ("weight", "bias"),
}

_BERT_EMBEDDINGS = {
    "embeddings.word_embeddings": "embedding V E",
    "embeddings.position_embeddings": "embedding P E",
    "embeddings.token_type_embeddings": "embedding T E",
    "embeddings.LayerNorm": "norm E",
}

_BERT_BLOCKS = {
    "encoder.layer.{i}.attention.self.query": "linear H H",
    "encoder.layer.{i}.attention.self.key": "linear H H",
    "encoder.layer.{i}.attention.self.value": "linear H H",
    "encoder.layer.{i}.attention.output.dense": "linear H H",
    "encoder.layer.{i}.attention.output.LayerNorm": "norm H",
    "encoder.layer.{i}.intermediate.dense": "linear I H",
    "encoder.layer.{i}.output.dense": "linear H I",
    "encoder.layer.{i}.output.LayerNorm": "norm H",
}

BERT: tuple[Section, ...] = (
    ("", _BERT_EMBEDDINGS),
    ("", _BERT_BLOCKS),
    ("pooler", {"pooler.dense": "linear H H"}),
)

ELECTRA: tuple[Section, ...] = (
    ("", _BERT_EMBEDDINGS),
    ("projected", {"embeddings_project": "linear H E"}),
    ("", _BERT_BLOCKS),
)

DISTILBERT: tuple[Section, ...] = (
    (
        "",
        {
            "embeddings.word_embeddings": "embedding V H",
            "embeddings.position_embeddings": "embedding P H",
            "embeddings.LayerNorm": "norm H",
            "transformer.layer.{i}.attention.q_lin": "linear H H",
            "transformer.layer.{i}.attention.k_lin": "linear H H",
            "transformer.layer.{i}.attention.v_lin": "linear H H",
            "transformer.layer.{i}.attention.out_lin": "linear H H",
            "transformer.layer.{i}.sa_layer_norm": "norm H",
            "transformer.layer.{i}.ffn.lin1": "linear I H",
            "transformer.layer.{i}.ffn.lin2": "linear H I",
            "transformer.layer.{i}.output_layer_norm": "norm H",
        },
    ),
)

MPNET: tuple[Section, ...] = (
    (
        "",
        {
            "embeddings.word_embeddings": "embedding V H",
            "embeddings.position_embeddings": "embedding P H",
            "embeddings.LayerNorm": "norm H",
            "encoder.relative_attention_bias": "embedding buckets N",
            "encoder.layer.{i}.attention.attn.q": "linear H H",
            "encoder.layer.{i}.attention.attn.k": "linear H H",
            "encoder.layer.{i}.attention.attn.v": "linear H H",
            "encoder.layer.{i}.attention.attn.o": "linear H H",
            "encoder.layer.{i}.attention.LayerNorm": "norm H",
            "encoder.layer.{i}.intermediate.dense": "linear I H",
            "encoder.layer.{i}.output.dense": "linear H I",
            "encoder.layer.{i}.output.LayerNorm": "norm H",
        },
    ),
    ("pooler", {"pooler.dense": "linear H H"}),
)

_ALBERT_GROUP = "encoder.albert_layer_groups.{i}.albert_layers.0"

ALBERT: tuple[Section, ...] = (
    ("", _BERT_EMBEDDINGS),
    (
        "",
        {
            "encoder.embedding_hidden_mapping_in": "linear H E",
            f"{_ALBERT_GROUP}.attention.query": "linear H H",
            f"{_ALBERT_GROUP}.attention.key": "linear H H",
            f"{_ALBERT_GROUP}.attention.value": "linear H H",
            f"{_ALBERT_GROUP}.attention.dense": "linear H H",
            f"{_ALBERT_GROUP}.attention.LayerNorm": "norm H",
            f"{_ALBERT_GROUP}.ffn": "linear I H",
            f"{_ALBERT_GROUP}.ffn_output": "linear H I",
            f"{_ALBERT_GROUP}.full_layer_layer_norm": "norm H",
        },
    ),
    ("pooler", {"pooler": "linear H H"}),
)

DEBERTA_V2: tuple[Section, ...] = (
    ("", {"embeddings.word_embeddings": "embedding V E", "embeddings.LayerNorm": "norm H"}),
    ("position_biased_input", {"embeddings.position_embeddings": "embedding P E"}),
    ("T", {"embeddings.token_type_embeddings": "embedding T E"}),
    ("projected", {"embeddings.embed_proj": "matrix H E"}),
    (
        "",
        {
            "encoder.layer.{i}.attention.self.query_proj": "linear H H",
            "encoder.layer.{i}.attention.self.key_proj": "linear H H",
            "encoder.layer.{i}.attention.self.value_proj": "linear H H",
            "encoder.layer.{i}.attention.output.dense": "linear H H",
            "encoder.layer.{i}.attention.output.LayerNorm": "norm H",
            "encoder.layer.{i}.intermediate.dense": "linear I H",
            "encoder.layer.{i}.output.dense": "linear H I",
            "encoder.layer.{i}.output.LayerNorm": "norm H",
        },
    ),
    ("c2p", {"encoder.layer.{i}.attention.self.pos_key_proj": "linear H H"}),
    ("p2c", {"encoder.layer.{i}.attention.self.pos_query_proj": "linear H H"}),
    ("relative_attention", {"encoder.rel_embeddings": "embedding distances H"}),
    ("relative_norm", {"encoder.LayerNorm": "norm H"}),
    (
        "conv_kernel_size",
        {
            "encoder.conv.conv": "linear H H/groups conv_kernel_size",
            "encoder.conv.LayerNorm": "norm H",
        },
    ),
)

MODERNBERT: tuple[Section, ...] = (
    (
        "",
        {
            "embeddings.tok_embeddings": "embedding V H",
            "embeddings.norm": "gain H",
            "layers.{j}.attn_norm": "gain H",
            "layers.{i}.attn.Wqkv": "matrix 3H H",
            "layers.{i}.attn.Wo": "matrix H H",
            "layers.{i}.mlp_norm": "gain H",
            "layers.{i}.mlp.Wi": "matrix 2I H",
            "layers.{i}.mlp.Wo": "matrix H I",
            "final_norm": "gain H",
        },
    ),
    (
        "norm_bias",
        {
            "embeddings.norm": "bias H",
            "layers.{j}.attn_norm": "bias H",
            "layers.{i}.mlp_norm": "bias H",
            "final_norm": "bias H",
        },
    ),
    ("attention_bias", {"layers.{i}.attn.Wqkv": "bias 3H", "layers.{i}.attn.Wo": "bias H"}),
    ("mlp_bias", {"layers.{i}.mlp.Wi": "bias 2I", "layers.{i}.mlp.Wo": "bias H"}),
)

NOMIC_BERT: tuple[Section, ...] = (
    (
        "",
        {
            "embeddings.word_embeddings": "embedding V H",
            "embeddings.token_type_embeddings": "embedding T H",
            "embeddings.LayerNorm": "norm H",
            "layers.{i}.self_attn.q_proj": "matrix H H",
            "layers.{i}.self_attn.k_proj": "matrix H H",
            "layers.{i}.self_attn.v_proj": "matrix H H",
            "layers.{i}.self_attn.o_proj": "matrix H H",
            "layers.{i}.post_attention_layernorm": "norm H",
            "layers.{i}.mlp.gate_proj": "matrix I H",
            "layers.{i}.mlp.up_proj": "matrix I H",
            "layers.{i}.mlp.down_proj": "matrix H I",
            "layers.{i}.post_mlp_layernorm": "norm H",
        },
    ),
)


def facts(config: Values) -> dict[str, int]:
    """The sizes and conditions that the tables name; a condition of 0 is false."""
    hidden, inner = config["hidden_size"], config["intermediate_size"]
    embedding = config.get("embedding_size", hidden)
    own_position_keys = config.get("relative_attention") and not config["share_att_key"]
    position_terms = config.get("pos_att_type", ()) if own_position_keys else ()
    return {
        "V": config["vocab_size"],
        "H": hidden,
        "3H": 3 * hidden,
        "E": embedding,
        "I": inner,
        "2I": 2 * inner,
        "P": config["max_position_embeddings"],
        "T": config.get("type_vocab_size", 0),
        "N": config["num_attention_heads"],
        "buckets": config.get("relative_attention_num_buckets", 0),
        "distances": 2 * relative_span(config),
        "H/groups": hidden // config.get("conv_groups", 1),
        "conv_kernel_size": config.get("conv_kernel_size", 0),
        "projected": embedding != hidden,
        "position_biased_input": config.get("position_biased_input", False),
        "relative_attention": config.get("relative_attention", False),
        "relative_norm": config.get("norm_rel_ebd") == "layer_norm",
        "c2p": "c2p" in position_terms,
        "p2c": "p2c" in position_terms,
        "norm_bias": config.get("norm_bias", False),
        "attention_bias": config.get("attention_bias", False),
        "mlp_bias": config.get("mlp_bias", False),
    }


def relative_span(config: Values) -> int:
    """DeBERTa's number of relative distances to each side."""
    if config.get("position_buckets", -1) > 0:
        return int(config["position_buckets"])
    farthest = config.get("max_relative_positions", -1)
    return int(farthest if farthest > 0 else config["max_position_embeddings"])


def expand(
    table: tuple[Section, ...], config: Values, blocks: int, *, pooler: bool
) -> Iterator[tuple[str, Shape]]:
    """Every tensor of a table with its shape."""
    known = facts(config) | {"pooler": pooler}
    for condition, rows in table:
        if condition and not known[condition]:
            continue
        for module, row in rows.items():
            kind, *sizes = row.split()
            shape = tuple(known[size] for size in sizes)
            for name in _numbered(module, blocks):
                for parameter in KINDS[kind]:
                    full = parameter == "weight" or kind == "bias"
                    yield f"{name}.{parameter}", shape if full else shape[:1]


def _numbered(module: str, blocks: int) -> Iterator[str]:
    if "{" not in module:
        yield module
        return
    for number in range(1 if "{j}" in module else 0, blocks):
        yield module.format(i=number, j=number)
