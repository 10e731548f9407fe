"""Where [CLS] looks and what it takes, a row a sentence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from poolwise.encoders import Encoder
from poolwise.records import Floats, TokenOutputs
from poolwise.statistics.blas import single_blas_thread
from poolwise.studies.attention.attributions import NORMS, RAW, Place, Ways, ways
from poolwise.studies.attention.block_forward import maps_of
from poolwise.studies.attention.decomposition import Parts
from poolwise.studies.attention.ranks import spearmans
from poolwise.studies.token_classes import CLASSES, token_classes

Array = NDArray[np.float64]
Where = tuple[str, Place]
Pair = tuple[str, str, Place]

SHUFFLED = "shuffled"
"""Shares by norm, shuffled within each sentence."""


@dataclass(frozen=True, slots=True, eq=False)
class Looks:
    """What n sentences show.

    ``tokens`` [n, classes]: the share of a sentence's tokens that are of each class, which is what
    a head would give that looks everywhere alike. ``heads`` [n, depth, heads, classes] and
    ``entropy`` [n, depth, heads], 1 for such a head: raw attention. ``shares`` [n, classes] of each
    way at each place; ``alike`` [n], the rank correlation of two ways over a sentence's tokens,
    NaN where it has none. ``added`` [n, depth]: the norm of the feed-forward term, relative to
    [CLS]'s, and ``deviation``, the largest difference of all parts' sum and [CLS]; [n, 0] and 0
    where blocks cannot be taken apart.
    """

    tokens: Array
    heads: Array
    entropy: Array
    shares: Mapping[Where, Array]
    alike: Mapping[Pair, Array]
    added: Array
    deviation: float

    def __len__(self) -> int:
        return len(self.tokens)


def looks(encoder: Encoder, groups: Iterable[TokenOutputs], seed: int) -> Looks:
    """Of all groups of ``model.token_outputs(texts, attentions=True)``."""
    rng = np.random.default_rng(seed)
    seen = []
    for some in groups:
        with single_blas_thread():
            seen.append(_looks(encoder, some, rng))
    first = seen[0]
    return Looks(
        tokens=np.concatenate([one.tokens for one in seen]),
        heads=np.concatenate([one.heads for one in seen]),
        entropy=np.concatenate([one.entropy for one in seen]),
        shares={at: np.concatenate([one.shares[at] for one in seen]) for at in first.shares},
        alike={pair: np.concatenate([one.alike[pair] for one in seen]) for pair in first.alike},
        added=np.concatenate([one.added for one in seen]),
        deviation=max(one.deviation for one in seen),
    )


def entropies(some: TokenOutputs) -> Array:
    """How evenly [CLS] looks in each head: the entropy of its attention by log t, its maximum,
    [n, depth, heads]."""
    row = _row(some)
    logs = np.log(row, out=np.zeros_like(row), where=row > 0)
    found: Array = -(row * logs).sum(axis=-1) / np.log(row.shape[-1])
    return found


def _row(some: TokenOutputs) -> Array:
    """The attention that [CLS] pays, [n, depth, heads, t]."""
    return maps_of(some)[:, :, :, 0].astype(np.float64).swapaxes(0, 1)


def _looks(encoder: Encoder, some: TokenOutputs, rng: np.random.Generator) -> Looks:
    found = ways(encoder, some)
    kinds = token_classes(encoder, some.ids, some.special)
    of_class = (kinds[..., None] == np.arange(len(CLASSES))).astype(np.float64)
    states = some.hidden_states[1:, :, 0]
    return Looks(
        tokens=of_class.mean(axis=1),
        heads=np.einsum("nbht,ntc->nbhc", _row(some), of_class),
        entropy=entropies(some),
        shares={
            (way, place): np.einsum("nt,ntc->nc", shares, of_class)
            for way, place, shares in found.each()
        },
        alike=dict(_alike(found, rng)),
        added=_added(found.parts, states),
        deviation=_deviation(found.parts, states),
    )


def _alike(found: Ways, rng: np.random.Generator) -> Iterator[tuple[Pair, Array]]:
    """Over the tokens without [CLS] itself, whose share says nothing of the others' order."""
    at: dict[Place, dict[str, Floats]] = {}
    for way, place, shares in found.each():
        at.setdefault(place, {})[way] = shares[:, 1:]
    for place, some in at.items():
        for first, second in combinations(some, 2):
            yield (first, second, place), spearmans(some[first], some[second])
        if NORMS in some:
            mixed = rng.permuted(some[NORMS], axis=1)
            yield (RAW, SHUFFLED, place), spearmans(some[RAW], mixed)


def _added(parts: Sequence[Parts], states: Floats) -> Array:
    norms = [np.linalg.norm(part.feed_forward, axis=-1) for part in parts]
    whole = np.linalg.norm(states, axis=-1)
    found = [norm / total for norm, total in zip(norms, whole, strict=False)]
    return np.array(found, np.float64).T.reshape(states.shape[1], len(parts))


def _deviation(parts: Sequence[Parts], states: Floats) -> float:
    return max(
        (
            float(np.abs(part.total - state).max())
            for part, state in zip(parts, states, strict=False)
        ),
        default=0.0,
    )
