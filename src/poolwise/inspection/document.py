"""The document that ``poolwise inspect`` shows, as plain data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from poolwise.inspection.surfaces import surfaces
from poolwise.model import Model
from poolwise.records import Floats, TokenizedText, TokenOutputs, Tokens

FIRST_VALUES = 4


def inspect(
    model: Model, texts: Sequence[str], readouts: Sequence[str], *, weights: bool = False
) -> dict[str, Any]:
    """The tokens of each text, their norms by layer and, for several texts, their cosines.

    ``weights`` adds the weights of each text's tokens in [CLS], as ``weigh`` gives them.
    """
    tokens: dict[int, TokenizedText] = {}
    norms: dict[int, dict[str, list[Any]]] = {}
    for outputs in model.token_outputs(texts):
        for i, row in enumerate(outputs.rows.tolist()):
            tokens[row], norms[row] = outputs.tokens[i], _norms(outputs, i)
    windows = [tokens[row].windows[0] for row in range(len(texts))]
    document: dict[str, Any] = {
        "verdict": f"{len(texts)} sentence(s), {[len(w) for w in windows]} tokens, "
        f"layers 0..{model.depth} of {model.name}",
        "made": model.provenance(),
        "special_tokens": _special(model, windows),
        "sentences": [
            {
                "text": text,
                "tokens": _tokens(model, text, windows[row]),
                "truncated": tokens[row].truncated,
                "norms": norms[row],
            }
            for row, text in enumerate(texts)
        ],
    }
    if weights:
        from poolwise.inspection.weights import METHODS, weigh  # noqa: PLC0415 - slow to import

        weighed, document["notes"] = weigh(model, texts)
        for sentence, of_sentence in zip(document["sentences"], weighed, strict=True):
            sentence.update(of_sentence)
        if "attention" in weighed[0]:
            document["made"]["attention_engine"] = "transformers"
        document["methods"] = [
            {"key": key, "name": name, "says": says}
            for key, (name, says) in METHODS.items()
            if key in weighed[0]["weights"]
        ]
    if len(texts) > 1 and readouts:
        document["cosine"] = _cosines(model, texts, readouts)
    return document


def _tokens(model: Model, text: str, window: Tokens) -> list[dict[str, Any]]:
    columns = (
        window.ids.tolist(),
        window.special.tolist(),
        surfaces(model.tokenizer, model.prefix + text, window),
    )
    return [
        {
            "position": position,
            "token": model.tokenizer.token(token_id),
            "id": token_id,
            "special": special,
            "text": surface.text,
            "spaced": surface.spaced,
        }
        for position, (token_id, special, surface) in enumerate(zip(*columns, strict=True))
    ]


def _special(model: Model, windows: Sequence[Tokens]) -> list[dict[str, Any]]:
    """The special tokens' input embeddings: rows of the word embedding matrix."""
    ids = sorted({int(i) for window in windows for i in window.ids[window.special]})
    return [
        {
            "token": model.tokenizer.token(i),
            "id": i,
            "norm": float(np.linalg.norm(model.word_embeddings[i])),
            "first_values": model.word_embeddings[i][:FIRST_VALUES].tolist(),
        }
        for i in ids
    ]


def _norms(outputs: TokenOutputs, i: int) -> dict[str, list[Any]]:
    """L2 norms by layer: of [CLS], of the mean, and of every token [tokens, layers]."""
    states = outputs.hidden_states[:, i]
    by_token = np.linalg.norm(states, axis=-1).T
    return {
        "layers": list(outputs.layers),
        "cls": by_token[0].tolist(),
        "mean": np.linalg.norm(states.mean(axis=1), axis=-1).tolist(),
        "tokens": by_token.tolist(),
    }


def _cosines(
    model: Model, texts: Sequence[str], readouts: Sequence[str]
) -> dict[str, list[list[float]]]:
    (batch,) = model.extract(texts, readouts)
    return {name: _cosine(vectors).tolist() for name, vectors in batch.vectors.items()}


def _cosine(vectors: Floats) -> Floats:
    """[n, d] → [n, n]."""
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(unit @ unit.T)
