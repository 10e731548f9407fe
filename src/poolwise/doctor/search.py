"""The readout that is nearest to found vectors, among all that are known."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from poolwise.doctor.after_pooling import NOTHING, AfterPooling, after_pooling
from poolwise.doctor.candidates import (
    LINEAR_POOLS,
    MAX_POOLS,
    ROOT_MEAN,
    Mixes,
    fitted_weights,
    mix_distances,
    mix_name,
    specs_of,
    stacked,
)
from poolwise.doctor.matching import FARTHEST, distances
from poolwise.doctor.reader import Doubles, Reader
from poolwise.doctor.reading import Reading
from poolwise.doctor.target import Target

SAME = 1e-6
"""Directions this near to each other are those of one vector: two names for the same."""

MOST_PARTS = 16
"""Readouts side by side, at most."""

WEIGHT = 0.02
"""A layer with a smaller share than this of fitted weights is left out."""


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """A way to make vectors: how texts are read, what is pooled, and what follows.

    ``specs`` are readouts without steps, whose vectors stand side by side; ``pooled`` is their name
    as one, as readouts are written. ``error`` is the median over texts of the distance between its
    directions and the found ones (see ``matching.distances``).
    """

    reading: Reading
    pooled: str
    specs: tuple[str, ...]
    after: AfterPooling = NOTHING
    error: float = FARTHEST

    def vectors(self, reader: Reader, texts: Sequence[str], reading: Reading) -> Doubles:
        """Vectors of ``texts`` read so, [n, d], before any cut and normalisation."""
        return self.finished(reader.vectors(reading, texts, self.specs))

    def finished(self, vectors: dict[str, Doubles]) -> Doubles:
        """From the readouts of ``specs``."""
        return self.after.apply(np.concatenate([vectors[spec] for spec in self.specs], axis=1))

    @property
    def name(self) -> str:
        """``mean@-1|dense``, or ``mean@-1 (pooled twice: …)``."""
        if self.after.steps is None:
            return f"{self.pooled} ({self.after.meaning})"
        return self.pooled + self.after.steps


def rank(
    reader: Reader, reading: Reading, texts: Sequence[str], target: Target, *, most: int = 12
) -> list[Hypothesis]:
    """The nearest hypotheses about ``target`` [n, m], whose texts are read so, nearest first."""
    depth, model = reader.model.depth, reader.model
    specs = specs_of(model)
    vectors = reader.vectors(reading, texts, specs)
    found: list[Hypothesis] = []
    for after in after_pooling(model):
        found += _single(reading, vectors, after, target)
    if target.width <= model.width and not target.binary:
        for pool in LINEAR_POOLS:
            found += _mixed(reading, stacked(vectors, pool, depth), pool, depth, target)
    elif model.width < target.width <= MOST_PARTS * model.width:
        found += _side_by_side(reading, vectors, depth, target)
    found += _declared(reader, reading, texts, vectors, target)
    best: dict[str, Hypothesis] = {}
    for hypothesis in sorted(found, key=lambda h: h.error):
        best.setdefault(hypothesis.name, hypothesis)
    farthest = Hypothesis(reading, "mean@-1", ("mean@-1",))
    return list(best.values())[:most] or [farthest]


def _single(
    reading: Reading, vectors: dict[str, Doubles], after: AfterPooling, target: Target
) -> Iterator[Hypothesis]:
    specs = [
        spec
        for spec, pooled in vectors.items()
        if after.width in (None, pooled.shape[1])
        and spec not in after.skips
        and not (after is NOTHING and spec.startswith(ROOT_MEAN))
    ]
    if not specs:
        return
    # At once, for a product of matrices has its own cost a call.
    made = after.apply(np.concatenate([vectors[spec] for spec in specs]))
    if made.shape[1] < target.width:
        return
    by_spec = made.reshape(len(specs), len(target.values), made.shape[1])
    errors = np.median(target.distances(by_spec), axis=1)
    for spec, error in zip(specs, errors.tolist(), strict=True):
        yield Hypothesis(reading, spec, (spec,), after, error)


def _mixed(
    reading: Reading, states: Doubles, pool: str, depth: int, target: Target
) -> Iterator[Hypothesis]:
    """One linear pool over several layers."""
    kept = states[:, :, : target.width]
    rows = np.isfinite(kept).all(axis=(0, 2))
    if not rows.any():
        return
    kept, values = kept[:, rows], target.values[rows]
    mixes = Mixes.of(depth)
    errors = np.median(mix_distances(kept, values, mixes), axis=0)
    nearest = np.argsort(errors, kind="stable")[:8]
    for index in nearest:
        spec = f"{pool}@{mixes.names[index]}"
        yield Hypothesis(reading, spec, (spec,), error=float(errors[index]))
    weights = _rounded(fitted_weights(kept, values))
    if weights is not None:
        fitted = Mixes([""], weights[None])
        error = float(np.median(mix_distances(kept, values, fitted)))
        if error < 0.5 * float(errors.min()):
            spec = f"{pool}@{_weights_name(weights, depth)}"
            yield Hypothesis(reading, spec, (spec,), error=error)


def rank_rare(
    reader: Reader, reading: Reading, texts: Sequence[str], target: Target, *, most: int = 12
) -> list[Hypothesis]:
    """What hardly anybody does: averages of layers before the Dense layers or the pooler, and the
    largest values of averages of layers."""
    depth, model = reader.model.depth, reader.model
    if target.width > model.width:
        return []
    mixes = Mixes.of(depth)
    vectors = reader.vectors(reading, texts, specs_of(model))
    states = {pool: stacked(vectors, pool, depth) for pool in (*LINEAR_POOLS, ROOT_MEAN)}
    mixed = {
        f"{pool}@{name}": np.einsum("l,lnd->nd", weights, layers)
        for pool, layers in states.items()
        for name, weights in zip(mixes.names, mixes.weights, strict=True)
    }
    largest = [f"{pool}@{name}" for pool in MAX_POOLS for name in mixes.names]
    mixed |= reader.vectors(reading, texts, largest)
    found = [
        hypothesis
        for after in after_pooling(model)
        for hypothesis in _single(reading, mixed, after, target)
    ]
    return sorted(found, key=lambda h: h.error)[:most]


Ranking: TypeAlias = Callable[[Reader, Reading, Sequence[str], Target], list[Hypothesis]]


def _rounded(weights: Doubles) -> Doubles | None:
    """Without layers that hardly count; None where no sensible weights are left."""
    kept = np.where(np.abs(weights) < WEIGHT, 0, weights)
    if not np.isfinite(kept).all() or not kept.any() or np.abs(kept).max() > 20:
        return None
    return np.asarray(kept / kept.sum() if abs(kept.sum()) > 1e-9 else kept)


def _weights_name(weights: Doubles, depth: int) -> str:
    layers = [layer for layer, weight in enumerate(weights) if weight]
    if np.ptp(weights[layers]) < 0.02 * np.abs(weights).max():
        return mix_name(layers, depth)
    return f"weights({','.join(f'{layer}={float(weights[layer]):.4g}' for layer in layers)})"


def _side_by_side(
    reading: Reading, vectors: dict[str, Doubles], depth: int, target: Target
) -> Iterator[Hypothesis]:
    """Vectors of several times the model's width: what each part of that width is."""
    width = next(iter(vectors.values())).shape[1]
    nearest: list[list[tuple[float, str]]] = []
    for start in range(0, target.width, width):
        part = target.part(start, min(start + width, target.width))
        nearest.append(
            sorted(
                (float(np.median(part.distances(x))), spec)
                for spec, x in vectors.items()
                if not spec.startswith(ROOT_MEAN)
            )
        )
    parts = [ranked[0][1] for ranked in nearest]
    # The runner-up has another readout in the part where the second is nearest to the first.
    closest = min(range(len(parts)), key=lambda i: nearest[i][1][0] - nearest[i][0][0])
    others = [*parts[:closest], nearest[closest][1][1], *parts[closest + 1 :]]
    for specs in (parts, others):
        made = np.concatenate([vectors[spec] for spec in specs], axis=1)
        error = float(np.median(target.distances(made)))
        yield Hypothesis(reading, _joined_name(specs), tuple(specs), error=error)


