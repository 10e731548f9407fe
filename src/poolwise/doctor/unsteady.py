"""Vectors of a source that gives a text another one each time: the readout behind that noise."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from poolwise.doctor.matching import FARTHEST
from poolwise.doctor.reader import Reader
from poolwise.doctor.reading import Reading
from poolwise.doctor.search import Hypothesis, Search, rank
from poolwise.doctor.target import Target
from poolwise.errors import ReadoutError
from poolwise.readouts import parse
from poolwise.selection.grid import canonical_key

SLACK = 1.3
"""A readout explains the vectors within the noise of one answer, as far as few texts tell that."""

MOST_NOISE = 0.8
"""Of one answer; vectors with more, a cosine of 0.68, show little of what made them."""

TOLD_APART = 3.0
"""Standard errors of the difference between two readouts' distances that are no chance."""


def unsteady_tolerance(usual: float) -> float:
    """The distance within which a readout explains vectors of which two of the same text are
    ``usual`` apart: both have the noise, and a readout has none. 0 where it would hide all."""
    noise = SLACK * usual / np.sqrt(2)
    return float(noise) if noise <= MOST_NOISE else 0.0


def unsteady_search(
    reader: Reader,
    stages: Sequence[Sequence[Reading]],
    texts: Sequence[str],
    target: Target,
    tolerance: float,
) -> Search:
    """The nearest readout, of the first stage that has one within ``tolerance``.

    ``same`` are those that the noise does not tell from it; the declared one is taken before them.
    """
    best = Search(Hypothesis(Reading(), "mean@-1", ("mean@-1",), error=FARTHEST), (), None)
    for readings in stages:
        for reading in readings:
            found = _nearest(reader, reading, texts, target)
            if found.best.error < best.best.error:
                best = found
        if best.best.error <= tolerance:
            break
    return best


def _nearest(reader: Reader, reading: Reading, texts: Sequence[str], target: Target) -> Search:
    ranked = rank(reader, reading, texts, target)
    errors = [target.distances(h.vectors(reader, texts, reading)) for h in ranked]
    tied = [ranked[0]]
    for hypothesis, error in zip(ranked[1:], errors[1:], strict=True):
        gaps = error - errors[0]
        if gaps.mean() > TOLD_APART * gaps.std() / np.sqrt(len(gaps)):
            break
        tied.append(hypothesis)
    runner_up = ranked[len(tied)] if len(ranked) > len(tied) else None
    best = next((h for h in tied if _is_declared(reader, h)), tied[0])
    return Search(best, tuple(h for h in tied if h is not best), runner_up)


def _is_declared(reader: Reader, hypothesis: Hypothesis) -> bool:
    model = reader.model
    if model.declared is None or hypothesis.after.steps is None:
        return False
    try:
        pooled = parse(hypothesis.pooled)
    except ReadoutError:
        return False
    dense = hypothesis.after.name == "dense"
    same = canonical_key(pooled, model) == canonical_key(model.declared.pooled, model)
    return same and dense == model.declared.has_dense
