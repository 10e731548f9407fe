"""What the [CLS] of a sentence is made of: the weight of each of its tokens, by several methods."""

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
    "average": (
        "Weighted average",
        "Of the other tokens' hidden states at this layer, the weighted average that comes closest "
        "to [CLS].",
    ),
    "norms": (
        "Norm shares",
        "How long a vector each token contributes to [CLS] in this block, through attention, "
        "residual and both LayerNorms.",
    ),
    "zeroing": (
        "Value Zeroing",
        "How far [CLS] turns when a token's value is set to zero in this block.",
    ),
    "attention": (
        "Raw attention",
        "Where [CLS] looks in this block, averaged over its heads; looking is not yet taking.",
    ),
}
"""Ways to weigh the tokens: a name, and what a weight says."""

Row = list[float | None]


def weigh(model: Model, texts: Sequence[str]) -> tuple[list[dict[str, Any]], list[str]]:
    """For each text what its [CLS] is made of, and notes on what is missing and how to get it.

    ``weights``: by method [depth + 1][t], rows that sum to one; None at layer 0, where nothing has
    come in yet, and for [CLS] in its own average. ``residual`` [depth + 1]: |r| / |cls| of that
    average. ``attention`` [depth][heads][t]: the row of [CLS] in every map.
    """
    made: list[dict[str, Any]] = [{} for _ in texts]
    looks, notes = _looks(model, texts)
    with single_blas_thread():
        for some in looks:
            for row, parts in zip(some.rows, _parts(model, some), strict=True):
                made[row] = parts
    return made, notes


def _looks(model: Model, texts: Sequence[str]) -> tuple[Iterator[TokenOutputs], list[str]]:
    """With attention maps where they can be had; a note says why they cannot."""
    try:
        looks = model.token_outputs(texts, attentions=True)
    except MissingExtraError as error:
        return model.token_outputs(texts), [f"Only the weighted average is here. The rest: {error}"]
    if has_separable_blocks(model):
        return looks, []
    return looks, [
        f"Norm shares and Value Zeroing are missing: the blocks of {model.family.name} are not "
        "attention, LayerNorm, feed-forward, LayerNorm, and are not taken apart."
    ]


def _parts(model: Model, some: TokenOutputs) -> Iterator[dict[str, Any]]:
    """What [CLS] is made of in each text of a group."""
    average, residual = _average(some)
    methods = {"average": average}
    if some.attentions is not None:
        rows = some.attentions[:, :, :, 0]
        if has_separable_blocks(model):
            methods["norms"] = decomposition.shares(model, some)
            methods["zeroing"] = zeroing.shares(model, some)
        methods["attention"] = rows.mean(axis=2)
    for i in range(len(some)):
        parts = {
            "weights": {name: [None, *_rows(made[:, i])] for name, made in methods.items()},
            "residual": [None, *residual[:, i].tolist()],
        }
        if some.attentions is not None:
            parts["attention"] = rows[:, i].tolist()
        yield parts


def _average(some: TokenOutputs) -> tuple[Floats, Floats]:
    """Convex weights [depth, n, t], NaN for [CLS] itself, and |r| / |cls| [depth, n]."""
    weights = np.full((len(some.layers) - 1, *some.ids.shape), np.nan, np.float32)
    residual = np.ones(weights.shape[:2], np.float32)
    for at, states in enumerate(some.hidden_states[1:]):
        target, others = states[:, 0], states[:, 1:]
        if not others.size:
            continue
        found = convex_weights(others, target)
        weights[at, :, 1:] = found
        left = target - np.einsum("nt,ntd->nd", found, others)
        residual[at] = np.linalg.norm(left, axis=-1) / np.linalg.norm(target, axis=-1)
    return weights, residual


def _rows(by_layer: Floats) -> list[Row]:
    return [[None if np.isnan(w) else w for w in row] for row in by_layer.tolist()]
