"""Rotary positions: their thetas, and which of ModernBERT's blocks attend locally."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from poolwise.encoders.config_keys import MAX_BLOCKS, THETA, integer
from poolwise.encoders.untrusted_files import abridge, as_object
from poolwise.errors import EncoderError

_OLD_NAMES = {"full_attention": "global_rope_theta", "sliding_attention": "local_rope_theta"}
_DEFAULTS = {"full_attention": 160_000.0, "sliding_attention": 10_000.0}
_INTERVAL = integer(1, MAX_BLOCKS)

NOMIC_THETA = 1000.0


def read_rotary(
    raw: Mapping[str, Any], values: Mapping[str, Any], path: Path
) -> dict[str, list[str] | dict[str, dict[str, Any]]]:
    """``layer_types`` (one per block) and ``rope_parameters``, in transformers 5's form.

    ``raw`` is config.json, ``values`` its checked keys. Older files have
    ``global_attn_every_n_layers``, ``global_rope_theta`` and ``local_rope_theta``.
    """
    depth = values["num_hidden_layers"]
    types = values["layer_types"] or _layer_types(raw, depth, path)
    if len(types) != depth:
        raise EncoderError(f"{path}: {len(types)} layer_types for {depth} blocks")
    _refuse_scaling(raw, path)
    return {"layer_types": types, "rope_parameters": _parameters(raw, path)}


def read_one_rotary(
    raw: Mapping[str, Any], values: Mapping[str, Any], path: Path
) -> dict[str, dict[str, Any]]:
    """``rope_parameters`` where every block has the same, in transformers 5's form (NomicBERT)."""
    _refuse_scaling(raw, path)
    width = values["hidden_size"] // values["num_attention_heads"]
    if raw.get("head_dim") not in (None, width):
        raise EncoderError(f"{path}: head_dim is {abridge(raw['head_dim'])}, expected {width}")
    rope = as_object(raw.get("rope_parameters") or {}, f"{path}: rope_parameters")
    return {"rope_parameters": _rope(rope, raw.get("rope_theta", NOMIC_THETA), "", path)}


def _refuse_scaling(raw: Mapping[str, Any], path: Path) -> None:
    if raw.get("rope_scaling") is not None:
        raise EncoderError(f"{path}: rope_scaling is not supported")


def _layer_types(raw: Mapping[str, Any], depth: int, path: Path) -> list[str]:
    step = raw.get("global_attn_every_n_layers", 3)
    if not _INTERVAL.accepts(step):
        raise EncoderError(
            f"{path}: global_attn_every_n_layers is {abridge(step)}, expected {_INTERVAL.expected}"
        )
    return ["sliding_attention" if block % step else "full_attention" for block in range(depth)]


def _parameters(raw: Mapping[str, Any], path: Path) -> dict[str, dict[str, Any]]:
    parameters = as_object(raw.get("rope_parameters") or {}, f"{path}: rope_parameters")
    checked = {}
    for kind, old_name in _OLD_NAMES.items():
        rope = as_object(parameters.get(kind) or {}, f"{path}: rope_parameters.{kind}")
        checked[kind] = _rope(rope, raw.get(old_name, _DEFAULTS[kind]), f"{kind} ", path)
    return checked


def _rope(rope: Mapping[str, Any], default: Any, kind: str, path: Path) -> dict[str, Any]:
    """One checked entry of ``rope_parameters``; ``kind`` names it in errors."""
    if rope.get("rope_type", "default") != "default":
        raise EncoderError(
            f"{path}: rope_type is {abridge(rope['rope_type'])}, only 'default' is supported"
        )
    if rope.get("partial_rotary_factor", 1) != 1:
        raise EncoderError(
            f"{path}: partial_rotary_factor is {abridge(rope['partial_rotary_factor'])}, only 1 "
            "(every dimension of a head) is supported"
        )
    theta = rope.get("rope_theta", default)
    if not THETA.accepts(theta):
        raise EncoderError(
            f"{path}: the {kind}rope_theta is {abridge(theta)}, expected {THETA.expected}"
        )
    return {"rope_type": "default", "rope_theta": float(theta)}
