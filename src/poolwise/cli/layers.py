"""poolwise layers: what each hidden state is, and which readouts exist."""

from __future__ import annotations

from typing import Any

import click
from rich.table import Table

from poolwise.cli.options import console, json_option, print_json
from poolwise.encoders import Encoder, load
from poolwise.readouts import POOLS, PoolKind

POOLERS = {
    "trained": "tanh(W · cls@-1 + b), what a sequence classifier sees",
    "untrained": "present, but its bias is all zero as at initialisation: it was never trained",
    "absent": "none: the checkpoint holds no pooler weights",
}


@click.command("layers")
@click.argument("model")
@json_option
def command(model: str, as_json: bool) -> None:
    """What each hidden_states[k] of MODEL is, its shape, and which readouts exist."""
    encoder = load(model)
    described = describe(encoder)
    if as_json:
        print_json(described)
    else:
        show(described)


def describe(encoder: Encoder) -> dict[str, Any]:
    """The encoder's hidden states and readouts as plain data."""
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
                "is": _what(encoder, layer),
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


def _what(encoder: Encoder, layer: int) -> str:
    if layer == 0:
        return "embeddings: every token by itself, before any block"
    final = layer == encoder.depth
    if encoder.norm(layer) is None:
        return f"after block {layer}, not normalised"
    normed = (
        "after the final norm" if final and encoder.family.final_norm else "ends in a LayerNorm"
    )
    return f"after block {layer}, {normed}"


def show(described: dict[str, Any]) -> None:
    out = console()
    out.print(described["verdict"], style="bold")
    out.print(f"family {described['family']}, at most {described['max_length']} tokens")
    for name, text in described["prompts"].items():
        default = " (in front of every text)" if text == described["prompt"] else ""
        out.print(f"prompt {name}{default}: {text!r}")
    out.print()
    states = Table("hidden state", "same as", "what it is", "shape", title_justify="left", box=None)
    for state in described["hidden_states"]:
        states.add_row(
            f"@{state['layer']}",
            f"@{state['from_the_end']}",
            state["is"],
            f"[tokens, {described['width']}]",
        )
    out.print(states)
    pools = Table("pool", "what it reads", box=None)
    for pool, meaning in described["pools"].items():
        pools.add_row(pool, meaning)
    out.print()
    out.print(pools)
    for note in described["notes"]:
        out.print(f"note: {note}")
