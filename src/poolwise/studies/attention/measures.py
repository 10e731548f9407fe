"""Means over sentences, each with its interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from poolwise.statistics.estimate import Estimate
from poolwise.studies.attention.attributions import Place
from poolwise.studies.attention.profiles import Pair, Profiles
from poolwise.studies.attention.ranks import means
from poolwise.studies.token_classes import CLASSES

Array = NDArray[np.float64]
Key = TypeVar("Key")


@dataclass(frozen=True, slots=True, eq=False)
class Measures:
    """Means over n sentences. Blocks and heads count from 1, classes are those of ``CLASSES``.

    ``entropy``: the mean over a block's heads; ``untrained``: the same in a re-initialised encoder.
    All else as in ``Profiles``.
    """

    n: int
    deviation: float
    tokens: Mapping[str, Estimate]
    heads: Mapping[tuple[int, int, str], Estimate]
    head_entropy: Mapping[tuple[int, int], Estimate]
    entropy: Mapping[int, Estimate]
    untrained: Mapping[int, Estimate]
    shares: Mapping[tuple[str, Place, str], Estimate]
    correlations: Mapping[Pair, Estimate]
    feed_forward: Mapping[int, Estimate]

    @property
    def blocks(self) -> Sequence[int]:
        """Numbers of the blocks, from 1."""
        return list(self.entropy)

    @property
    def methods(self) -> Sequence[str]:
        """The attribution methods that were measured."""
        return list(dict.fromkeys(method for method, _, _ in self.shares))


def measure(profiles: Profiles, untrained: Array) -> Measures:
    """``untrained``: the entropies of a re-initialised encoder, [n, depth, heads]."""
    n, depth, heads = profiles.entropy.shape
    blocks = range(1, depth + 1)
    by_head = [(block, head) for block in blocks for head in range(1, heads + 1)]
    return Measures(
        n=n,
        deviation=profiles.deviation,
        tokens=_by_key(CLASSES, profiles.tokens),
        heads=_by_key([(*head, name) for head in by_head for name in CLASSES], profiles.heads),
        head_entropy=_by_key(by_head, profiles.entropy),
        entropy=_by_key(blocks, profiles.entropy.mean(axis=2)),
        untrained=_by_key(blocks, untrained.mean(axis=2)),
        shares={
            (*column, name): estimate
            for column, table in profiles.shares.items()
            for name, estimate in _by_key(CLASSES, table).items()
        },
        correlations={
            pair: means(values[:, None])[0] for pair, values in profiles.correlations.items()
        },
        feed_forward=_by_key(blocks, profiles.feed_forward) if profiles.feed_forward.size else {},
    )


def _by_key(keys: Sequence[Key], table: Array) -> dict[Key, Estimate]:
    return dict(zip(keys, means(table.reshape(len(table), -1)), strict=True))
