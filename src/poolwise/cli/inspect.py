"""poolwise inspect: tokens, norms by layer and cosines of sentences."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from poolwise.cli.console import styled
from poolwise.cli.options import console, force_option, json_option, max_length_option, print_json
from poolwise.files import atomic_write
from poolwise.model import load


@click.command("inspect")
@click.argument("model")
@click.argument("sentences", nargs=-1, required=True, metavar="SENTENCE...")
@click.option(
    "-r",
    "--readout",
    "specs",
    multiple=True,
    help="Compare the sentences under it; may be repeated. [default: cls@-1, mean@-1, pooler]",
)
@click.option(
    "--html",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A page to write: what each [CLS] is made of, by layer; where every head looks.",
)
@max_length_option
@force_option
@json_option
def command(
    model: str,
    sentences: tuple[str, ...],
    specs: tuple[str, ...],
    html: Path | None,
    max_length: int | None,
    force: bool,
    as_json: bool,
) -> None:
    """Look at each SENTENCE inside MODEL: tokens, special tokens, norms by layer; of several, their
    cosines.

    \b
    poolwise inspect demo "The cat sat." "A cat was sitting."
    poolwise inspect demo "The cat sat." "A cat was sitting." --html inside.html
    """
    from poolwise.api import inspect  # noqa: PLC0415 - slow to import

    with atomic_write(html, overwrite=force) if html else nullcontext() as page:
        encoder = load(model, max_length=max_length)
        document = inspect(encoder, list(sentences), specs, weights=html is not None)
        if page:
            page.write(document.page().encode())
    if as_json:
        print_json(document | ({"page": str(html)} if html else {}))
        return
    print_inspection(document)
    if html:
        out = console()
        out.print()
        out.print(f"page: {html}", soft_wrap=True)


def print_inspection(document: dict[str, Any]) -> None:
    out = console()
    for sentence in document["sentences"]:
        out.print(sentence["text"], style="bold")
        out.print("norm of each token's hidden state, by layer")
        out.print()
        layers = sentence["norms"]["layers"]
        table = Table("position", "token", "id", *(f"@{k}" for k in layers), box=None)
        for token, norms in zip(sentence["tokens"], sentence["norms"]["tokens"], strict=True):
            table.add_row(
                str(token["position"]),
                styled((token["token"], "dim" if token["special"] else "")),
                str(token["id"]),
                *(f"{n:.2f}" for n in norms),
            )
        table.add_row(
            "", styled(("mean", "bold")), "", *(f"{n:.2f}" for n in sentence["norms"]["mean"])
        )
        out.print(table)
        out.print()
    special = Table("special token", "id", "norm", "first values", box=None)
    for token in document["special_tokens"]:
        values = ", ".join(f"{v:+.3f}" for v in token["first_values"])
        special.add_row(token["token"], str(token["id"]), f"{token['norm']:.3f}", values)
    out.print("input embeddings of the special tokens")
    out.print()
    out.print(special)
    for name, matrix in document.get("cosine", {}).items():
        out.print()
        out.print(f"cosine of the sentences under {name}")
        out.print()
        table = Table("", *(str(i + 1) for i in range(len(matrix))), box=None)
        for row, values in enumerate(matrix):
            table.add_row(str(row + 1), *(f"{v:.4f}" for v in values))
        out.print(table)
