"""The config.json of NomicBERT's makers, in transformers' keys."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from poolwise.encoders.config_keys import POSITIONS, VOCABULARY, Constraint
from poolwise.encoders.untrusted_files import abridge
from poolwise.errors import EncoderError

_NAMES = {
    "n_embd": "hidden_size",
    "n_layer": "num_hidden_layers",
    "n_head": "num_attention_heads",
    "n_inner": "intermediate_size",
    "n_positions": "max_position_embeddings",
    "activation_function": "hidden_act",
    "layer_norm_epsilon": "layer_norm_eps",
    "rotary_emb_base": "rope_theta",
}

_GATES = {"swiglu": "silu", "geglu": "gelu"}

_REQUIRED = {
    "rotary_emb_fraction": (1.0, 0.0),
    "rotary_emb_scale_base": (None, None),
    "rotary_emb_interleaved": (False, False),
    "qkv_proj_bias": (False, True),
    "mlp_fc1_bias": (False, True),
    "mlp_fc2_bias": (False, True),
    "prenorm": (False, False),
    "parallel_block": (False, False),
    "use_rms_norm": (False, False),
    "causal": (False, False),
    "moe_every_n_layers": (0, 0),
}
"""The value that v1 and v1.5 have, and the makers' default where the key is absent."""

_STEP = "pad_vocab_size_multiple"
_OTHERS = ("rotary_scaling_factor", "max_trained_positions", _STEP, "use_flash_attn")

TRAINED_POSITIONS = 2048
"""The makers' default of ``max_trained_positions``."""


def transformers_keys(raw: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """``raw``, the content of config.json at ``path``, in the keys of transformers' NomicBERT.

    A file that has those already keeps them. Raises EncoderError for what v1 and v1.5 do not have:
    a mixture of experts, biases, RMSNorm, norms before attention, positions in part of a head.
    """
    original = "n_embd" in raw and "hidden_size" not in raw
    for key, (required, default) in _REQUIRED.items():
        value = raw.get(key, default if original else required)
        if value != required and (value or required):  # null is false, and 0
            raise EncoderError(
                f"{path}: {key} is {abridge(value)}; poolwise reads NomicBERT as v1 and v1.5 are, "
                f"with {key} {abridge(required)}"
            )
    other_names = {*_NAMES, *_REQUIRED, *_OTHERS}
    kept = {key: value for key, value in raw.items() if key not in other_names}
    if not original:
        return kept
    return {**_translated(raw, path), **kept, "vocab_size": _vocabulary(raw, path)}


def _translated(raw: Mapping[str, Any], path: Path) -> dict[str, Any]:
    missing = [key for key in _NAMES if raw.get(key) is None]
    if missing:
        raise EncoderError(f"{path}: has n_embd, but no {missing[0]}")
    values = {name: raw[key] for key, name in _NAMES.items()}
    gate = values["hidden_act"]
    if not isinstance(gate, str) or gate not in _GATES:
        raise EncoderError(
            f"{path}: activation_function is {abridge(gate)}, expected one of {', '.join(_GATES)}"
        )
    values["hidden_act"] = _GATES[gate]
    values["max_position_embeddings"] = _positions(raw, path)
    return values


def _positions(raw: Mapping[str, Any], path: Path) -> int:
    """The positions whose angles are the same in texts of every length."""
    positions = _checked("n_positions", raw["n_positions"], POSITIONS, path)
    if not raw.get("rotary_scaling_factor"):
        return positions
    # Beyond the positions trained on, the factor makes every angle depend on the text's length.
    key = "max_trained_positions"
    return min(positions, _checked(key, raw.get(key, TRAINED_POSITIONS), POSITIONS, path))


def _vocabulary(raw: Mapping[str, Any], path: Path) -> int:
    """The rows of the embeddings, a multiple of ``pad_vocab_size_multiple``."""
    size = _checked("vocab_size", raw.get("vocab_size"), VOCABULARY, path)
    step = _checked(_STEP, raw.get(_STEP) or 1, VOCABULARY, path)
    return -(-size // step) * step


def _checked(key: str, value: Any, constraint: Constraint, path: Path) -> int:
    if not constraint.accepts(value):
        raise EncoderError(f"{path}: {key} is {abridge(value)}, expected {constraint.expected}")
    return int(value)
