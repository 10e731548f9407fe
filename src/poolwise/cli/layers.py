"""poolwise layers: what each hidden state is, and which readouts exist."""

from __future__ import annotations

from typing import Any

import click
from rich.table import Table

from poolwise.cli.options import console, json_option, print_json
from poolwise.encoders import load
from poolwise.encoders.description import describe


@click.command("layers")
@click.argument("model")
@json_option
def command(model: str, as_json: bool) -> None:
    """What each hidden_states[k] of MODEL is, its shape, and which readouts exist."""
    description = describe(load(model))
    if as_json:
        print_json(description)
    else:
        print_layers(description)


def print_layers(description: dict[str, Any]) -> None:
    out = console()
    out.print(description["verdict"], style="bold")
    out.print(f"family {description['family']}, at most {description['max_length']} tokens")
    for name, text in description["prompts"].items():
        default = " (in front of every text)" if text == description["prompt"] else ""
        out.print(f"prompt {name}{default}: {text!r}")
    out.print()
    states = Table("hidden state", "same as", "what it is", "shape", title_justify="left", box=None)
    for state in description["hidden_states"]:
        states.add_row(
            f"@{state['layer']}",
            f"@{state['from_the_end']}",
            state["is"],
            f"[tokens, {description['width']}]",
        )
    out.print(states)
    pools = Table("pool", "what it reads", box=None)
    for pool, meaning in description["pools"].items():
        pools.add_row(pool, meaning)
    out.print()
    out.print(pools)
    for note in description["notes"]:
        out.print(f"note: {note}")
