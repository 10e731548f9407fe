"""A hypothesis beside the found vectors of texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poolwise.doctor.reader import Doubles, Reader
from poolwise.doctor.reading import Reading
from poolwise.doctor.search import Hypothesis
from poolwise.doctor.target import Target
from poolwise.records import TokenizedText


@dataclass(frozen=True, slots=True)
class Matcher:
    """``target`` [n, d] holds the found vectors of ``texts`` [n]; distances within ``noise`` are
    none."""

    reader: Reader
    hypothesis: Hypothesis
    texts: Sequence[str]
    target: Target
    noise: float

    @property
    def reading(self) -> Reading:
        return self.hypothesis.reading

    def reads(self, reading: Reading) -> Matcher:
        """The same hypothesis with another reading."""
        return replace(self, hypothesis=replace(self.hypothesis, reading=reading))

    def lengths(self) -> NDArray[Any]:
        """Tokens of each text, see ``Reader.lengths``."""
        return self.reader.lengths(self.reading, self.texts)

    def vectors(self, rows: Sequence[int], reading: Reading | None = None) -> Doubles:
        """What the hypothesis gives for these texts, before any cut and normalisation."""
        chosen = [self.texts[row] for row in rows]
        return self.hypothesis.vectors(self.reader, chosen, reading or self.reading)

    def errors(self, rows: Sequence[int], reading: Reading | None = None) -> Doubles:
        """The distances of these texts' vectors from the found ones, [n]."""
        if not len(rows):
            return np.zeros(0)
        return self.target.rows(rows).distances(self.vectors(rows, reading))

    def token_errors(self, row: int, tokenized: Sequence[TokenizedText]) -> Doubles:
        """The distances of one text's found vector from those of these tokens, [n]."""
        made = self.hypothesis.finished(self.reader.vectors_of(tokenized, self.hypothesis.specs))
        return self.target.rows([row] * len(tokenized)).distances(made)
