"""The weight of each token of a sentence in its [CLS], by several methods."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from poolwise.encoders.blocks import has_separable_blocks
from poolwise.errors import MissingExtraError
from poolwise.model import Model
from poolwise.records import Floats, TokenOutputs
from poolwise.statistics.blas import single_blas_thread
from poolwise.statistics.simplex import convex_weights
from poolwise.studies.attention import decomposition, zeroing

METHODS = {
    "zeroing": (
        "Value Zeroing",
        "How far [CLS] turns when a token's value is set to zero in this block. Of all methods it "
        "ranks the words most like leaving each of them out does, as poolwise ask attention "
        "measures.",
    ),
    "norms": (
        "Norm shares",
        "How long a vector each token contributes to [CLS] in this block, through attention, "
        "residual and both LayerNorms.",
    ),
    "average": (
        "Weighted average",
        "Of the other tokens' hidden states at this layer, the weighted average that comes closest "
        "to [CLS].",
    ),
    "attention": (
        "Raw attention",
        "Where [CLS] looks in this block, averaged over its heads; looking is not yet taking.",
    ),
}
"""Each method's name, and the meaning of its weights; the one that deletion confirms first."""

Row = list[float | None]


def weigh(model: Model, texts: Sequence[str]) -> tuple[list[dict[str, Any]], list[str]]:
    """For each text the weights of its tokens in [CLS]; notes say what is missing, and why.

    ``weights``: by method [depth + 1][t], rows that sum to one; None at layer 0, before any block,
    and for [CLS] in its own average. ``residual`` [depth + 1]: |r| / |cls| of that
    average. ``attention`` [depth][heads][t]: the row of [CLS] in every map.
    """
    documents: list[dict[str, Any]] = [{} for _ in texts]
    groups, notes = _token_outputs(model, texts)
    with single_blas_thread():
        for outputs in groups:
            for row, document in zip(outputs.rows, _documents(model, outputs), strict=True):
                documents[row] = document
    return documents, notes


def _token_outputs(model: Model, texts: Sequence[str]) -> tuple[Iterator[TokenOutputs], list[str]]:
    """With attention maps where an engine returns them; else a note says what it takes."""
    try:
        groups = model.token_outputs(texts, attentions=True)
    except MissingExtraError as error:
        return model.token_outputs(texts), [
            "Only a weaker method is here, the weighted average. Value Zeroing, which ranks words "
            f"as leaving them out does, needs attention maps: {error}"
        ]
    if has_separable_blocks(model):
        return groups, []
    return groups, [
        "Only weaker methods are here. Value Zeroing, which ranks words as leaving them out does, "
        f"and norm shares are missing: the blocks of {model.family.name} are not "
        "attention, LayerNorm, feed-forward, LayerNorm, and are not taken apart."
    ]


def _documents(model: Model, outputs: TokenOutputs) -> Iterator[dict[str, Any]]:
    """The weights of each text of a group."""
    average, residual = _average(outputs)
    methods = {"average": average}
    if outputs.attentions is not None:
        rows = outputs.attentions[:, :, :, 0]
        if has_separable_blocks(model):
            methods["norms"] = decomposition.shares(model, outputs)
            methods["zeroing"] = zeroing.shares(model, outputs)
        methods["attention"] = rows.mean(axis=2)
    for i in range(len(outputs)):
        document = {
            "weights": {name: [None, *_rows(layers[:, i])] for name, layers in methods.items()},
            "residual": [None, *residual[:, i].tolist()],
        }
        if outputs.attentions is not None:
            document["attention"] = rows[:, i].tolist()
        yield document


def _average(outputs: TokenOutputs) -> tuple[Floats, Floats]:
    """Convex weights [depth, n, t], NaN for [CLS] itself, and |r| / |cls| [depth, n]."""
    weights = np.full((len(outputs.layers) - 1, *outputs.ids.shape), np.nan, np.float32)
    residual = np.ones(weights.shape[:2], np.float32)
    for k, states in enumerate(outputs.hidden_states[1:]):
        cls, tokens = states[:, 0], states[:, 1:]
        if not tokens.size:
            continue
        convex = convex_weights(tokens, cls)
        weights[k, :, 1:] = convex
        left = cls - np.einsum("nt,ntd->nd", convex, tokens)
        residual[k] = np.linalg.norm(left, axis=-1) / np.linalg.norm(cls, axis=-1)
    return weights, residual


def _rows(by_layer: Floats) -> list[Row]:
    return [[None if np.isnan(w) else w for w in row] for row in by_layer.tolist()]
