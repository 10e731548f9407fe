"""ModernBERT's rotary positions: which blocks attend globally, which locally, and their thetas."""

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
    if raw.get("rope_scaling") is not None:
        raise EncoderError(f"{path}: rope_scaling is not supported")
    return {"layer_types": types, "rope_parameters": _parameters(raw, path)}


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
        if rope.get("rope_type", "default") != "default":
            raise EncoderError(
                f"{path}: rope_type is {abridge(rope['rope_type'])}, only 'default' is supported"
            )
        theta = rope.get("rope_theta", raw.get(old_name, _DEFAULTS[kind]))
        if not THETA.accepts(theta):
            raise EncoderError(
                f"{path}: the {kind} rope_theta is {abridge(theta)}, expected {THETA.expected}"
            )
        checked[kind] = {"rope_type": "default", "rope_theta": float(theta)}
    return checked
