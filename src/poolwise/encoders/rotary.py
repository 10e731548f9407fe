"""ModernBERT's rotary positions: which blocks look everywhere, which only near by, and how far."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from poolwise.encoders.config_keys import MAX_BLOCKS, THETA, whole
from poolwise.encoders.untrusted_files import as_object, describe
from poolwise.errors import EncoderError

_OLD_NAMES = {"full_attention": "global_rope_theta", "sliding_attention": "local_rope_theta"}
_DEFAULTS = {"full_attention": 160_000.0, "sliding_attention": 10_000.0}
_EVERY = whole(1, MAX_BLOCKS)


def read_rotary(
    found: Mapping[str, Any], values: Mapping[str, Any], path: Path
) -> dict[str, list[str] | dict[str, dict[str, Any]]]:
    """``layer_types`` (one per block) and ``rope_parameters``, in transformers 5's form.

    Older files give ``global_attn_every_n_layers``, ``global_rope_theta`` and ``local_rope_theta``.
    """
    depth = values["num_hidden_layers"]
    types = values["layer_types"] or _every(found, depth, path)
    if len(types) != depth:
        raise EncoderError(f"{path}: {len(types)} layer_types for {depth} blocks")
    if found.get("rope_scaling") is not None:
        raise EncoderError(f"{path}: rope_scaling is not supported")
    return {"layer_types": types, "rope_parameters": _parameters(found, path)}


def _every(found: Mapping[str, Any], depth: int, path: Path) -> list[str]:
    step = found.get("global_attn_every_n_layers", 3)
    if not _EVERY.accepts(step):
        raise EncoderError(
            f"{path}: global_attn_every_n_layers is {describe(step)}, expected {_EVERY.says}"
        )
    return ["sliding_attention" if block % step else "full_attention" for block in range(depth)]


def _parameters(found: Mapping[str, Any], path: Path) -> dict[str, dict[str, Any]]:
    given = as_object(found.get("rope_parameters") or {}, f"{path}: rope_parameters")
    made = {}
    for kind, old_name in _OLD_NAMES.items():
        one = as_object(given.get(kind) or {}, f"{path}: rope_parameters.{kind}")
        if one.get("rope_type", "default") != "default":
            raise EncoderError(
                f"{path}: rope_type is {describe(one['rope_type'])}, only 'default' is supported"
            )
        theta = one.get("rope_theta", found.get(old_name, _DEFAULTS[kind]))
        if not THETA.accepts(theta):
            raise EncoderError(
                f"{path}: the {kind} rope_theta is {describe(theta)}, expected {THETA.says}"
            )
        made[kind] = {"rope_type": "default", "rope_theta": float(theta)}
    return made
