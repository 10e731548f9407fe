"""The hubs of an index under one readout, with and without a step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poolwise.encoders import Encoder
from poolwise.readouts import Readout, parse
from poolwise.records import Floats
from poolwise.selection.grid import WHITENED, canonical_key, layer_numbers, without_l2
from poolwise.selection.tasks.task import fitted_steps
from poolwise.selection.vector_cache import VectorCache
from poolwise.statistics.effective_dimensions import effective_dimensions
from poolwise.statistics.geometry import same_rows
from poolwise.statistics.hubness import (
    OccurrenceSkewness,
    k_occurrences,
    largest_share,
    occurrence_skewness,
    robin_hood,
    unreached_share,
)
from poolwise.statistics.nearest_documents import nearest_documents
from poolwise.studies.hubness.text_index import NEAREST, IndexRows

Array = NDArray[np.float64]

POOLS = ("mean", "cls")
AS_POOLED = "as pooled"


@dataclass(frozen=True, eq=False)
class HubView:
    """``skewness``, the share of documents ``unreached``, that of queries that the ``largest`` hub
    is near, and the Robin Hood index; ``counts`` [m] of the queries that have each document among
    their nearest."""

    base: Readout
    step: str
    skewness: OccurrenceSkewness
    unreached: float
    largest: float
    robin_hood: float
    counts: NDArray[np.intp]

    @property
    def name(self) -> str:
        return str(self.base) if self.step == AS_POOLED else f"{self.base}|{self.step}"


def base_readouts(encoder: Encoder) -> list[Readout]:
    """First what is used now, without a last ``l2``, which changes no cosine; then the mean and
    [CLS] of every layer."""
    used = parse("mean@-1") if encoder.declared is None else without_l2(encoder.declared)
    every = [parse(f"{pool}@{k}") for pool in POOLS for k in layer_numbers(encoder.depth)]
    own = canonical_key(used, encoder)
    return [used, *(readout for readout in every if canonical_key(readout, encoder) != own)]


def steps_for(width: int, documents: int) -> list[str]:
    """Nothing, and what is said to thin hubs out; whitening as the grid of a sweep has it."""
    k = next((size for size in WHITENED if size <= min(width, documents // 2)), None)
    return [AS_POOLED, "center", "standardize", *([] if k is None else [f"whiten({k})"])]


def views(
    base: Readout, steps: Sequence[str], cache: VectorCache, rows: IndexRows
) -> Iterator[HubView]:
    """One a step that can be fitted on the documents; none where all vectors are the same."""
    vectors = cache[str(base.pooled)]
    if same_rows(vectors[rows.documents].astype(np.float64)):
        return
    for step in steps:
        readout = base if step == AS_POOLED else parse(f"{base}|{step}")
        apply = fitted_steps(readout, vectors[rows.documents], cache.dense_stack)
        if apply is not None:
            documents, queries = (apply(vectors[r]) for r in (rows.documents, rows.queries))
            yield hub_view(base, step, queries, documents, rows.left_out)


def hub_view(
    base: Readout,
    step: str,
    queries: Floats | Array,
    documents: Floats | Array,
    left_out: NDArray[np.intp],
) -> HubView:
    """Of vectors [q, d] and [m, d]."""
    near = nearest_documents(_unit(queries), _unit(documents), NEAREST, left_out)
    m = len(documents)
    return HubView(
        base,
        step,
        occurrence_skewness(near, m),
        unreached_share(near, m),
        largest_share(near, m),
        robin_hood(near, m),
        k_occurrences(near, m),
    )


def filled_dimensions(base: Readout, cache: VectorCache, rows: IndexRows) -> int:
    """How many dimensions the documents fill, 1 or more."""
    vectors = cache[str(base.pooled)][rows.documents[:FILLED_FROM]]
    return max(round(effective_dimensions(vectors).value or 1), 1)


FILLED_FROM = 2000


def gaussian_view(base: Readout, dimensions: int, rows: IndexRows, seed: int) -> HubView:
    """As many Gaussian vectors of ``dimensions``: what dimension alone does."""
    rng = np.random.default_rng(seed)
    documents = rng.standard_normal((len(rows.documents), dimensions))
    queries = rng.standard_normal((len(rows.queries), dimensions))
    themselves = rows.left_out >= 0
    queries[themselves] = documents[rows.left_out[themselves]]
    return hub_view(base, GAUSSIAN, queries, documents, rows.left_out)


def shuffled_view(base: Readout, cache: VectorCache, rows: IndexRows, seed: int) -> HubView:
    """Every dimension's values exchanged among the texts: means and spreads stay, texts do not."""
    vectors, rng = cache[str(base.pooled)], np.random.default_rng(seed)
    documents = rng.permuted(vectors[rows.documents], axis=0)
    queries = rng.permuted(vectors[rows.queries], axis=0)
    themselves = rows.left_out >= 0
    queries[themselves] = documents[rows.left_out[themselves]]
    return hub_view(base, SHUFFLED, queries, documents, rows.left_out)


GAUSSIAN, SHUFFLED = "Gaussian vectors", "values exchanged among texts"


def _unit(x: Floats | Array) -> Floats:
    rows = np.asarray(x, np.float32)
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(norms > 0, norms, 1), np.float32)
