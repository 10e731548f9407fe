"""Vectors of any texts, made as the found ones were."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from poolwise.doctor.identify import Identification
from poolwise.doctor.map_search import Mapping
from poolwise.doctor.matching import unit_rows
from poolwise.doctor.reader import Doubles, Reader
from poolwise.doctor.reading import Reading
from poolwise.doctor.source import VectorSource
from poolwise.doctor.target import Target
from poolwise.errors import RefusedTextError
from poolwise.records import LongTexts

BATCH = 32
"""Texts in a request."""

ONE_NORM = 0.02
"""Norms that spread by less than this share of their mean are one norm."""


class FoundVectors(Protocol):
    """Makes vectors as the found ones were made."""

    def of(self, texts: Sequence[str], prompt: str | None = None) -> Doubles:
        """The vectors of ``texts`` [n, d], NaN where there is none.

        ``prompt`` is the folder's for texts of their kind, queries or documents; it counts where
        nothing else was found to stand before a text.
        """
        ...

    def notes(self, texts: Sequence[str]) -> Iterator[str]:
        """What is not as it was where the found vectors came from, of these texts."""
        ...


@dataclass(frozen=True)
class RecomputedVectors:
    """By the model, in the way that was identified: but for rounding the found ones.

    ``mapped`` is a readout with a map after it, where that was found instead.
    """

    reader: Reader
    found: Identification
    mapped: Mapping | None = None

    @cached_property
    def reading(self) -> Reading:
        """How texts are read; where it is not known where they are cut, as the folder says."""
        if self.mapped is not None:
            return self.mapped.reading
        reading, cut, model = self.found.best.reading, self.found.truncation, self.reader.model
        if cut is not None and cut.kind == "windows":
            return reading.changed(max_length=cut.length)
        if reading.max_length is None and (cut is None or cut.length <= model.max_length):
            side = model.tokenizer.truncation_side
            return reading.changed(max_length=model.max_length, side=side)
        return reading

    def of(self, texts: Sequence[str], prompt: str | None = None) -> Doubles:
        reading = self.reading
        if prompt is not None and reading.prompt == self.reader.model.prefix:
            reading = reading.changed(prompt=prompt)
        if self.mapped is not None:
            spec = self.mapped.spec
            return self.mapped.map.apply(self.reader.vectors(reading, texts, [spec])[spec])
        best, width = self.found.best, self.found.target.width
        long: LongTexts = "window" if self._windowed else "truncate"
        made = best.finished(self.reader.vectors(reading, texts, best.specs, long=long))
        kept = made[:, :width]
        if self.found.scales is not None:
            return kept * self.found.scales.slopes + self.found.scales.shifts
        if self.found.target.binary:
            return np.where(np.isnan(kept), np.nan, np.where(kept > 0, 1.0, -1.0))
        return self._of_length(kept, made, reading, texts)

    def _of_length(
        self, kept: Doubles, made: Doubles, reading: Reading, texts: Sequence[str]
    ) -> Doubles:
        """``kept`` [n, m] of ``made`` [n, d], with the norms that the found vectors have."""
        lengths = self.found.lengths
        match lengths.kind:
            case "l2":
                return unit_rows(kept)
            case "l2 before the cut":
                return unit_rows(made)[:, : kept.shape[1]]
            case "scaled":
                return kept * lengths.factor
            case "grows with tokens" | "grows with √tokens":
                tokenized = self.reader.tokenize(reading, texts)
                n_tokens = np.array([[text.n_tokens] for text in tokenized], np.float64)
                return kept * (n_tokens if lengths.kind == "grows with tokens" else n_tokens**0.5)
            case "?" if self._of_one_norm:
                return unit_rows(kept)
            case _:
                return kept

    @property
    def _of_one_norm(self) -> bool:
        """Whether all found vectors have one norm but for rounding, as int8 of normalised ones."""
        norms = np.linalg.norm(self.found.target.values, axis=1)
        return bool(norms.std() < ONE_NORM * norms.mean())

    @property
    def _windowed(self) -> bool:
        cut = self.found.truncation
        return self.mapped is None and cut is not None and cut.kind == "windows"

    def notes(self, texts: Sequence[str]) -> Iterator[str]:
        cut = self.found.truncation
        if self.mapped is not None or cut is None or cut.kind == "cut":
            return
        beyond = int((self.reader.lengths(self.reading, texts) > cut.length).sum())
        count = f"{beyond:,} of the texts {'has' if beyond == 1 else 'have'}"
        if not beyond:
            return
        if cut.kind == "windows":
            yield f"{count} more than {cut.length} tokens: overlapping pieces of them are averaged"
        elif cut.kind == "?":
            yield (
                f"{count} more than {cut.length} tokens, and how the found vectors read such texts "
                "is not known; here they are cut as the folder says"
            )
        else:
            yield (
                f"{count} more tokens than the longest text compared, {cut.length}; they are cut "
                "as the folder says"
            )


@dataclass(frozen=True)
class RequestedVectors:
    """From the source itself, in requests of ``BATCH`` texts.

    They have ``dimensions``; ``width`` is the model's, of which bits may be packed. ``prompt`` is
    what the source was found to put before texts itself.
    """

    source: VectorSource
    width: int
    dimensions: int
    prompt: str = ""

    def of(self, texts: Sequence[str], prompt: str | None = None) -> Doubles:
        """Raises EndpointError where the source fails; a text that it refuses has NaN."""
        before = "" if prompt is None or self.prompt else prompt
        sent = [before + text for text in texts]
        parts = [self._request(sent[start : start + BATCH]) for start in range(0, len(sent), BATCH)]
        rows = [row for part in parts for row in part]
        answered = {i: row for i, row in enumerate(rows) if row is not None}
        vectors: Doubles = np.full((len(texts), self.dimensions), np.nan)
        if answered:
            received = np.stack(list(answered.values()))
            vectors[list(answered)] = Target.of(received, self.width).values
        return vectors

    def _request(self, texts: Sequence[str]) -> list[NDArray[Any] | None]:
        try:
            return list(self.source.embed(texts))
        except RefusedTextError:
            if len(texts) == 1:
                return [None]
            return [row for text in texts for row in self._request([text])]

    def notes(self, texts: Sequence[str]) -> Iterator[str]:
        yield f"the vectors found are those that {self.source.description} makes of these texts"
