"""The document: tokens, norms, cosines, and what [CLS] is made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from poolwise.inspection.surfaces import surfaces
from poolwise.inspection.weights import METHODS, weigh
from poolwise.model import Model
from poolwise.records import Floats, TokenOutputs, Tokens

FIRST_VALUES = 4


def inspect(
    model: Model, texts: Sequence[str], readouts: Sequence[str], *, weights: bool = False
) -> dict[str, Any]:
    """The tokens of each text, their norms by layer and, for several texts, their cosines.

    ``weights`` adds what ``weigh`` gives: what the [CLS] of each text is made of.
    """
    tokenized = model.tokenize(texts)
    windows = [text.windows[0] for text in tokenized]
    document: dict[str, Any] = {
        "verdict": f"{len(texts)} sentence(s), {[len(w) for w in windows]} tokens, "
        f"layers 0..{model.depth} of {model.name}",
        "made": model.provenance(),
        "special_tokens": _special(model, windows),
        "sentences": [
            {"text": text, "tokens": _tokens(model, text, window), "truncated": cut.truncated}
            for text, window, cut in zip(texts, windows, tokenized, strict=True)
        ],
    }
    for some in model.token_outputs(texts):
        for i, row in enumerate(some.rows):
            document["sentences"][row]["norms"] = _norms(some, i)
    if weights:
        made_of, document["notes"] = weigh(model, texts)
        for sentence, parts in zip(document["sentences"], made_of, strict=True):
            sentence.update(parts)
        if "attention" in made_of[0]:
            document["made"]["attention_engine"] = "transformers"
        document["methods"] = [
            {"key": key, "name": name, "says": says}
            for key, (name, says) in METHODS.items()
            if key in made_of[0]["weights"]
        ]
    if len(texts) > 1:
        document["cosine"] = _cosines(model, texts, readouts)
    return document


def _tokens(model: Model, text: str, window: Tokens) -> list[dict[str, Any]]:
    shown = surfaces(model.tokenizer, text, window)
    return [
        {
            "position": at,
            "token": model.tokenizer.token(number),
            "id": number,
            "special": special,
            "text": surface.text,
            "spaced": surface.spaced,
        }
        for at, (number, special, surface) in enumerate(
            zip(window.ids.tolist(), window.special.tolist(), shown, strict=True)
        )
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


def _norms(some: TokenOutputs, i: int) -> dict[str, list[Any]]:
    """L2 norms by layer: of [CLS], of the mean, and of every token [tokens, layers]."""
    states = some.hidden_states[:, i]
    by_token = np.linalg.norm(states, axis=-1).T
    return {
        "layers": list(some.layers),
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
