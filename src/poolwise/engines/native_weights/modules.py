"""Where each family's blocks keep the weights that the core knows by role."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from poolwise.encoders import Encoder
from poolwise.records import Floats

Affine = tuple[Floats, Floats | None]
"""Weight [out, in] and bias [out] of a linear layer, or gain and bias [d] of a norm; the bias is
None where the family has none."""


@dataclass(frozen=True, slots=True)
class Part:
    """One of the ``parts`` equal parts into which a module's output is divided."""

    module: str
    part: int
    parts: int


Modules = Mapping[str, str | Part]
"""By role, a block's linear layers (query, key, value, attention_output, intermediate, output and,
multiplied with the activated intermediate, gate) and its norms: those whose role ends in ``_norm``,
before attention and feed-forward (attention_input_norm, feed_forward_input_norm) or after their
residual (attention_norm, output_norm). Where each is: a path in the block, or a part of a layer."""

MODERNBERT: Modules = {
    "attention_input_norm": "attn_norm",  # not in the first block
    "query": Part("attn.Wqkv", 0, 3),
    "key": Part("attn.Wqkv", 1, 3),
    "value": Part("attn.Wqkv", 2, 3),
    "attention_output": "attn.Wo",
    "feed_forward_input_norm": "mlp_norm",
    "intermediate": Part("mlp.Wi", 0, 2),
    "gate": Part("mlp.Wi", 1, 2),
    "output": "mlp.Wo",
}

NOMIC_BERT: Modules = {
    "query": "self_attn.q_proj",
    "key": "self_attn.k_proj",
    "value": "self_attn.v_proj",
    "attention_output": "self_attn.o_proj",
    "attention_norm": "post_attention_layernorm",
    "intermediate": "mlp.gate_proj",
    "gate": "mlp.up_proj",
    "output": "mlp.down_proj",
    "output_norm": "post_mlp_layernorm",
}


def block_arrays(
    encoder: Encoder, modules: Modules, number: int
) -> tuple[dict[str, Affine], dict[str, Affine]]:
    """The linear layers and the norms, by role, of the block at index ``number`` in the family's
    module list; without norms that this block does not have."""
    path = f"{encoder.family.blocks}.{number}"
    linear, norms = {}, {}
    for role, module in modules.items():
        if not role.endswith("_norm"):
            linear[role] = affine(encoder, module, f"{path}.")
        elif f"{path}.{module}.weight" in encoder.tensors:
            norms[role] = affine(encoder, module, f"{path}.")
    return linear, norms


def affine(encoder: Encoder, module: str | Part, prefix: str = "") -> Affine:
    """The weight and bias of a module, or of a part of its outputs."""
    if isinstance(module, str):
        module = Part(module, 0, 1)
    name = f"{prefix}{module.module}"
    weight, bias = encoder.tensors[f"{name}.weight"], encoder.tensors.get(f"{name}.bias")
    size = len(weight) // module.parts
    rows = slice(module.part * size, (module.part + 1) * size)
    return weight[rows], None if bias is None else bias[rows]
