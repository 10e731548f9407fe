"""Which keys of config.json are read, in which range, and what their absence means.

Everything else in the file is ignored and never passed on. The defaults are those of transformers'
config classes (the tests compare them).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Kind:
    """What a value may be: ``read`` gives it back checked, or raises ValueError."""

    says: str
    accepts: Callable[[Any], bool]
    cast: Callable[[Any], Any] = lambda value: value

    def read(self, value: Any) -> Any:
        """``value`` if it is of this kind."""
        if not self.accepts(value):
            raise ValueError(self.says)
        return self.cast(value)


@dataclass(frozen=True, slots=True)
class Key:
    """One key: its default, what it may be, and the name it has in ``Config`` (BERT's)."""

    default: Any
    kind: Kind
    name: str = ""


def whole(low: int, high: int) -> Kind:
    """A whole number within bounds (true and false are none)."""
    return Kind(
        f"a whole number from {low:,} to {high:,}",
        lambda value: type(value) is int and low <= value <= high,
    )


def one_of(*names: str) -> Kind:
    """One of these words."""
    return Kind(f"one of {', '.join(names)}", lambda value: value in names)


def optional(kind: Kind) -> Kind:
    """That, or null."""
    return Kind(
        f"{kind.says}, or null",
        lambda value: value is None or kind.accepts(value),
        lambda value: None if value is None else kind.cast(value),
    )


def positive(high: float) -> Kind:
    """A number above zero."""
    return Kind(
        f"a number above 0, at most {high:g}",
        lambda value: type(value) in (int, float) and 0 < value <= high,
        float,
    )


MAX_BLOCKS = 256
VOCABULARY = whole(1, 10_000_000)
SIZE = whole(1, 65_536)
BLOCKS = whole(1, MAX_BLOCKS)
POSITIONS = whole(1, 1_048_576)
TYPES = whole(1, 1024)
TOKEN = optional(whole(0, 10_000_000))
EPSILON = positive(1.0)
THETA = positive(1e12)
FLAG = Kind("true or false", lambda value: type(value) is bool)
ACTIVATION = one_of(
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


POSITION_TERMS = Kind(
    'a list of "c2p" and "p2c", or null',
    lambda value: (
        isinstance(value, (str, list, type(None)))
        and len(value or "") <= 16
        and set(_terms(value)) <= set(POSITION_ATTENTION)
    ),
    _terms,
)

LAYER_TYPES = Kind(
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

Keys = Mapping[str, Key]

BERT: Keys = {
    "vocab_size": Key(30522, VOCABULARY),
    "hidden_size": Key(768, SIZE),
    "num_hidden_layers": Key(12, BLOCKS),
    "num_attention_heads": Key(12, SIZE),
    "intermediate_size": Key(3072, SIZE),
    "hidden_act": Key("gelu", ACTIVATION),
    "max_position_embeddings": Key(512, POSITIONS),
    "type_vocab_size": Key(2, TYPES),
    "layer_norm_eps": Key(1e-12, EPSILON),
    "pad_token_id": Key(0, TOKEN),
}

XLM_ROBERTA: Keys = {**BERT, "pad_token_id": Key(1, TOKEN)}

ROBERTA: Keys = {**XLM_ROBERTA, "vocab_size": Key(50265, VOCABULARY)}

DISTILBERT: Keys = {
    "vocab_size": Key(30522, VOCABULARY),
    "dim": Key(768, SIZE, "hidden_size"),
    "n_layers": Key(6, BLOCKS, "num_hidden_layers"),
    "n_heads": Key(12, SIZE, "num_attention_heads"),
    "hidden_dim": Key(3072, SIZE, "intermediate_size"),
    "activation": Key("gelu", ACTIVATION, "hidden_act"),
    "max_position_embeddings": Key(512, POSITIONS),
    "pad_token_id": Key(0, TOKEN),
}

ELECTRA: Keys = {
    **BERT,
    "embedding_size": Key(128, SIZE),
    "hidden_size": Key(256, SIZE),
    "num_attention_heads": Key(4, SIZE),
    "intermediate_size": Key(1024, SIZE),
}

MPNET: Keys = {
    **{name: key for name, key in BERT.items() if name != "type_vocab_size"},
    "vocab_size": Key(30527, VOCABULARY),
    "relative_attention_num_buckets": Key(32, whole(32, 4096)),
    "pad_token_id": Key(1, TOKEN),
}

ALBERT: Keys = {
    **BERT,
    "vocab_size": Key(30000, VOCABULARY),
    "embedding_size": Key(128, SIZE),
    "hidden_size": Key(4096, SIZE),
    "num_hidden_groups": Key(1, BLOCKS),
    "inner_group_num": Key(1, whole(1, 1)),
    "num_attention_heads": Key(64, SIZE),
    "intermediate_size": Key(16384, SIZE),
    "hidden_act": Key("gelu_new", ACTIVATION),
}

DEBERTA_V2: Keys = {
    "vocab_size": Key(128100, VOCABULARY),
    "embedding_size": Key(None, optional(SIZE)),
    "hidden_size": Key(1536, SIZE),
    "num_hidden_layers": Key(24, BLOCKS),
    "num_attention_heads": Key(24, SIZE),
    "intermediate_size": Key(6144, SIZE),
    "hidden_act": Key("gelu", ACTIVATION),
    "max_position_embeddings": Key(512, POSITIONS),
    "type_vocab_size": Key(0, whole(0, 1024)),
    "layer_norm_eps": Key(1e-7, EPSILON),
    "pad_token_id": Key(0, TOKEN),
    "relative_attention": Key(False, FLAG),
    "max_relative_positions": Key(-1, whole(-1, 1_048_576)),
    "position_buckets": Key(-1, whole(-1, 65_536)),
    "position_biased_input": Key(True, FLAG),
    "pos_att_type": Key(None, POSITION_TERMS),
    "share_att_key": Key(False, FLAG),
    "norm_rel_ebd": Key("none", one_of("none", "layer_norm")),
    "conv_kernel_size": Key(0, whole(0, 15)),
    "conv_groups": Key(1, SIZE),
    "conv_act": Key("tanh", ACTIVATION),
}

MODERNBERT: Keys = {
    "vocab_size": Key(50368, VOCABULARY),
    "hidden_size": Key(768, SIZE),
    "num_hidden_layers": Key(22, BLOCKS),
    "num_attention_heads": Key(12, SIZE),
    "intermediate_size": Key(1152, SIZE),
    "hidden_activation": Key("gelu", ACTIVATION, "hidden_act"),
    "max_position_embeddings": Key(8192, POSITIONS),
    "norm_eps": Key(1e-5, EPSILON, "layer_norm_eps"),
    "norm_bias": Key(False, FLAG),
    "attention_bias": Key(False, FLAG),
    "mlp_bias": Key(False, FLAG),
    "local_attention": Key(128, whole(1, 1_048_576)),
    "layer_types": Key(None, LAYER_TYPES),
    "pad_token_id": Key(50283, TOKEN),
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
"""Settings that no family here has, whose they are, and the value that (like null, false, 0 and
nothing) changes nothing. Encoders with code of their own write them beside ``model_type: bert``."""
