"""Attention and attribution of [CLS] by class of tokens, a row a sentence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from poolwise.encoders import Encoder
from poolwise.records import Floats, TokenOutputs
from poolwise.statistics.blas import single_blas_thread
from poolwise.studies.attention.attributions import NORMS, RAW, Attributions, Place, attributions
from poolwise.studies.attention.block_forward import attention_maps
from poolwise.studies.attention.decomposition import Decomposition
from poolwise.studies.attention.ranks import spearmans
from poolwise.studies.token_classes import CLASSES, token_classes

Array = NDArray[np.float64]
Column = tuple[str, Place]
Pair = tuple[str, str, Place]

SHUFFLED = "shuffled"
"""Shares by norm, shuffled within each sentence."""


@dataclass(frozen=True, slots=True, eq=False)
class Profiles:
    """Measures of n sentences.

    ``tokens`` [n, classes]: the share of a sentence's tokens in each class, which is the attention
    of a uniform head. ``heads`` [n, depth, heads, classes]: raw attention by class; ``entropy`` [n,
    depth, heads], 1 for a uniform head. ``shares`` [n, classes] of each method at each place;
    ``correlations`` [n]: the rank correlation of two methods over a sentence's tokens, NaN where it
    is undefined. ``feed_forward`` [n, depth]: the norm of the feed-forward term, relative to that
    of [CLS], and ``deviation``, the largest difference of [CLS] and the sum of all terms; [n, 0]
    and 0 where blocks cannot be decomposed.
    """

    tokens: Array
    heads: Array
    entropy: Array
    shares: Mapping[Column, Array]
    correlations: Mapping[Pair, Array]
    feed_forward: Array
    deviation: float

    def __len__(self) -> int:
        return len(self.tokens)


def profiles(encoder: Encoder, groups: Iterable[TokenOutputs], seed: int) -> Profiles:
    """Of all groups of ``model.token_outputs(texts, attentions=True)``."""
    rng = np.random.default_rng(seed)
    batches = []
    for outputs in groups:
        with single_blas_thread():
            batches.append(_profiles(encoder, outputs, rng))
    first = batches[0]
    return Profiles(
        tokens=np.concatenate([batch.tokens for batch in batches]),
        heads=np.concatenate([batch.heads for batch in batches]),
        entropy=np.concatenate([batch.entropy for batch in batches]),
        shares={
            column: np.concatenate([batch.shares[column] for batch in batches])
            for column in first.shares
        },
        correlations={
            pair: np.concatenate([batch.correlations[pair] for batch in batches])
            for pair in first.correlations
        },
        feed_forward=np.concatenate([batch.feed_forward for batch in batches]),
        deviation=max(batch.deviation for batch in batches),
    )


def entropies(outputs: TokenOutputs) -> Array:
    """The entropy of the attention weights of [CLS] over its maximum, log t, [n, depth, heads]."""
    row = _cls_attention(outputs)
    logs = np.log(row, out=np.zeros_like(row), where=row > 0)
    entropy: Array = -(row * logs).sum(axis=-1) / np.log(row.shape[-1])
    return entropy


def _cls_attention(outputs: TokenOutputs) -> Array:
    """The attention weights of [CLS] on each token, [n, depth, heads, t]."""
    return attention_maps(outputs)[:, :, :, 0].astype(np.float64).swapaxes(0, 1)


def _profiles(encoder: Encoder, outputs: TokenOutputs, rng: np.random.Generator) -> Profiles:
    attributed = attributions(encoder, outputs)
    classes = token_classes(encoder, outputs.ids, outputs.special)
    one_hot = (classes[..., None] == np.arange(len(CLASSES))).astype(np.float64)
    states = outputs.hidden_states[1:, :, 0]
    return Profiles(
        tokens=one_hot.mean(axis=1),
        heads=np.einsum("nbht,ntc->nbhc", _cls_attention(outputs), one_hot),
        entropy=entropies(outputs),
        shares={
            (method, place): np.einsum("nt,ntc->nc", shares, one_hot)
            for method, place, shares in attributed.items()
        },
        correlations=dict(_correlations(attributed, rng)),
        feed_forward=_feed_forward(attributed.decompositions, states),
        deviation=_deviation(attributed.decompositions, states),
    )


def _correlations(
    attributed: Attributions, rng: np.random.Generator
) -> Iterator[tuple[Pair, Array]]:
    """Over all tokens but [CLS], whose own share has no place in the order of the others."""
    by_place: dict[Place, dict[str, Floats]] = {}
    for method, place, shares in attributed.items():
        by_place.setdefault(place, {})[method] = shares[:, 1:]
    for place, by_method in by_place.items():
        for first, second in combinations(by_method, 2):
            yield (first, second, place), spearmans(by_method[first], by_method[second])
        if NORMS in by_method:
            shuffled = rng.permuted(by_method[NORMS], axis=1)
            yield (RAW, SHUFFLED, place), spearmans(by_method[RAW], shuffled)


def _feed_forward(blocks: Sequence[Decomposition], states: Floats) -> Array:
    norms = [np.linalg.norm(block.feed_forward, axis=-1) for block in blocks]
    ratios = [n / norm for n, norm in zip(norms, np.linalg.norm(states, axis=-1), strict=False)]
    return np.array(ratios, np.float64).T.reshape(states.shape[1], len(blocks))


def _deviation(blocks: Sequence[Decomposition], states: Floats) -> float:
    pairs = zip(blocks, states, strict=False)
    return max((float(np.abs(block.total - state).max()) for block, state in pairs), default=0.0)
