"""The keys of config.json that are read: their ranges and defaults, by family.

All other keys are ignored and never passed on. The defaults are those of transformers' config
classes (the tests compare them).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Constraint:
    """The values that a key may have. ``expected`` describes them in error messages."""

    expected: str
    accepts: Callable[[Any], bool]
    cast: Callable[[Any], Any] = lambda value: value

    def check(self, value: Any) -> Any:
        """``value``, cast. Raises ValueError for a value that is not accepted."""
        if not self.accepts(value):
            raise ValueError(self.expected)
        return self.cast(value)


@dataclass(frozen=True, slots=True)
class ConfigKey:
    """A key: its default, its constraint and its name in ``Config`` (BERT's), if another."""

    default: Any
    constraint: Constraint
    name: str = ""


def integer(low: int, high: int) -> Constraint:
    """A whole number within bounds; true and false are not numbers."""
    return Constraint(
        f"a whole number from {low:,} to {high:,}",
        lambda value: type(value) is int and low <= value <= high,
    )


def choice(*names: str) -> Constraint:
    """One of these strings."""
    return Constraint(f"one of {', '.join(names)}", lambda value: value in names)


def optional(constraint: Constraint) -> Constraint:
    """A constraint that accepts null too."""
    return Constraint(
        f"{constraint.expected}, or null",
        lambda value: value is None or constraint.accepts(value),
        lambda value: None if value is None else constraint.cast(value),
    )


def positive(high: float) -> Constraint:
    """A number above zero."""
    return Constraint(
        f"a number above 0, at most {high:g}",
        lambda value: type(value) in (int, float) and 0 < value <= high,
        float,
    )


MAX_BLOCKS = 256
VOCABULARY = integer(1, 10_000_000)
SIZE = integer(1, 65_536)
BLOCKS = integer(1, MAX_BLOCKS)
POSITIONS = integer(1, 1_048_576)
TYPES = integer(1, 1024)
TOKEN = optional(integer(0, 10_000_000))
EPSILON = positive(1.0)
THETA = positive(1e12)
FLAG = Constraint("true or false", lambda value: type(value) is bool)
ACTIVATION = choice(
    "gelu",
    "gelu_new",
    "gelu_fast",
    "gelu_python",
    "gelu_pytorch_tanh",
    "quick_gelu",
    "relu",
    "silu",
    "swish",
    "tanh",
)

POSITION_ATTENTION = ("c2p", "p2c")


def _terms(value: Any) -> list[str]:
    """DeBERTa writes ["p2c", "c2p"] or "p2c|c2p"."""
    if value is None:
        return []
    listed = value.lower().split("|") if isinstance(value, str) else value
    return [term.strip() if isinstance(term, str) else "?" for term in listed]


POSITION_TERMS = Constraint(
    'a list of "c2p" and "p2c", or null',
    lambda value: (
        isinstance(value, (str, list, type(None)))
        and len(value or "") <= 16
        and set(_terms(value)) <= set(POSITION_ATTENTION)
    ),
    _terms,
)

LAYER_TYPES = Constraint(
    'a list of "full_attention" and "sliding_attention", or null',
    lambda value: (
        value is None
        or (
            isinstance(value, list)
            and len(value) <= MAX_BLOCKS
            and all(item in ("full_attention", "sliding_attention") for item in value)
        )
    ),
)

ConfigKeys = Mapping[str, ConfigKey]

BERT: ConfigKeys = {
    "vocab_size": ConfigKey(30522, VOCABULARY),
    "hidden_size": ConfigKey(768, SIZE),
    "num_hidden_layers": ConfigKey(12, BLOCKS),
    "num_attention_heads": ConfigKey(12, SIZE),
    "intermediate_size": ConfigKey(3072, SIZE),
    "hidden_act": ConfigKey("gelu", ACTIVATION),
    "max_position_embeddings": ConfigKey(512, POSITIONS),
    "type_vocab_size": ConfigKey(2, TYPES),
    "layer_norm_eps": ConfigKey(1e-12, EPSILON),
    "pad_token_id": ConfigKey(0, TOKEN),
}

XLM_ROBERTA: ConfigKeys = {**BERT, "pad_token_id": ConfigKey(1, TOKEN)}

ROBERTA: ConfigKeys = {**XLM_ROBERTA, "vocab_size": ConfigKey(50265, VOCABULARY)}

DISTILBERT: ConfigKeys = {
    "vocab_size": ConfigKey(30522, VOCABULARY),
    "dim": ConfigKey(768, SIZE, "hidden_size"),
    "n_layers": ConfigKey(6, BLOCKS, "num_hidden_layers"),
    "n_heads": ConfigKey(12, SIZE, "num_attention_heads"),
    "hidden_dim": ConfigKey(3072, SIZE, "intermediate_size"),
    "activation": ConfigKey("gelu", ACTIVATION, "hidden_act"),
    "max_position_embeddings": ConfigKey(512, POSITIONS),
    "pad_token_id": ConfigKey(0, TOKEN),
}

ELECTRA: ConfigKeys = {
    **BERT,
    "embedding_size": ConfigKey(128, SIZE),
    "hidden_size": ConfigKey(256, SIZE),
    "num_attention_heads": ConfigKey(4, SIZE),
    "intermediate_size": ConfigKey(1024, SIZE),
}

MPNET: ConfigKeys = {
    **{name: key for name, key in BERT.items() if name != "type_vocab_size"},
    "vocab_size": ConfigKey(30527, VOCABULARY),
    "relative_attention_num_buckets": ConfigKey(32, integer(32, 4096)),
    "pad_token_id": ConfigKey(1, TOKEN),
}

ALBERT: ConfigKeys = {
    **BERT,
    "vocab_size": ConfigKey(30000, VOCABULARY),
    "embedding_size": ConfigKey(128, SIZE),
    "hidden_size": ConfigKey(4096, SIZE),
    "num_hidden_groups": ConfigKey(1, BLOCKS),
    "inner_group_num": ConfigKey(1, integer(1, 1)),
    "num_attention_heads": ConfigKey(64, SIZE),
    "intermediate_size": ConfigKey(16384, SIZE),
    "hidden_act": ConfigKey("gelu_new", ACTIVATION),
}

DEBERTA_V2: ConfigKeys = {
    "vocab_size": ConfigKey(128100, VOCABULARY),
    "embedding_size": ConfigKey(None, optional(SIZE)),
    "hidden_size": ConfigKey(1536, SIZE),
    "num_hidden_layers": ConfigKey(24, BLOCKS),
    "num_attention_heads": ConfigKey(24, SIZE),
    "intermediate_size": ConfigKey(6144, SIZE),
    "hidden_act": ConfigKey("gelu", ACTIVATION),
    "max_position_embeddings": ConfigKey(512, POSITIONS),
    "type_vocab_size": ConfigKey(0, integer(0, 1024)),
    "layer_norm_eps": ConfigKey(1e-7, EPSILON),
    "pad_token_id": ConfigKey(0, TOKEN),
    "relative_attention": ConfigKey(False, FLAG),
    "max_relative_positions": ConfigKey(-1, integer(-1, 1_048_576)),
    "position_buckets": ConfigKey(-1, integer(-1, 65_536)),
    "position_biased_input": ConfigKey(True, FLAG),
    "pos_att_type": ConfigKey(None, POSITION_TERMS),
    "share_att_key": ConfigKey(False, FLAG),
    "norm_rel_ebd": ConfigKey("none", choice("none", "layer_norm")),
    "conv_kernel_size": ConfigKey(0, integer(0, 15)),
    "conv_groups": ConfigKey(1, SIZE),
    "conv_act": ConfigKey("tanh", ACTIVATION),
}

MODERNBERT: ConfigKeys = {
    "vocab_size": ConfigKey(50368, VOCABULARY),
    "hidden_size": ConfigKey(768, SIZE),
    "num_hidden_layers": ConfigKey(22, BLOCKS),
    "num_attention_heads": ConfigKey(12, SIZE),
    "intermediate_size": ConfigKey(1152, SIZE),
    "hidden_activation": ConfigKey("gelu", ACTIVATION, "hidden_act"),
    "max_position_embeddings": ConfigKey(8192, POSITIONS),
    "norm_eps": ConfigKey(1e-5, EPSILON, "layer_norm_eps"),
    "norm_bias": ConfigKey(False, FLAG),
    "attention_bias": ConfigKey(False, FLAG),
    "mlp_bias": ConfigKey(False, FLAG),
    "local_attention": ConfigKey(128, integer(1, 1_048_576)),
    "layer_types": ConfigKey(None, LAYER_TYPES),
    "pad_token_id": ConfigKey(50283, TOKEN),
}

NOMIC_BERT: ConfigKeys = {
    **BERT,
    "vocab_size": ConfigKey(30528, VOCABULARY),
    "hidden_act": ConfigKey("silu", ACTIVATION),
    "max_position_embeddings": ConfigKey(2048, POSITIONS),
    "pad_token_id": ConfigKey(0, integer(0, 10_000_000)),
}

OTHER_ARCHITECTURES: Mapping[str, tuple[str, Any]] = {
    "alibi_starting_size": ("MosaicBERT", None),
    "feed_forward_type": ("JinaBERT", "original"),
    "emb_pooler": ("JinaBERT", None),
    "lora_adaptations": ("Jina's XLM-RoBERTa", None),
    "use_flash_attn": ("NomicBERT and Jina's XLM-RoBERTa", None),
    "rotary_emb_fraction": ("NomicBERT", None),
    "rotary_emb_base": ("NomicBERT and Jina's XLM-RoBERTa", None),
    "rotary_emb_scale_base": ("NomicBERT", None),
    "rotary_scaling_factor": ("NomicBERT", None),
    "prenorm": ("NomicBERT", None),
    "parallel_block": ("NomicBERT", None),
    "use_rms_norm": ("NomicBERT", None),
    "moe_every_n_layers": ("NomicBERT", None),
    "activation_function": ("NomicBERT", None),
    "causal": ("NomicBERT", None),
    "pack_qkv": ("GTE's New", None),
    "layer_norm_type": ("GTE's New", "layer_norm"),
    "logn_attention_scale": ("GTE's New", None),
    "rope_theta": ("encoders with rotary positions", None),
    "rope_scaling": ("encoders with rotary positions", None),
    "rope_parameters": ("encoders with rotary positions", None),
    "attention_window": ("Longformer", None),
    "attention_type": ("BigBird", "original_full"),
}
"""Keys of other architectures, whose names they carry, and the value that (like null, false, 0 and
absence) has no effect. Encoders with code of their own write them beside ``model_type: bert``."""
