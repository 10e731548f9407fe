"""The study: texts drawn, every layer measured, controls beside it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from poolwise.errors import StudyError
from poolwise.model import Model
from poolwise.progress import Progress
from poolwise.readouts import parse
from poolwise.records import Finding, Floats, Number, Sentence
from poolwise.selection.duplicates import factorize, token_id_bytes
from poolwise.selection.vector_cache import VectorCache
from poolwise.studies.geometry.charts import ISOTROPIC, charts
from poolwise.studies.geometry.shape import (
    ANISOTROPY,
    APART,
    FEWEST_PAIRS,
    RAW,
    STATISTICS,
    Sample,
    Shape,
    View,
    shape_of,
)
from poolwise.studies.geometry.similar_texts import similar_pairs
from poolwise.studies.geometry.verdict import evidence, shape_notes, verdict
from poolwise.studies.study import Context, VectorRequest
from poolwise.texts import DataKind, LabelledTexts, TextPairs, Texts

if TYPE_CHECKING:
    from poolwise.encoders import Encoder

POOLS = ("cls", "mean")
MOST = 1000
"""Texts measured; others, half as many or more, are those that the standardising is fitted on."""
FEWEST = 30
"""Texts below which nothing is said."""
DIAGONAL = "Gaussian vectors of the means and deviations of"


class Geometry:
    """Anisotropy, dominant dimensions, effective rank, uniformity and alignment of every layer.

    Of [CLS] and of the mean, raw and standardised; the standardising is fitted on other texts than
    those measured. Controls: as many Gaussian vectors, isotropic and, at the last layer, with each
    dimension's own mean and deviation. Any texts will do: ``data`` are texts, or hold ``texts``;
    alignment needs pairs with scores, or labels.
    """

    name = "geometry"
    question = "What shape is the space?"
    takes: Sequence[DataKind] = ("pairs", "labels", "texts")

    def __init__(
        self,
        data: TextPairs | LabelledTexts | Iterable[str | Sentence],
        seed: int = 0,
    ) -> None:
        rng = np.random.default_rng(seed)
        texts = _texts(data)
        shuffled = [texts[i] for i in rng.permutation(len(texts)).tolist()]
        n_fitted = min(len(shuffled) // 3, MOST)
        self._fitted, self._measured = shuffled[:n_fitted], shuffled[n_fitted:][:MOST]
        self._like = similar_pairs(data, set(self._fitted), MOST, rng)
        self._data, self._seed = getattr(data, "name", "these texts"), seed
        self.data = [data] if isinstance(data, TextPairs | LabelledTexts | Texts) else []

    def request(self, model: Model) -> VectorRequest:
        readouts = [parse(f"{pool}@{k}") for pool in POOLS for k in range(model.depth + 1)]
        return VectorRequest(
            [*self._fitted, *self._measured, *self._like.first, *self._like.second], readouts
        )

    def run(self, context: Context) -> Iterator[Finding]:
        encoder, cache, progress = context.model, context.vectors, context.progress
        sample = self._sample(encoder, cache)
        views: list[View] = []
        with Progress("spaces", len(POOLS) * (encoder.depth + 1), show=progress) as bar:
            for pool in POOLS:
                for k in range(encoder.depth + 1):
                    views += sample.views(pool, k, cache[f"{pool}@{k}"])
                    bar.advance(1)
        last = [view for view in views if view.layer == encoder.depth]
        lower = [view for view in views if view.layer < encoder.depth]
        controls = dict(self._controls(sample, cache, last))
        yield Finding(
            study=self.name,
            question=self.question,
            verdict=verdict(last),
            evidence=evidence(last, encoder.width),
            numbers=[*_numbers(last, controls), *_numbers(lower, {})],
            charts=[*charts(views, controls[ISOTROPIC])],
            notes=[
                *shape_notes(last, lower, controls[ISOTROPIC]),
                *self._notes(sample),
                *_constants(views),
            ],
            provenance={"data": self._data, "texts measured": len(sample.measured)},
        )

    def _sample(self, encoder: Encoder, cache: VectorCache) -> Sample:
        """Of texts that the encoder reads alike, one. Raises StudyError where too few are left."""
        groups = factorize(token_id_bytes(encoder, cache.texts))
        rows = cache.rows([*self._fitted, *self._measured])
        unique = np.zeros(len(rows), np.bool_)
        unique[np.unique(groups[rows], return_index=True)[1]] = True
        fitted, measured = np.split(
            np.where(unique & cache.usable[rows], rows, -1), [len(self._fitted)]
        )
        fitted, measured = fitted[fitted >= 0], measured[measured >= 0]
        if len(fitted) + len(measured) < FEWEST:
            raise StudyError(
                f"{self._data}: {len(fitted) + len(measured)} different texts that are not empty; "
                f"the shape of a space needs {FEWEST} or more"
            )
        first, second = cache.rows(self._like.first), cache.rows(self._like.second)
        usable = cache.usable[first] & cache.usable[second] & (groups[first] != groups[second])
        first, second = first[usable], second[usable]
        copies = len(rows) - int(unique.sum())
        of_pairs = np.stack([groups[first], groups[second]], axis=1)
        return Sample(fitted, measured, first, second, of_pairs, copies)

    def _controls(
        self, sample: Sample, cache: VectorCache, last: Sequence[View]
    ) -> Iterator[tuple[str, Shape]]:
        rng = np.random.default_rng(self._seed)
        yield ISOTROPIC, shape_of(rng.standard_normal(cache[last[0].source][sample.measured].shape))
        for view in last:
            if view.kind == RAW:
                vectors = cache[view.source][sample.measured]
                yield f"{DIAGONAL} {view.source}", shape_of(_diagonal(vectors, rng))

    def _notes(self, sample: Sample) -> Iterator[str]:
        n = len(sample.measured)
        yield (
            f"{n:,} texts measured, in all their pairs; standardised by the mean and deviation of "
            f"{len(sample.fitted):,} others; intervals as of resampled texts"
        )
        if sample.copies:
            yield f"{sample.copies:,} texts left out: the encoder reads them as it reads others"
        yield (
            "dimensions filled: (tr C)² / tr C² of the covariance C, estimated so that the "
            "number of texts does not matter"
        )
        yield "uniformity: log of the mean of exp(−2 d²); 0 where all texts are one, −4 at best"
        if sample.has_pairs:
            yield f"texts that are alike: {len(sample.first):,} {self._like.reason}"
        else:
            yield (
                f"no alignment: {len(sample.first)} pairs of texts are known to be alike, which "
                f"needs {FEWEST_PAIRS}; give pairs with scores, or labels"
            )


def _diagonal(vectors: Floats, rng: np.random.Generator) -> NDArray[np.float64]:
    noise = rng.standard_normal(vectors.shape)
    return np.asarray(vectors.mean(axis=0) + vectors.std(axis=0) * noise)


def _numbers(views: Sequence[View], controls: Mapping[str, Shape]) -> Iterator[Number]:
    """Statistic by statistic, that of every view and then of the controls."""
    for name in STATISTICS:
        for view in views:
            if (e := view.shape.get(name)) is not None:
                where: dict[str, str | int] = {"readout": view.readout, "layer": view.layer}
                yield Number.of(name, e, where, control=name == APART)
        for control, shape in controls.items():
            if (e := shape.get(name)) is not None:
                yield Number.of(name, e, {"readout": control}, control=True)


def _constants(views: Sequence[View]) -> Iterator[str]:
    names = [v.source for v in views if v.kind == RAW and v.shape[ANISOTROPY].value is None]
    if names:
        yield f"{', '.join(names)}: every text has the same vector, so there is no shape"


def _texts(data: TextPairs | LabelledTexts | Iterable[str | Sentence]) -> list[str]:
    """Every different text."""
    texts: Any = data
    if isinstance(data, TextPairs):
        texts = [*data.first, *data.second]
    elif hasattr(data, "texts"):
        texts = data.texts
    return list(dict.fromkeys(t.text if isinstance(t, Sentence) else t for t in texts))
