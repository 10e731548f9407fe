"""How fast a readout is read on this machine."""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter

from poolwise.model import Model
from poolwise.readouts import Readout
from poolwise.records import Precision, Sentence

SAMPLE = 256
"""Texts that are read: a second or less with a small model."""


def reading_speed(
    model: Model, texts: Sequence[str], readout: Readout, precision: Precision
) -> float:
    """Texts a second, tokenising included, of the readout without its steps."""
    step = max(len(texts) // SAMPLE, 1)
    sentences = [Sentence(text, row) for row, text in enumerate(texts[::step][:SAMPLE])]
    start = perf_counter()
    n = sum(len(b) for b in model.extract(sentences, [str(readout.pooled)], precision=precision))
    return n / (perf_counter() - start)
