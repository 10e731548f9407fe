"""Setups by chance with their vectors of the plain probe texts, and whether an answer is right."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import product
from pathlib import Path

import numpy as np
from doctor_models import CachingReader, Models
from draws import draw
from numpy.typing import NDArray
from oracles import vectors
from setups import DEPTH, WIDTH, Setup, expected, same_as

import poolwise
from poolwise.doctor.evidence import Evidence
from poolwise.doctor.identify import Identification, identify
from poolwise.doctor.probe_texts import PLAIN
from poolwise.doctor.statement import confidence

PRECISIONS = ("float32", "float16", "bfloat16", "int8", "digits6", "decimals3", "half")
OWN_PROMPTS = ("the cat sat on ",)
"""Those of the draws that the doctor does not know by itself."""

DEMO = "demo"
AFTER = {(0, 0): "nothing", (1, 0): "dense", (2, 0): "dense twice", (0, 1): "pooler"}
"""The doctor's name of what follows pooling, by how often Dense and the pooler are applied."""


@dataclass(frozen=True, slots=True)
class Case:
    """``vectors`` [n, d] of PLAIN that ``setup`` makes with the model of ``reader``."""

    model: str
    setup: Setup
    reader: CachingReader
    vectors: NDArray[np.generic]

    def identified(self, rows: Sequence[int]) -> Identification:
        """What the doctor makes of the vectors of these texts alone."""
        return identified(self.reader, self.vectors, rows)

    def right_readout(self, found: Identification) -> bool:
        """Layer, pool, and what follows it; a readout of the same vectors is as right."""
        names = {h.name for h in (found.search.best, *found.search.same)}
        said = expected(self.setup)
        after = AFTER[said["dense"], said["pooler"]]  # type: ignore[index]
        if self.setup.pool != "pooler" and found.best.after.name != after:
            return False
        specs = same_as(_directions(self.setup), self.reader.model.depth)
        pools = {spec.partition("|")[0] for spec in specs}
        return bool(pools & {name.partition(" (")[0].partition("|")[0] for name in names})

    def right_prompt(self, found: Identification) -> bool:
        """A prompt of the same tokens is as right."""
        reading = found.best.reading

        def ids(prompt: str) -> list[bytes]:
            read = self.reader.tokenize(reading.changed(prompt=prompt), PLAIN)
            return [text.windows[0].ids.tobytes() for text in read]

        return ids(reading.prompt) == ids(self.setup.prompt)


def identified(
    reader: CachingReader, made: NDArray[np.generic], rows: Sequence[int]
) -> Identification:
    """The doctor's identification of vectors of the plain texts of these rows."""
    texts = [PLAIN[row] for row in rows]
    evidence = Evidence(texts, made[list(rows)], range(len(texts)), "vectors of a setup")
    return identify(reader, evidence, OWN_PROMPTS)


def stated_confidence(found: Identification) -> float | None:
    """Of the readout; None where nothing else was compared."""
    runner_up = found.search.runner_up
    return confidence(found.error, None if runner_up is None else runner_up.error)


def cases(
    models: Models,
    draws: int,
    seed: int,
    precisions: Sequence[str] = PRECISIONS,
    end: float = float("inf"),
) -> Iterator[Case]:
    """``draws`` for each model and precision, until time.perf_counter() says ``end``; short texts
    show nothing of truncation."""
    for (number, precision), model in product(enumerate(precisions), (DEMO, *models.families)):
        folder = models.demo() if model == DEMO else models.with_dense(model)
        reader = _reader(folder)
        shape = (reader.model.depth, reader.model.width) if model == DEMO else (DEPTH, WIDTH)
        start = (seed * len(precisions) + number) * 10_000
        for setup in _drawn(model, start, draws, shape):
            if time.perf_counter() > end:
                return
            chosen = replace(setup, precision=precision)
            yield Case(model, chosen, reader, vectors(folder, chosen, PLAIN))


def _drawn(model: str, start: int, count: int, shape: tuple[int, int]) -> Iterator[Setup]:
    """Setups whose vectors the doctor can explain, without what short texts do not show."""
    while count:
        setup = replace(draw(start, model, *shape), casing="model", length=None, long="truncate")
        setup = replace(setup, side="right")
        start += 1
        if _explainable(setup, model):
            count -= 1
            yield setup


def _explainable(setup: Setup, model: str) -> bool:
    """What it knows: of averages before other layers and of maxima of averages only those of two
    layers or of a run, and only with prompts of the folder or the user, between special tokens."""
    if setup.needs_dense and model == DEMO:
        return False
    mixed = len(setup.layers) > 1 and setup.combine == "avg"
    if not mixed or not (setup.pool.startswith("max") or "dense" in setup.steps):
        return True
    first, last = setup.layers[0], setup.layers[-1]
    run = len(setup.layers) == 2 or setup.layers == tuple(range(first, last + 1))
    known = not setup.prompt or (setup.prompt in OWN_PROMPTS and setup.special == "all")
    return run and known


@cache
def _reader(folder: Path) -> CachingReader:
    return CachingReader(poolwise.load(folder))


def _directions(setup: Setup) -> Setup:
    """Normalised, so that every readout of the same direction counts; before other layers the norm
    counts."""
    if "dense" in setup.steps or "pooler" in setup.steps:
        return replace(setup, steps=())
    cuts = [step for step in setup.steps if step.startswith("truncate")]
    return replace(setup, steps=(*cuts, "l2"))
