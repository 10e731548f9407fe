"""Vectors that no readout gives as it is: a readout with a map after it, which is recovered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poolwise.doctor.affine_map import AffineMap, fit_map, rows_needed
from poolwise.doctor.candidates import specs_of
from poolwise.doctor.evidence import Evidence
from poolwise.doctor.identify import Identification
from poolwise.doctor.probe_texts import random_texts
from poolwise.doctor.reader import Doubles, Reader
from poolwise.doctor.reading import Reading
from poolwise.doctor.statement import Statement, confidence
from poolwise.errors import RefusedTextError
from poolwise.progress import Progress

MAP_TOLERANCE = 0.02
"""The error of a map on texts that it was not fitted on, at most."""

BATCH = 32

CANDIDATES = 6
"""Readouts for which the slower fit, to normalised vectors, is done."""


@dataclass(frozen=True, slots=True)
class Mapping:
    """``spec`` followed by ``map``; the runner-up has ``next_error``."""

    spec: str
    reading: Reading
    map: AffineMap
    runner_up: str
    next_error: float
    texts: int

    @property
    def description(self) -> str:
        """``mean@-1 through an affine map to 128 dimensions, normalised``."""
        return f"{self.spec} {self.after}"

    @property
    def after(self) -> str:
        """``through an affine map to 128 dimensions, normalised``."""
        to = self.map.weight.shape[1]
        ends = ", normalised" if self.map.normalised else ""
        kinds = {
            "shifted": "less a fixed vector",
            "each dimension scaled and shifted": "with each dimension scaled and shifted",
            "rotated": f"through a rotation to {to} dimensions",
            "linear": f"through an affine map to {to} dimensions",
        }
        return f"{kinds[self.map.kind]}{ends}"

    def statements(self) -> Iterator[Statement]:
        yield Statement(
            "readout",
            self.spec,
            f"{self.spec} comes before the map.",
            confidence(self.map.error, self.next_error),
            self.runner_up,
            self.map.error,
            self.next_error,
            self.texts,
        )
        rank = f" of rank {self.map.rank}" if self.map.rank < self.map.weight.shape[1] else ""
        yield Statement(
            "after pooling",
            f"{self.map.kind} map",
            f"An affine map{rank} follows that the folder does not have: whitening, a Dense layer, "
            f"or another that was fitted.",
            error=self.map.error,
            texts=self.texts,
            agrees=False,
        )


def search_map(
    reader: Reader, evidence: Evidence, found: Identification, *, progress: bool = False
) -> Mapping | None:
    """The readout from which an affine map gives the found vectors; None where there is none.

    More texts go out where a server answers: as many as the map has unknowns in a column, and some
    to measure it on.
    """
    if found.target.binary or np.ptp(found.target.values, axis=0).max() == 0:
        return None
    width = reader.model.width
    texts, vectors = _enough(reader, evidence, rows_needed(width), progress=progress)
    if len(texts) < rows_needed(width):
        return None
    norms = np.linalg.norm(vectors, axis=1)
    normalised = bool(np.ptp(norms) < 1e-3 * norms.mean())
    side = reader.model.tokenizer.truncation_side
    reading = Reading(prompt=reader.model.prefix, max_length=reader.model.max_length, side=side)
    pooled = reader.vectors(reading, texts, specs_of(reader.model))
    usable = {spec: x for spec, x in pooled.items() if np.isfinite(x).all() and x.shape[1] == width}
    linear = sorted(
        ((spec, fit_map(x, vectors, normalised=False)) for spec, x in usable.items()),
        key=lambda pair: pair[1].error,
    )
    ranked = linear
    if normalised:
        ranked = sorted(
            (
                (spec, fit_map(usable[spec], vectors, normalised=True))
                for spec, _ in linear[:CANDIDATES]
            ),
            key=lambda pair: pair[1].error,
        )
    if len(ranked) < 2 or ranked[0][1].error > MAP_TOLERANCE:
        return None
    (spec, best), (next_spec, runner_up) = ranked[:2]
    return Mapping(spec, reading, best, next_spec, runner_up.error, len(texts))


def _enough(
    reader: Reader, evidence: Evidence, count: int, *, progress: bool
) -> tuple[Sequence[str], Doubles]:
    source = evidence.source
    if source is None:
        rows = _distinct(evidence.texts)
        return [evidence.texts[row] for row in rows], np.asarray(evidence.vectors[rows], np.float64)
    texts = random_texts(_words(reader), count)
    parts: list[NDArray[Any]] = []
    with Progress("texts for a map", count, show=progress) as bar:
        for start in range(0, count, BATCH):
            batch = texts[start : start + BATCH]
            try:
                parts.append(source.embed(batch))
            except RefusedTextError:
                parts += [source.embed([text]) for text in batch]
            bar.advance(len(batch))
    return texts, np.asarray(np.concatenate(parts), np.float64)


def _distinct(texts: Sequence[str]) -> list[int]:
    return list({text: row for row, text in enumerate(texts) if text.strip()}.values())


def _words(reader: Reader) -> list[str]:
    """Words of the model's own vocabulary, so that every text has many different tokens."""
    tokenizer = reader.model.tokenizer
    names = (tokenizer.backend.id_to_token(number) for number in range(tokenizer.vocab_size))
    plain = [name.lstrip("▁Ġ") for name in names if name is not None]
    return [word for word in dict.fromkeys(plain) if word.isalpha() and word.islower()]
