"""How long each readout takes to read a text on this machine, measured for several models."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median
from time import perf_counter

from poolwise.encoders import Encoder
from poolwise.model import Model
from poolwise.progress import Progress
from poolwise.records import Precision, Sentence
from poolwise.selection.selection import Selection

SAMPLE = 128
"""Texts that are read."""

ROUNDS = 3
PATIENCE_S = 20.0
"""No further round begins after that."""


@dataclass(frozen=True, slots=True)
class PassTime:
    """Milliseconds a text up to two depths, in blocks; between them the time grows evenly."""

    shallow: int
    deep: int
    shallow_ms: float
    deep_ms: float

    def at(self, blocks: int) -> float:
        """Milliseconds a text of a readout that runs so many blocks."""
        if self.deep == self.shallow:
            return self.deep_ms
        share = (blocks - self.shallow) / (self.deep - self.shallow)
        return self.shallow_ms + share * (self.deep_ms - self.shallow_ms)


def with_pass_times(
    selections: Sequence[Selection],
    models: Mapping[Encoder, Callable[[], Model]],
    precision: Precision,
    *,
    progress: bool = False,
) -> list[Selection]:
    """The selections with the milliseconds a text of each of their readouts.

    ``models`` loads each model, by the encoder of its candidates. All read the same texts, in
    rounds in which each model has a turn, so that what else the machine does falls on all alike;
    of the rounds the median counts.
    """
    if not selections:
        return []
    texts = selections[0].task.texts
    sample = list(texts)[:: max(len(texts) // SAMPLE, 1)][:SAMPLE]
    depths = {encoder: _depths(selections, encoder) for encoder in models}
    rounds: dict[Encoder, list[tuple[float, float]]] = {encoder: [] for encoder in models}
    start = perf_counter()
    with Progress("speed of the models", ROUNDS * len(models), show=progress) as bar:
        for k in range(ROUNDS):
            if k and perf_counter() - start > PATIENCE_S:
                break
            for encoder, load in models.items():
                rounds[encoder].append(_measured(load(), sample, depths[encoder], precision))
                bar.advance(1)
    times = {
        encoder: PassTime(*depths[encoder], *map(median, zip(*rounds[encoder], strict=True)))
        for encoder in models
    }
    return [
        replace(s, milliseconds=[times[c.encoder].at(c.blocks) for c in s.candidates])
        for s in selections
    ]


def _depths(selections: Sequence[Selection], encoder: Encoder) -> tuple[int, int]:
    """The fewest and the most blocks that readouts of the encoder run."""
    blocks = [c.blocks for s in selections for c in s.candidates if c.encoder is encoder]
    return min(blocks), max(blocks)


def _measured(
    model: Model, texts: Sequence[str], depths: tuple[int, int], precision: Precision
) -> tuple[float, float]:
    """Milliseconds a text up to either depth, tokenising included."""
    _read(model, texts[:8], depths[1], precision)
    shallow, deep = (_read(model, texts, depth, precision) for depth in depths)
    return shallow, deep


def _read(model: Model, texts: Sequence[str], depth: int, precision: Precision) -> float:
    sentences = [Sentence(text, row) for row, text in enumerate(texts)]
    start = perf_counter()
    for _ in model.extract(sentences, [f"mean@{depth}"], precision=precision):
        pass
    return 1000 * (perf_counter() - start) / len(texts)
