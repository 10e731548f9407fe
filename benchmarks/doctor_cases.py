"""Setups by chance with their vectors of the plain probe texts, and whether an answer is right."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
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
    models: Models, draws: int, seed: int, precisions: Sequence[str] = PRECISIONS
) -> Iterator[Case]:
    """``draws`` for each model and precision; short texts show nothing of truncation."""
    for model in (DEMO, *models.families):
        folder = models.demo() if model == DEMO else models.with_dense(model)
        reader = _reader(folder)
        shape = (reader.model.depth, reader.model.width) if model == DEMO else (DEPTH, WIDTH)
        for number, precision in enumerate(precisions):
            start = (seed * len(precisions) + number) * 10_000
            for setup in _drawn(model, start, draws, shape):
                chosen = replace(setup, precision=precision)
                yield Case(model, chosen, reader, vectors(folder, chosen, PLAIN))


def _drawn(model: str, start: int, count: int, shape: tuple[int, int]) -> Iterator[Setup]:
    """Setups whose vectors the doctor can explain, without what short texts do not show."""
    while count:
        setup = replace(draw(start, model, *shape), casing="model", length=None, long="truncate")
        setup = replace(setup, side="right")
        start += 1
        if _explainable(setup, model, shape[1]):
            count -= 1
            yield setup


def _explainable(setup: Setup, model: str, width: int) -> bool:
    """Mixes of maxima, a map of the √-mean, half a layer side by side are not what it knows; a
    prompt that is read without special tokens it knows of the folder or the user alone."""
    if setup.needs_dense and (model == DEMO or setup.pool == "sqrtmean"):
        return False
    mixed = len(setup.layers) > 1 and setup.combine == "avg"
    if mixed and (setup.pool.startswith("max") or any(s in setup.steps for s in ("dense",))):
        return False
    cut = any(step.startswith("truncate") for step in setup.steps)
    if len(setup.layers) > 1 and setup.combine == "concat" and cut:
        return False
    return not (setup.prompt and setup.prompt not in OWN_PROMPTS and setup.special != "all")


@cache
def _reader(folder: Path) -> CachingReader:
    return CachingReader(poolwise.load(folder))


def _directions(setup: Setup) -> Setup:
    """Normalised, so that every readout of the same direction counts."""
    cuts = [step for step in setup.steps if step.startswith("truncate")]
    return replace(setup, steps=(*cuts, "l2"))
