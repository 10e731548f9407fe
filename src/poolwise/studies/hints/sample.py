"""The texts that scores without labels are read from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from poolwise.encoders.modules.prompts import TextKind
from poolwise.errors import StudyError
from poolwise.selection.splits import RowIndices
from poolwise.selection.vector_cache import VectorCache

MEASURED, FITTED, SHORTENED = 1000, 2000, 500
"""Texts measured; others that steps are fitted on; texts measured that lose words, at most."""

FEWEST = 20
SHARE = 0.2
"""Of a text's words that its shortened version lacks, at least one."""


@dataclass(frozen=True, slots=True)
class TextSample:
    """Texts to fit steps on, others to measure, and for some of these a ``shortened`` version:
    ``whole`` are the indices of these among ``measured``. They are read as ``kind`` (prompts)."""

    fitted: Sequence[str]
    measured: Sequence[str]
    whole: Sequence[int]
    shortened: Sequence[str]
    kind: TextKind | None = None

    @classmethod
    def of(cls, texts: Sequence[str], seed: int, kind: TextKind | None = None) -> TextSample:
        """A third of the different ``texts`` to measure, at most ``MEASURED``; others to fit on."""
        rng = np.random.default_rng(seed)
        unique = list(dict.fromkeys(texts))
        shuffled = [unique[i] for i in rng.permutation(len(unique)).tolist()]
        n = min(MEASURED, len(shuffled) // 3)
        measured, fitted = shuffled[:n], shuffled[n:][:FITTED]
        versions = [(i, without_words(text, rng)) for i, text in enumerate(measured)]
        pairs = [(i, version) for i, version in versions if version is not None][:SHORTENED]
        return cls(fitted, measured, [i for i, _ in pairs], [version for _, version in pairs], kind)

    @property
    def texts(self) -> Sequence[str]:
        """All of them."""
        return [*self.fitted, *self.measured, *self.shortened]

    def rows(self, cache: VectorCache, name: str) -> SampleRows:
        """Where they lie in the cache, without empty ones and those whose vectors are not finite.

        Raises StudyError where too few are left, naming the data.
        """
        measured = cache.rows(self.measured, self.kind)
        whole = measured[np.array(self.whole, np.intp)]
        shortened = cache.rows(self.shortened, self.kind)
        paired = cache.usable[whole] & cache.usable[shortened]
        measured = measured[cache.usable[measured]]
        fitted = cache.rows(self.fitted, self.kind)
        if len(measured) < FEWEST:
            raise StudyError(
                f"{name}: {len(measured)} different texts to read scores without labels from, a "
                f"third of all; expected {FEWEST} or more"
            )
        return SampleRows(fitted[cache.usable[fitted]], measured, whole[paired], shortened[paired])


@dataclass(frozen=True, slots=True)
class SampleRows:
    """The rows of a vector cache that hold a sample; ``whole`` and ``shortened`` correspond."""

    fitted: RowIndices
    measured: RowIndices
    whole: RowIndices
    shortened: RowIndices


def without_words(text: str, rng: np.random.Generator) -> str | None:
    """The text without a fifth of its words, at least one; None where it has only one."""
    words = text.split()
    if len(words) < 2:
        return None
    lost = rng.permutation(len(words))[: max(1, round(SHARE * len(words)))].tolist()
    return " ".join(word for i, word in enumerate(words) if i not in set(lost))
