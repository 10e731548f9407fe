"""Each score without labels, of every readout."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poolwise.encoders import Encoder
from poolwise.engines.workers import cores
from poolwise.progress import Progress
from poolwise.readouts import Readout, parse
from poolwise.records import Floats
from poolwise.selection.grid import without_l2
from poolwise.selection.tasks.task import fitted_steps
from poolwise.selection.vector_cache import VectorCache
from poolwise.statistics.geometry import same_rows, unit_vectors
from poolwise.studies.hints.label_free_scores import LABEL_FREE_SCORES, SampleVectors
from poolwise.studies.hints.sample import SampleRows

Array = NDArray[np.float64]

RANDOM = "a readout at random"
DEEPEST = "the deepest layer"
WIDEST = "the most dimensions"
LONGEST = "the longest vectors"
CONTROLS = (RANDOM, DEEPEST, WIDEST, LONGEST)


@dataclass(frozen=True, slots=True)
class ScoreTable:
    """``values`` [h, c]: scores without labels, then ``CONTROLS``, of c readouts; turned so that
    the highest is what a score would choose. NaN where it is undefined."""

    names: Sequence[str]
    values: Array

    @property
    def n_scores(self) -> int:
        """How many of the rows are scores without labels: the others are controls."""
        return len(self.names) - len(CONTROLS)


def score_table(
    encoder: Encoder,
    readouts: Sequence[Readout],
    cache: VectorCache,
    sample: SampleRows,
    *,
    progress: bool = False,
) -> ScoreTable:
    """Of every readout; steps are fitted on the texts of the sample that are not measured."""

    def values_of(readout: Readout) -> list[float]:
        return list(_values(encoder, readout, cache, sample))

    names = [*(score.name for score in LABEL_FREE_SCORES), *CONTROLS]
    bar = Progress("scores without labels", len(readouts), show=progress)
    columns = []
    with bar, ThreadPoolExecutor(cores()) as workers:
        for column in workers.map(values_of, readouts):
            columns.append(column)
            bar.advance(1)
    return ScoreTable(names, np.array(columns).T)


def _values(
    encoder: Encoder, readout: Readout, cache: VectorCache, sample: SampleRows
) -> Iterator[float]:
    vectors = _vectors(encoder, readout, cache, sample)
    for score in LABEL_FREE_SCORES:
        value = np.nan if vectors is None else score.function(vectors)
        yield value if score.higher else -value
    yield 0.0
    yield max(readout.layer_indices(encoder.depth))
    yield encoder.width_of(readout)
    yield np.nan if vectors is None else vectors.mean_norm


def _vectors(
    encoder: Encoder, readout: Readout, cache: VectorCache, sample: SampleRows
) -> SampleVectors | None:
    """After the readout's steps; None where these cannot be fitted, or give what is not finite, and
    where every text has the same vector."""
    pooled: Floats = cache[str(readout.pooled)]
    steps = without_l2(readout)
    apply = fitted_steps(steps, pooled[sample.fitted], cache.dense_stack)
    if apply is None or same_rows(pooled[sample.measured].astype(np.float64)):
        return None
    x, whole, shortened = (
        np.asarray(apply(pooled[rows]), np.float64)
        for rows in (sample.measured, sample.whole, sample.shortened)
    )
    if not all(np.isfinite(rows).all() for rows in (x, whole, shortened)):
        return None
    norm = float(np.linalg.norm(x, axis=1).mean())
    if steps != readout:
        x, whole, shortened = (unit_vectors(rows) for rows in (x, whole, shortened))
    below = layer_below(readout, encoder.depth)
    return SampleVectors(
        x,
        whole,
        shortened,
        norm,
        pooled[sample.measured],
        None if below is None else cache[str(below)][sample.measured],
    )


def layer_below(readout: Readout, depth: int) -> Readout | None:
    """The same pool of the layer below, as pooled; None for the embeddings and combined layers."""
    if readout.layers is None or len(readout.layer_indices(depth)) > 1:
        return None
    (layer,) = readout.layer_indices(depth)
    return parse(f"{readout.pool}@{layer - 1}") if layer else None
