"""An encoder described: its hidden states, its pooler and the readouts that exist."""

from __future__ import annotations

from typing import Any

from poolwise.encoders.encoder import Encoder
from poolwise.readouts import POOLS, PoolKind

POOLERS = {
    "trained": "tanh(W · cls@-1 + b), what a sequence classifier sees",
    "untrained": "present, but its bias is all zero as at initialisation: it was never trained",
    "absent": "none: the checkpoint holds no pooler weights",
}


def describe(encoder: Encoder) -> dict[str, Any]:
    """The encoder's hidden states and readouts, as data for JSON."""
    return {
        "verdict": f"{encoder.name}: {encoder.depth} blocks, {encoder.depth + 1} hidden states of "
        f"width {encoder.width}; pooler {encoder.pooler_state}; "
        f"declared readout {encoder.declared or 'none'}",
        "model": encoder.name,
        "model_hash": encoder.hash,
        "family": encoder.family.name,
        "depth": encoder.depth,
        "width": encoder.width,
        "max_length": encoder.max_length,
        "declared": str(encoder.declared) if encoder.declared else None,
        "prompt": encoder.prefix or None,
        "prompts": {name: text for name, text in encoder.prompts.texts.items() if text},
        "similarity": encoder.similarity,
        "pooler": encoder.pooler_state,
        "hidden_states": [
            {
                "layer": layer,
                "from_the_end": layer - encoder.depth - 1,
                "is": _meaning(encoder, layer),
                "shape": ["tokens", encoder.width],
            }
            for layer in range(encoder.depth + 1)
        ],
        "pools": {
            **{_spelling(pool): facts.meaning for pool, facts in POOLS.items()},
            "pooler": POOLERS[encoder.pooler_state],
        },
        "notes": list(encoder.notes),
    }


def _spelling(pool: PoolKind) -> str:
    return f"{pool}[k]" if pool == "token" else pool


def _meaning(encoder: Encoder, layer: int) -> str:
    if layer == 0:
        return "embeddings: every token by itself, before any block"
    final = layer == encoder.depth
    if encoder.norm(layer) is None:
        return f"after block {layer}, not normalised"
    normed = (
        "after the final norm" if final and encoder.family.final_norm else "ends in a LayerNorm"
    )
    return f"after block {layer}, {normed}"
