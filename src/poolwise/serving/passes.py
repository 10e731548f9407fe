"""One pass for pieces of several jobs: the union of their readouts, each job's own rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from numpy.typing import NDArray

from poolwise.engines import Plan, plan
from poolwise.extraction import run_plan
from poolwise.readouts import Readout
from poolwise.records import TokenizedText
from poolwise.serving.catalogue import ServedModel, ServedReadout
from poolwise.serving.jobs import Job
from poolwise.transforms import finite_rows


@dataclass(frozen=True, slots=True)
class Piece:
    """``count`` texts of a job from ``start`` on, the next of it."""

    job: Job
    start: int
    count: int

    @property
    def texts(self) -> Sequence[TokenizedText]:
        return self.job.texts[self.start : self.start + self.count]

    @property
    def n_tokens(self) -> int:
        return sum(text.n_tokens for text in self.texts)


def run_pass(served: ServedModel, pieces: Sequence[Piece]) -> None:
    """Compute the pieces, all of one model, in one pass, and add their outputs to their jobs."""
    texts = [text for piece in pieces for text in piece.texts]
    readouts = tuple(dict.fromkeys(r for piece in pieces for r in piece.job.readouts))
    layers = tuple(sorted({layer for piece in pieces for layer in piece.job.layers}))
    chosen = _plan(
        tuple(dict.fromkeys(r.fitted.readout for r in readouts)),
        layers,
        served.model.depth,
        served.model.has_pooler,
    )
    outputs = run_plan(served.model.engine_for(served.precision), chosen, texts)
    pooled = chosen.assemble(outputs.vectors)
    finite = {name: finite_rows(vectors) for name, vectors in pooled.items()}
    whole = {r: r.steps.apply(pooled[r.text], finite[r.text]) for r in readouts if r.by_rows}
    whole_finite = {r: finite_rows(vectors) for r, vectors in whole.items()}
    results, start = [], 0
    for piece in pieces:
        job, rows = piece.job, slice(start, start + piece.count)
        vectors: dict[ServedReadout, NDArray[Any]] = {}
        own = []
        for r in job.readouts:
            vectors[r] = whole[r][rows] if r in whole else r.steps.apply(pooled[r.text][rows])
            own.append(finite[r.text][rows])
            own.append(whole_finite[r][rows] if r in whole else finite_rows(vectors[r]))
        states = [
            {layer: outputs.hidden_states[layer][i] for layer in job.layers}
            for i in range(start, start + piece.count)
        ]
        all_finite = [all(values) for values in zip(*own, strict=True)] or [True] * piece.count
        results.append((job, vectors, all_finite, states))
        start += piece.count
    for job, vectors, all_finite, states in results:  # only memory can fail any more
        job.passes += 1
        job.add(vectors, all_finite, states)


@lru_cache(maxsize=256)
def _plan(
    readouts: tuple[Readout, ...], layers: tuple[int, ...], depth: int, has_pooler: bool
) -> Plan:
    return plan(readouts, depth=depth, has_pooler=has_pooler, hidden_states=layers)
