"""Rearranged texts: [CLS] moved, removed or repeated, other tokens in front."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from poolwise.encoders.arrangement import ARRANGEMENTS
from poolwise.encoders.variants.rearrange import rearrange
from poolwise.progress import Progress
from poolwise.readouts import Readout, parse
from poolwise.records import Floats, Number
from poolwise.selection.duplicates import factorize, token_id_bytes
from poolwise.selection.selection import Selection
from poolwise.selection.splits import RowIndices
from poolwise.selection.vector_cache import VectorCache, cache_vectors
from poolwise.statistics.estimate import Estimate
from poolwise.statistics.geometry import unit_vectors
from poolwise.statistics.paired import mean_estimates
from poolwise.studies.first.tokens import (
    FIRST,
    MEAN,
    MIDDLE,
    layers,
    reach,
    token_vectors,
    within_reach,
)

if TYPE_CHECKING:
    from poolwise.encoders import Encoder
    from poolwise.model import Model


@dataclass(frozen=True, slots=True)
class Place:
    """A pool of a rearranged text, and the pool of the untouched text that it is compared with."""

    name: str
    arrangement: str
    pool: str
    against: str = FIRST


AWAY = Place("[CLS] in the middle, exchanged", "swapped", MIDDLE)
INSTEAD = Place("the middle token in front, exchanged", "swapped", "cls")
WITHOUT = Place("the mean, [CLS] removed", "removed", MEAN, MEAN)

ELSEWHERE = (
    AWAY,
    Place("[CLS] in the middle, moved", "moved", MIDDLE),
    Place("[CLS] twice, the first", "repeated", "cls"),
    Place("[CLS] twice, the second", "repeated", "token[1]"),
)
IN_FRONT = (INSTEAD, Place("the first word in front, [CLS] removed", "removed", "cls"))
MEANS = (
    Place("the mean, [CLS] exchanged", "swapped", MEAN, MEAN),
    Place("the mean, [CLS] moved", "moved", MEAN, MEAN),
    Place("the mean, [CLS] twice", "repeated", MEAN, MEAN),
    WITHOUT,
)
PLACES = (*ELSEWHERE, *IN_FRONT, *MEANS)

THE_TOKEN, THE_PLACE = (AWAY.name, MIDDLE), (INSTEAD.name, MIDDLE)
"""[CLS] without its place, and its place without [CLS]: each against a word in the middle."""

GROUPS: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "[CLS] elsewhere or twice, less cls": {p.name: (p.name, p.against) for p in ELSEWHERE},
    "Another in its place, less cls": {p.name: (p.name, p.against) for p in IN_FRONT},
    "The token and its place": {
        "[CLS] in the middle less a word there": THE_TOKEN,
        "a word in front less one in the middle": THE_PLACE,
        "[CLS] in the middle less a word in front": (AWAY.name, INSTEAD.name),
    },
    "The mean of all tokens, less the mean": {p.name: (p.name, p.against) for p in MEANS},
}
"""What is compared: heading, then label, then who and with whom."""

COSINE = "mean cosine to the untouched vector"
ANOTHER = "another text's {}"


@dataclass(frozen=True)
class Rearrangements:
    """Results of a pass for each arrangement.

    ``columns``: the task's number a row, [rows], of each ``place@layer``. ``cosines``: at the last
    layer, how alike each place's vector is to the untouched one it is compared with, and how alike
    those of two texts are.
    """

    columns: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    cosines: dict[str, Estimate] = field(default_factory=dict)

    def joining(self, selection: Selection) -> Selection:
        """The selection with every place at every layer among its candidates."""
        return replace(
            selection,
            baselines=[*selection.baselines, *self.columns],
            dimensions=[*selection.dimensions, *[selection.encoder.width] * len(self.columns)],
            row_scores=np.column_stack([selection.row_scores, *self.columns.values()]),
        )

    def numbers(self, layer: int) -> Iterator[Number]:
        for name, result in self.cosines.items():
            where: dict[str, str | int] = {"readout": name, "layer": layer}
            control = name not in {place.name for place in PLACES}
            yield Number.of(COSINE, result, where, control=control)


def score_rearrangements(
    model: Model, selection: Selection, seed: int, *, progress: bool = False
) -> Rearrangements:
    """A pass for each arrangement, over the texts of the selection's task."""
    result, last = Rearrangements(), layers(model)[-1]
    texts = list(dict.fromkeys(selection.task.texts))
    groups = factorize(token_id_bytes(model, texts))
    rows = selection.cache.rows(texts)
    untouched = {pool: selection.cache[f"{pool}@{last}"][rows] for pool in (FIRST, MEAN)}
    usable = selection.cache.usable[rows]
    for name in ARRANGEMENTS:
        places = [place for place in PLACES if place.arrangement == name]
        cache = cache_vectors(
            rearrange(model, name),
            texts,
            _readouts(model, places),
            precision=selection.cache.precision,
            progress=progress,
        )
        with Progress(f"readouts, {name}", len(places) * len(layers(model)), show=progress) as bar:
            for place in places:
                for k in layers(model):
                    vectors = _vectors(cache, place.pool, k)
                    result.columns[f"{place.name}@{k}"] = selection.task.row_scores(cache, vectors)
                    bar.advance(1)
                usable_rows = usable & cache.usable
                result.cosines[place.name] = _alike(
                    vectors[usable_rows], untouched[place.against][usable_rows], groups[usable_rows]
                )
    for pool, vectors in untouched.items():
        result.cosines[ANOTHER.format(pool)] = _of_two_texts(vectors[usable], seed, groups[usable])
    return result


def _readouts(encoder: Encoder, places: Sequence[Place]) -> list[Readout]:
    pools = [place.pool for place in places if place.pool != MIDDLE]
    readouts = [parse(f"{pool}@{k}") for pool in pools for k in layers(encoder)]
    return readouts + (reach(encoder) if len(pools) < len(places) else [])


def _vectors(cache: VectorCache, pool: str, layer: int) -> Floats:
    if pool == MIDDLE:
        return token_vectors(cache, within_reach(cache.n_tokens), layer)
    return cache[f"{pool}@{layer}"]


def _alike(a: Floats, b: Floats, groups: RowIndices) -> Estimate:
    """Mean cosine of corresponding rows [n, d]."""
    return mean_estimates(np.einsum("nd,nd->n", unit_vectors(a), unit_vectors(b))[:, None], groups)[
        0
    ]


def _of_two_texts(vectors: Floats, seed: int, groups: RowIndices) -> Estimate:
    """Mean cosine of rows [n, d] two by two, each in one pair."""
    first, second = np.random.default_rng(seed).permutation(len(vectors) // 2 * 2).reshape(2, -1)
    pair_groups = np.stack([groups[first], groups[second]], axis=1)
    return _alike(vectors[first], vectors[second], pair_groups)
