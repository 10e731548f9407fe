"""The readouts that are compared with found vectors: pools, and mixes of layers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from poolwise.encoders import Encoder

Doubles = NDArray[np.float64]

LINEAR_POOLS = (
    "mean",
    "cls",
    "mean[words]",
    "sep",
    "wmean",
    "token[1]",
    "token[-2]",
)
"""Pools that commute with a weighted sum of layers."""

ROOT_MEAN = "sqrtmean"
"""It has the direction of ``mean``: another vector only once layers with a bias follow."""

MAX_POOLS = ("max", "max[words]")

POOLS = (*LINEAR_POOLS, ROOT_MEAN, *MAX_POOLS)


def layer_name(layer: int, depth: int) -> str:
    """As people write it: -1 for the last."""
    return "-1" if layer == depth else str(layer)


def specs_of(encoder: Encoder) -> list[str]:
    """Every pool of every single layer, and the pooler where the checkpoint has one."""
    layers = [layer_name(layer, encoder.depth) for layer in range(encoder.depth + 1)]
    specs = [f"{pool}@{layer}" for pool in POOLS for layer in layers]
    return [*specs, "pooler"] if encoder.has_pooler else specs


@dataclass(frozen=True, slots=True)
class Mixes:
    """Averages of several layers: ``names`` [m] as in ``avg(1,-1)``, ``weights`` [m, depth + 1]."""

    names: Sequence[str]
    weights: Doubles

    @classmethod
    @lru_cache(maxsize=8)
    def of(cls, depth: int) -> Mixes:
        """Every layer alone, every pair, and every run of consecutive layers. Not to be changed."""
        rows = list(_layer_sets(depth))
        weights = np.zeros((len(rows), depth + 1))
        for row, layers in enumerate(rows):
            weights[row, list(layers)] = 1 / len(layers)
        weights.setflags(write=False)
        return cls([mix_name(layers, depth) for layers in rows], weights)


def _layer_sets(depth: int) -> Iterator[tuple[int, ...]]:
    layers = range(depth + 1)
    yield from ((layer,) for layer in layers)
    yield from combinations(layers, 2)
    for first, last in combinations(layers, 2):
        if last - first > 1:
            yield tuple(range(first, last + 1))


def mix_name(layers: Sequence[int], depth: int, combine: str = "avg") -> str:
    """``6``, ``avg(1,-1)``, ``avg(9:-1)``."""
    names = [layer_name(layer, depth) for layer in layers]
    if len(names) == 1:
        return names[0]
    first, last = layers[0], layers[-1]
    if len(names) > 2 and list(layers) == list(range(first, last + 1)):
        return f"{combine}({names[0]}:{names[-1]})"
    return f"{combine}({','.join(names)})"


def mix_distances(states: Doubles, target: Doubles, mixes: Mixes) -> Doubles:
    """The distances (see ``matching.distances``) of every mix from ``target`` [n, d], [n, m].

    ``states`` [depth + 1, n, d] are one linear pool of every layer. No mix is computed: its
    products with the target and with itself are sums of those of the layers.
    """
    by_text = states.transpose(1, 0, 2)
    gram = by_text @ by_text.transpose(0, 2, 1)  # [n, depth + 1, depth + 1]
    cross = (by_text @ target[:, :, None])[:, :, 0]
    norms = ((mixes.weights @ gram) * mixes.weights).sum(axis=2)
    products = cross @ mixes.weights.T
    with np.errstate(divide="ignore", invalid="ignore"):
        cosines = products / np.sqrt(norms) / np.linalg.norm(target, axis=1)[:, None]
    gaps = np.sqrt(np.maximum(2 - 2 * cosines, 0))
    return np.where(np.isfinite(gaps), gaps, 2.0)


def fitted_weights(states: Doubles, target: Doubles) -> Doubles:
    """The weights [depth + 1], of sum 1, of the layers whose sum is nearest to ``target`` in
    direction; of any length in each row.

    They minimise Σᵢ‖Pᵢ(Σ w S)ᵢ‖² / Σᵢ‖(Σ w S)ᵢ‖², where Pᵢ takes out the direction of the target:
    the eigenvector of the smallest generalised eigenvalue.
    """
    from scipy.linalg import eigh  # noqa: PLC0415 - slow to import

    flat = states.reshape(len(states), -1)
    gram = flat @ flat.T
    units = target / np.maximum(np.linalg.norm(target, axis=1, keepdims=True), 1e-300)
    along = np.einsum("ind,nd->in", states, units)
    ridge = 1e-12 * np.trace(gram) * np.eye(len(gram))
    _, vectors = eigh(gram - along @ along.T, gram + ridge)
    weights: Doubles = vectors[:, 0]
    total = float(weights.sum())
    return weights / (total if abs(total) > 1e-9 else 1.0)


def stacked(vectors: Mapping[str, Doubles], pool: str, depth: int) -> Doubles:
    """One pool of every layer, [depth + 1, n, d]."""
    return np.stack([vectors[f"{pool}@{layer_name(i, depth)}"] for i in range(depth + 1)])
