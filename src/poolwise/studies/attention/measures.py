"""Means over sentences, each with its interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from poolwise.statistics.estimate import Estimate
from poolwise.studies.attention.attributions import Place
from poolwise.studies.attention.profiles import Looks, Pair
from poolwise.studies.attention.ranks import means
from poolwise.studies.token_classes import CLASSES

Array = NDArray[np.float64]
Key = TypeVar("Key")


@dataclass(frozen=True, slots=True, eq=False)
class Measures:
    """Of n sentences. Blocks and heads count from 1, classes are those of ``CLASSES``.

    ``looked`` and ``entropy``: a block's, over its heads; ``untrained``: its entropy in the
    re-initialised encoder. The others as in ``Looks``.
    """

    n: int
    deviation: float
    tokens: Mapping[str, Estimate]
    heads: Mapping[tuple[int, int, str], Estimate]
    head_entropy: Mapping[tuple[int, int], Estimate]
    entropy: Mapping[int, Estimate]
    untrained: Mapping[int, Estimate]
    shares: Mapping[tuple[str, Place, str], Estimate]
    alike: Mapping[Pair, Estimate]
    added: Mapping[int, Estimate]

    @property
    def blocks(self) -> Sequence[int]:
        """From the first, 1, to the last."""
        return list(self.entropy)

    @property
    def ways(self) -> Sequence[str]:
        """What there is for every block."""
        return list(dict.fromkeys(way for way, _, _ in self.shares))


def measure(looks: Looks, untrained: Array) -> Measures:
    """``untrained``: the entropies of a re-initialised encoder, [n, depth, heads]."""
    n, depth, heads = looks.entropy.shape
    blocks = range(1, depth + 1)
    by_head = [(block, head) for block in blocks for head in range(1, heads + 1)]
    return Measures(
        n=n,
        deviation=looks.deviation,
        tokens=_named(CLASSES, looks.tokens),
        heads=_named([(*at, name) for at in by_head for name in CLASSES], looks.heads),
        head_entropy=_named(by_head, looks.entropy),
        entropy=_named(blocks, looks.entropy.mean(axis=2)),
        untrained=_named(blocks, untrained.mean(axis=2)),
        shares={
            (*at, name): found
            for at, table in looks.shares.items()
            for name, found in _named(CLASSES, table).items()
        },
        alike={pair: means(values[:, None])[0] for pair, values in looks.alike.items()},
        added=_named(blocks, looks.added) if looks.added.size else {},
    )


def _named(names: Sequence[Key], table: Array) -> dict[Key, Estimate]:
    return dict(zip(names, means(table.reshape(len(table), -1)), strict=True))
