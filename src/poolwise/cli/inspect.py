"""poolwise inspect: one or several sentences, seen from inside."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click
import numpy as np
from rich.markup import escape
from rich.table import Table

from poolwise.cli.options import console, json_option, max_length_option, print_json
from poolwise.model import Model, load
from poolwise.records import Floats, Tokens

FIRST_VALUES = 4


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
@max_length_option
@json_option
def command(
    model: str,
    sentences: tuple[str, ...],
    specs: tuple[str, ...],
    max_length: int | None,
    as_json: bool,
) -> None:
    """Tokens, special tokens, norms by layer and, for several sentences, their cosines.

    \b
    poolwise inspect demo "The cat sat." "A cat was sitting."
    """
    encoder = load(model, max_length=max_length)
    seen = inspect(encoder, sentences, specs or _default_readouts(encoder))
    if as_json:
        print_json(seen)
    else:
        show(seen)


def _default_readouts(encoder: Model) -> tuple[str, ...]:
    return ("cls@-1", "mean@-1", "pooler") if encoder.has_pooler else ("cls@-1", "mean@-1")


def inspect(encoder: Model, texts: Sequence[str], readouts: Sequence[str]) -> dict[str, Any]:
    """Everything the command shows, as plain data."""
    tokenized = [t.windows[0] for t in encoder.tokenize(texts)]
    norms = [_norms(encoder, text, tokens) for text, tokens in zip(texts, tokenized, strict=True)]
    document: dict[str, Any] = {
        "verdict": f"{len(texts)} sentence(s), {[len(t) for t in tokenized]} tokens, "
        f"layers 0..{encoder.depth} of {encoder.name}",
        "made": encoder.made(),
        "special_tokens": _special(encoder, tokenized),
        "sentences": [
            {
                "text": text,
                "tokens": _tokens(encoder, tokens),
                "norms": norm,
            }
            for text, tokens, norm in zip(texts, tokenized, norms, strict=True)
        ],
    }
    if len(texts) > 1:
        document["cosine"] = _cosines(encoder, texts, readouts)
    return document


def _tokens(encoder: Model, tokens: Tokens) -> list[dict[str, Any]]:
    return [
        {"position": at, "token": encoder.tokenizer.token(i), "id": i, "special": special}
        for at, (i, special) in enumerate(
            zip(tokens.ids.tolist(), tokens.special.tolist(), strict=True)
        )
    ]


def _special(encoder: Model, tokenized: Sequence[Tokens]) -> list[dict[str, Any]]:
    """The special tokens' input embeddings: rows of the word embedding matrix."""
    ids = sorted({int(i) for t in tokenized for i in t.ids[t.special]})
    return [
        {
            "token": encoder.tokenizer.token(i),
            "id": i,
            "norm": float(np.linalg.norm(encoder.word_embeddings[i])),
            "first_values": encoder.word_embeddings[i][:FIRST_VALUES].tolist(),
        }
        for i in ids
    ]


def _norms(encoder: Model, text: str, tokens: Tokens) -> dict[str, list[Any]]:
    """L2 norms by layer: of [CLS], of the mean, and of every token [tokens, layers]."""
    layers = range(encoder.depth + 1)
    positions = range(len(tokens))
    names = [f"token[{p}]@{k}" for p in positions for k in layers] + [f"mean@{k}" for k in layers]
    (batch,) = encoder.extract([text], names)
    norm = {name: float(np.linalg.norm(batch.vectors[name])) for name in names}
    by_token = [[norm[f"token[{p}]@{k}"] for k in layers] for p in positions]
    return {
        "layers": list(layers),
        "cls": by_token[0],
        "mean": [norm[f"mean@{k}"] for k in layers],
        "tokens": by_token,
    }


def _cosines(
    encoder: Model, texts: Sequence[str], readouts: Sequence[str]
) -> dict[str, list[list[float]]]:
    (batch,) = encoder.extract(texts, readouts)
    return {name: _cosine(vectors).tolist() for name, vectors in batch.vectors.items()}


def _cosine(vectors: Floats) -> Floats:
    """[n, d] → [n, n]."""
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(unit @ unit.T)


def show(seen: dict[str, Any]) -> None:
    out = console()
    for sentence in seen["sentences"]:
        out.print(f"[bold]{escape(sentence['text'])}[/]")
        out.print("norm of each token's hidden state, by layer\n")
        layers = sentence["norms"]["layers"]
        table = Table("position", "token", "id", *(f"@{k}" for k in layers), box=None)
        for token, norms in zip(sentence["tokens"], sentence["norms"]["tokens"], strict=True):
            name = escape(token["token"])
            table.add_row(
                str(token["position"]),
                f"[dim]{name}[/]" if token["special"] else name,
                str(token["id"]),
                *(f"{n:.2f}" for n in norms),
            )
        table.add_row("", "[bold]mean[/]", "", *(f"{n:.2f}" for n in sentence["norms"]["mean"]))
        out.print(table)
        out.print()
    special = Table("special token", "id", "norm", "first values", box=None)
    for token in seen["special_tokens"]:
        values = ", ".join(f"{v:+.3f}" for v in token["first_values"])
        special.add_row(escape(token["token"]), str(token["id"]), f"{token['norm']:.3f}", values)
    out.print("input embeddings of the special tokens\n")
    out.print(special)
    for name, matrix in seen.get("cosine", {}).items():
        out.print()
        out.print(f"cosine of the sentences under {name}\n", markup=False)
        table = Table("", *(str(i + 1) for i in range(len(matrix))), box=None)
        for row, values in enumerate(matrix):
            table.add_row(str(row + 1), *(f"{v:.4f}" for v in values))
        out.print(table)
