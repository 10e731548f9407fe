"""The waist: texts in, vectors out, in one pass and in order.

Every study, sweep, server request and batch job gets its vectors from ``extract`` and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from operator import length_hint
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from poolwise.encoders import Encoder
from poolwise.engines import Engine, Plan, Source, batches, open_engine, pack, plan
from poolwise.errors import OptionError, ReadoutError, RowError, TextError
from poolwise.inputs import check_choices, flag, sentences
from poolwise.progress import Progress
from poolwise.readouts import Readout
from poolwise.records import (
    Floats,
    LongTexts,
    Sentence,
    TokenizedText,
    VectorBatch,
)
from poolwise.transforms import Transform, stateless
from poolwise.transforms.readout_file import AnyReadout, Chosen, prompted

WINDOW_TEXTS = 2048
"""Texts held at a time: sorted by length within, duplicates computed once within."""

WINDOW_CHARACTERS = 1 << 22
"""A window of long texts closes earlier, so that memory does not depend on them either."""


def extract(
    encoder: Encoder,
    texts: str | Iterable[str | Sentence],
    readouts: AnyReadout | Iterable[AnyReadout],
    *,
    engine: Engine | None = None,
    transforms: Mapping[str, Transform] | None = None,
    long: LongTexts = "truncate",
    escape_special: bool = False,
    progress: bool = False,
) -> Iterator[VectorBatch]:
    """Read every readout of every text in one pass.

    Texts may be any iterable, endless ones included; they come out in the order they went in, in
    batches of at most ``WINDOW_TEXTS``, and memory depends on that window alone. A batch's
    ``vectors`` are keyed by the readouts' strings, each float32 [n, width]. One string is one
    text, and one readout is one readout.

    A readout may be the path of a sweep's ``readout.toml``, which brings its fitted steps and the
    prompt it was chosen with; ``transforms`` holds those of others, by readout string.
    ``long`` says what happens beyond the encoder's maximum length: ``truncate`` (marked),
    ``error``, or ``window``: overlapping windows whose vectors are averaged, weighted by their
    tokens. ``progress`` shows a bar on a terminal once the pass takes longer than a moment.

    Raises ReadoutError, OptionError, and TextError for what holds no texts, before the first text
    is read; TextError at a text that cannot be.
    """
    check_choices(long=long)
    if not isinstance(encoder, Encoder):
        raise OptionError(f"encoder is {encoder!r:.60}, expected what poolwise.load gives")
    if transforms is not None and not isinstance(transforms, Mapping):
        raise OptionError(f"transforms is {transforms!r:.60}, expected a dict by readout")
    if engine is not None and not callable(getattr(engine, "run", None)):
        raise OptionError(f"engine is {engine!r:.60}, expected what open_engine gives")
    chosen = [Chosen.of(readout) for readout in _several(readouts)]
    encoder = prompted(encoder, chosen)
    numbered = sentences(texts)
    known = None if isinstance(texts, str) else length_hint(texts) or None
    one_pass = _Pass(
        encoder,
        _planned(tuple(c.readout for c in chosen), encoder.depth, encoder.has_pooler),
        {str(c.readout): _steps(c, transforms or {}, encoder) for c in chosen},
        open_engine(encoder) if engine is None else engine,
        long,
        flag("escape_special", escape_special),
        Progress("texts", known, show=flag("progress", progress)),
    )
    return one_pass.run(numbered)


def _several(readouts: AnyReadout | Iterable[AnyReadout]) -> Iterable[AnyReadout]:
    if isinstance(readouts, str | Path | Readout | Chosen):
        return [readouts]
    if not isinstance(readouts, Iterable):
        raise ReadoutError(f"found {readouts!r:.40}, expected readouts such as ['mean@-1']")
    return readouts


@lru_cache(maxsize=64)
def _planned(readouts: tuple[Readout, ...], depth: int, has_pooler: bool) -> Plan:
    """Callers with one text a call ask for the same plan again and again."""
    return plan(readouts, depth=depth, has_pooler=has_pooler)


def _steps(chosen: Chosen, transforms: Mapping[str, Transform], encoder: Encoder) -> Transform:
    readout = chosen.readout
    encoder.width_of(readout)
    if chosen.transform is not None:  # a hash takes a while
        chosen.check_model(encoder.hash)
    fitted = chosen.transform or transforms.get(str(readout)) or stateless(readout)
    transform = fitted.on(encoder.dense_stack)
    transform.check_fitted()
    return transform


@dataclass(frozen=True)
class _Pass:
    """One extraction: what stays the same from window to window."""

    encoder: Encoder
    plan: Plan
    steps: Mapping[str, Transform]
    engine: Engine
    long: LongTexts
    escape_special: bool
    progress: Progress

    def run(self, texts: Iterable[Sentence]) -> Iterator[VectorBatch]:
        with self.progress:
            for window in windows(texts):
                yield self._vectors(window)

    def _vectors(self, window: Sequence[Sentence]) -> VectorBatch:
        """One window, duplicates computed once."""
        first_seen = dict.fromkeys(s.text for s in window)
        row_of = {text: row for row, text in enumerate(first_seen)}
        rows = np.array([row_of[s.text] for s in window], np.intp)
        texts = self._tokenize(list(first_seen), window)
        pooled = self.plan.assemble(self._pool(texts, len(window)))
        vectors = {name: self.steps[name].apply(v)[rows] for name, v in pooled.items()}
        nonfinite = np.zeros(len(texts), np.bool_)
        for made in pooled.values():
            nonfinite |= ~np.isfinite(made).all(axis=1)
        return VectorBatch(
            sentences=window,
            vectors=vectors,
            n_tokens=np.array([t.n_tokens for t in texts], np.int32)[rows],
            truncated=np.array([t.truncated for t in texts], np.bool_)[rows],
            empty=np.array([_is_empty(t) for t in texts], np.bool_)[rows],
            nonfinite=nonfinite[rows],
            tokens=[texts[row] for row in rows.tolist()],
        )

    def _tokenize(self, texts: Sequence[str], window: Sequence[Sentence]) -> list[TokenizedText]:
        try:
            return self.encoder.tokenize(texts, long=self.long, escape_special=self.escape_special)
        except RowError as error:
            found = next(s for s in window if s.text == texts[error.index])
            where = found.where or f"text {found.id}"
            raise TextError(f"{where}: {error.reason}") from error

    def _pool(self, texts: Sequence[TokenizedText], rows: int) -> dict[Source, Floats]:
        """Each source of the plan, [texts, hidden size]; ``rows`` is what progress counts."""
        sequences = list(chain.from_iterable(t.windows for t in texts))
        shape = (len(sequences), self.encoder.width)
        made = {source: np.empty(shape, np.float32) for source in self.plan.sources}
        lengths = np.array([len(s) for s in sequences], np.int32)
        chosen = list(batches(lengths, self.engine.token_budget, mix=self.engine.mixes))
        packed = [pack([sequences[i] for i in batch]) for batch in chosen]
        for index, pooled in self.engine.run(packed, self.plan):
            for source, vectors in pooled.vectors.items():
                made[source][chosen[index]] = vectors
            self.progress.advance(rows * len(chosen[index]) / len(sequences))
        if len(sequences) == len(texts):
            return made
        average = _token_average(texts)
        return {source: average(vectors) for source, vectors in made.items()}


def windows(texts: Iterable[Sentence]) -> Iterator[list[Sentence]]:
    """Consecutive texts, few enough and short enough to hold at once."""
    window: list[Sentence] = []
    characters = 0
    for sentence in texts:
        window.append(sentence)
        characters += len(sentence.text)
        if len(window) == WINDOW_TEXTS or characters >= WINDOW_CHARACTERS:
            yield window
            window, characters = [], 0
    if window:
        yield window


def _is_empty(text: TokenizedText) -> bool:
    return all(bool(w.special.all()) for w in text.windows)


def _token_average(texts: Sequence[TokenizedText]) -> Callable[[Floats], Floats]:
    """Average each text's windows, weighted by their tokens (special ones not counted)."""
    first = np.cumsum([0] + [len(t.windows) for t in texts[:-1]])
    tokens = [max(int((~w.special).sum()), 1) for t in texts for w in t.windows]
    weight = np.array(tokens, np.float64)[:, None]
    total = np.add.reduceat(weight, first, axis=0)

    def average(rows: Floats) -> Floats:
        summed: NDArray[np.float64] = np.add.reduceat(rows * weight, first, axis=0)
        return (summed / total).astype(np.float32)

    return average