def _joined_name(specs: Sequence[str]) -> str:
    """``mean@concat(-2,-1)`` and ``cls+mean@-1`` are readouts; others are written with ``+``."""
    pools, layers = zip(*(spec.partition("@")[::2] for spec in specs), strict=True)
    if len(set(pools)) == 1 and pools[0] != "pooler" and len(set(layers)) == len(layers):
        return f"{pools[0]}@concat({','.join(layers)})"
    if len(set(layers)) == 1 and len(set(pools)) == len(pools):
        return f"{'+'.join(pools)}@{layers[0]}"
    return " + ".join(specs)


def _declared(
    reader: Reader,
    reading: Reading,
    texts: Sequence[str],
    vectors: dict[str, Doubles],
    target: Target,
) -> Iterator[Hypothesis]:
    """The folder's own readout, where its layers or pools are none of the others'."""
    declared = reader.model.declared
    if declared is None:
        return
    spec = str(declared.pooled)
    pooled = vectors[spec] if spec in vectors else reader.vectors(reading, texts, [spec])[spec]
    for after in after_pooling(reader.model):
        if after.width in (None, pooled.shape[1]):
            made = after.apply(pooled)
            if made.shape[1] >= target.width:
                error = float(np.median(target.distances(made)))
                yield Hypothesis(reading, spec, (spec,), after, error)


@dataclass(frozen=True, slots=True)
class Search:
    """The nearest hypothesis, those that no text tells from it, and the first other one."""

    best: Hypothesis
    same: tuple[Hypothesis, ...]
    runner_up: Hypothesis | None


def search(
    reader: Reader,
    readings: Sequence[Reading],
    texts: Sequence[str],
    target: Target,
    ranking: Ranking = rank,
) -> Search:
    """Compare ``target`` with the readouts of ``ranking``, of ``texts`` in each reading."""
    ranked: list[Hypothesis] = []
    seen: set[tuple[bytes, ...]] = set()
    for reading in readings:
        tokenized = reader.tokenize(reading, texts)
        ids = tuple(text.windows[0].ids.tobytes() for text in tokenized)
        if ids not in seen:
            seen.add(ids)
            ranked += ranking(reader, reading, texts, target)
    ranked.sort(key=lambda hypothesis: hypothesis.error)
    return _told_apart(reader, ranked, texts, target)


def _told_apart(
    reader: Reader, ranked: Sequence[Hypothesis], texts: Sequence[str], target: Target
) -> Search:
    best = ranked[0] if ranked else Hypothesis(Reading(), "mean@-1", ("mean@-1",))
    if best.error >= FARTHEST:
        return Search(best, (), None)
    own = best.vectors(reader, texts, best.reading)[:, : target.width]
    same: list[Hypothesis] = []
    for hypothesis in ranked[1:]:
        made = hypothesis.vectors(reader, texts, hypothesis.reading)[:, : target.width]
        if float(np.nanmax(distances(own, made), initial=0)) > SAME:
            return Search(best, tuple(same), hypothesis)
        same.append(hypothesis)
    return Search(best, tuple(same), None)
