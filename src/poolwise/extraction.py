"""Texts in, vectors out, in one pass and in order.

Every study, sweep, server request and batch job gets its vectors from ``extract`` and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from operator import length_hint
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from poolwise.encoders import Encoder
from poolwise.engines import Engine, Plan, PooledState, batches, engine_of, pack, plan
from poolwise.errors import OptionError, ReadoutError, RowError, TextError
from poolwise.inputs import check_choices, flag, sentences
from poolwise.progress import Progress
from poolwise.readouts import Readout
from poolwise.records import (
    Bools,
    Floats,
    Ints,
    LongTexts,
    Sentence,
    TokenizedText,
    VectorBatch,
)
from poolwise.transforms import Transform, finite_rows, stateless
from poolwise.transforms.fitted_readout import AnyReadout, FittedReadout, prompted

WINDOW_TEXTS = 2048
"""Texts in memory at a time: sorted by length, duplicates computed once."""

WINDOW_CHARACTERS = 1 << 22
"""A window of long texts ends earlier, so that memory does not depend on their length."""


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
    """Every readout of every text, in one pass.

    Texts may be any iterable, endless ones included; their vectors come in the same order, in
    batches of at most ``WINDOW_TEXTS``, and memory depends on that window alone. A batch's
    ``vectors`` are keyed by the readouts' strings, each float32 [n, width]. One string is one
    text, and one readout is one readout.

    A readout may be the path of a sweep's ``readout.toml``, which has its fitted steps and the
    prompt it was chosen with; ``transforms`` holds those of other readouts, by their strings.
    Without ``engine``, the encoder's own runs, opened at its first use and kept.
    ``long`` says what happens beyond the encoder's maximum length: ``truncate`` (flagged),
    ``error``, or ``window``: overlapping windows whose vectors are averaged, weighted by their
    tokens. ``progress`` shows a bar on a terminal once the pass takes longer than a moment.

    Raises ReadoutError, OptionError, and TextError for what holds no texts, before the first text
    is read; TextError at a text that cannot be.
    """
    prepared = Extraction.of(
        encoder,
        readouts,
        engine=engine,
        transforms=transforms,
        long=long,
        escape_special=escape_special,
    )
    return prepared.run(texts, progress=progress)


def _listed(readouts: AnyReadout | Iterable[AnyReadout]) -> Iterable[AnyReadout]:
    if isinstance(readouts, str | Path | Readout | FittedReadout):
        return [readouts]
    if not isinstance(readouts, Iterable):
        raise ReadoutError(f"found {readouts!r:.40}, expected readouts such as ['mean@-1']")
    return readouts


@lru_cache(maxsize=64)
def _cached_plan(readouts: tuple[Readout, ...], depth: int, has_pooler: bool) -> Plan:
    """Callers with one text a call need the same plan again and again."""
    return plan(readouts, depth=depth, has_pooler=has_pooler)


def _steps(
    chosen: FittedReadout, transforms: Mapping[str, Transform], encoder: Encoder
) -> Transform:
    readout = chosen.readout
    encoder.width_of(readout)
    if chosen.transform is not None or chosen.model_hash is not None:  # a hash takes a while
        chosen.check_model(encoder.hash)
    fitted = chosen.transform or transforms.get(str(readout)) or stateless(readout)
    transform = fitted.on(encoder.dense_stack)
    transform.check_fitted()
    return transform


@dataclass(frozen=True, slots=True)
class Extraction:
    """Readouts of an encoder, ready for texts: what stays the same from call to call.

    ``steps`` are what happens to each readout's vectors after pooling, by its string.
    """

    encoder: Encoder
    plan: Plan
    steps: Mapping[str, Transform]
    engine: Engine
    long: LongTexts
    escape_special: bool

    @classmethod
    def of(
        cls,
        encoder: Encoder,
        readouts: AnyReadout | Iterable[AnyReadout],
        *,
        engine: Engine | None = None,
        transforms: Mapping[str, Transform] | None = None,
        long: LongTexts = "truncate",
        escape_special: bool = False,
    ) -> Extraction:
        """See ``extract``."""
        check_choices(long=long)
        if not isinstance(encoder, Encoder):
            raise OptionError(f"encoder is {encoder!r:.60}, expected what poolwise.load gives")
        if transforms is not None and not isinstance(transforms, Mapping):
            raise OptionError(f"transforms is {transforms!r:.60}, expected a dict by readout")
        if engine is not None and not callable(getattr(engine, "run", None)):
            raise OptionError(f"engine is {engine!r:.60}, expected what open_engine gives")
        chosen = [FittedReadout.of(readout) for readout in _listed(readouts)]
        encoder = prompted(encoder, chosen)
        return cls(
            encoder,
            _cached_plan(tuple(c.readout for c in chosen), encoder.depth, encoder.has_pooler),
            {str(c.readout): _steps(c, transforms or {}, encoder) for c in chosen},
            engine_of(encoder) if engine is None else engine,
            long,
            flag("escape_special", escape_special),
        )

    def run(
        self, texts: str | Iterable[str | Sentence], *, progress: bool = False
    ) -> Iterator[VectorBatch]:
        """The vectors of ``texts``, a window at a time. Raises TextError, OptionError."""
        numbered = sentences(texts)
        total = None if isinstance(texts, str) else length_hint(texts) or None
        return self._windows(numbered, Progress("texts", total, show=flag("progress", progress)))

    def _windows(self, texts: Iterable[Sentence], progress: Progress) -> Iterator[VectorBatch]:
        with progress:
            for window in windows(texts):
                yield self._vectors(window, progress)

    def _vectors(self, window: Sequence[Sentence], progress: Progress) -> VectorBatch:
        """One window, duplicates computed once."""
        unique: dict[str, Sentence] = {}
        for sentence in window:
            unique.setdefault(sentence.text, sentence)
        tokens = tokenize(
            self.encoder,
            list(unique.values()),
            long=self.long,
            escape_special=self.escape_special,
        )
        row_of = {text: row for row, text in enumerate(unique)}
        rows = [row_of[sentence.text] for sentence in window]
        read = [tokens[row] for row in rows]
        flags = _token_flags(read)  # here, for the pass evicts all code from the caches
        pooled = self.plan.assemble(self._pool(tokens, len(window), progress))
        finite = {name: finite_rows(vectors) for name, vectors in pooled.items()}
        vectors = {name: self.steps[name].apply(v, finite[name]) for name, v in pooled.items()}
        nonfinite = [not all(f[row] for f in finite.values()) for row in rows]
        if len(unique) < len(window):
            vectors = {name: v[rows] for name, v in vectors.items()}
        return VectorBatch(window, vectors, *flags, np.array(nonfinite, np.bool_), read)

    def _pool(
        self, texts: Sequence[TokenizedText], rows: int, progress: Progress
    ) -> Mapping[PooledState, Floats]:
        """Each pooled state of the plan, [texts, hidden size]; progress counts ``rows`` in all."""
        outputs = run_plan(
            self.engine, self.plan, texts, lambda share: progress.advance(rows * share)
        )
        return outputs.vectors


@dataclass(frozen=True, slots=True)
class PassOutputs:
    """What a plan asks for, in the order of the texts.

    ``vectors``: each pooled state, [texts, hidden size]. ``hidden_states``: by layer, [t, hidden
    size] of each text's t tokens.
    """

    vectors: Mapping[PooledState, Floats]
    hidden_states: Mapping[int, Sequence[Floats]]


def run_plan(
    engine: Engine,
    plan: Plan,
    texts: Sequence[TokenizedText],
    advance: Callable[[float], None] = lambda share: None,
) -> PassOutputs:
    """One pass over texts, at least one. ``advance`` is told each share of it that is done.

    Vectors of a text in several windows are averaged; hidden states are those of its first window.
    """
    sequences = list(chain.from_iterable(t.windows for t in texts))
    if len(sequences) == 1:  # what a caller with one text waits for
        ((_, outputs),) = engine.run([pack(sequences)], plan)
        advance(1)
        return PassOutputs(outputs.vectors, outputs.hidden_states)
    pooled: dict[PooledState, Floats] = {}
    states: dict[int, list[Floats]] = {
        layer: [_NO_STATES] * len(sequences) for layer in plan.hidden_states
    }
    lengths = np.array([len(s) for s in sequences], np.int32)
    indices = list(batches(lengths, engine.token_budget, mixed_lengths=engine.mixed_lengths))
    packed = [pack([sequences[i] for i in batch]) for batch in indices]
    for index, outputs in engine.run(packed, plan):
        batch = indices[index]
        for state, vectors in outputs.vectors.items():
            if state not in pooled:
                pooled[state] = np.empty((len(sequences), vectors.shape[1]), np.float32)
            pooled[state][batch] = vectors
        for layer, arrays in outputs.hidden_states.items():
            for row, array in zip(batch.tolist(), arrays, strict=True):
                states[layer][row] = array
        advance(len(batch) / len(sequences))
    if len(sequences) == len(texts):
        return PassOutputs(pooled, states)
    average, first = token_average(texts), _first_windows(texts)
    return PassOutputs(
        {state: average(vectors) for state, vectors in pooled.items()},
        {layer: [arrays[row] for row in first] for layer, arrays in states.items()},
    )


_NO_STATES: Floats = np.zeros((0, 0), np.float32)


def _first_windows(texts: Sequence[TokenizedText]) -> list[int]:
    """The row of each text's first window."""
    rows: list[int] = np.cumsum([0] + [len(t.windows) for t in texts[:-1]]).tolist()
    return rows


class HasText(Protocol):
    """A row with a text."""

    @property
    def text(self) -> str: ...


Row = TypeVar("Row", bound=HasText)


def windows(texts: Iterable[Row]) -> Iterator[list[Row]]:
    """Consecutive texts, at most ``WINDOW_TEXTS`` and about ``WINDOW_CHARACTERS`` at a time."""
    window: list[Row] = []
    characters = 0
    for row in texts:
        window.append(row)
        characters += len(row.text)
        if len(window) == WINDOW_TEXTS or characters >= WINDOW_CHARACTERS:
            yield window
            window, characters = [], 0
    if window:
        yield window


def tokenize(
    encoder: Encoder,
    texts: Sequence[Sentence],
    *,
    long: LongTexts = "truncate",
    escape_special: bool = False,
) -> list[TokenizedText]:
    """As ``encoder.tokenize``; a TextError names the row that cannot be read as its source does."""
    try:
        return encoder.tokenize([s.text for s in texts], long=long, escape_special=escape_special)
    except RowError as error:
        sentence = texts[error.index]
        place = sentence.location or f"text {sentence.id}"
        raise TextError(f"{place}: {error.reason}") from error


def vector_batch(
    sentences: Sequence[Sentence],
    tokens: Sequence[TokenizedText],
    vectors: Mapping[str, NDArray[Any]],
    nonfinite: Sequence[bool],
) -> VectorBatch:
    """The vectors of these texts, with flags from ``tokens``, which the encoder read of each."""
    return VectorBatch(
        sentences, vectors, *_token_flags(tokens), np.array(nonfinite, np.bool_), tokens
    )


def _token_flags(tokens: Sequence[TokenizedText]) -> tuple[Ints, Bools, Bools]:
    """``n_tokens``, ``truncated`` and ``empty`` of a VectorBatch."""
    return (
        np.array([t.n_tokens for t in tokens], np.int32),
        np.array([t.truncated for t in tokens], np.bool_),
        np.array([t.is_empty for t in tokens], np.bool_),
    )


def token_average(texts: Sequence[TokenizedText]) -> Callable[[Floats], Floats]:
    """Averages each text's windows, weighted by their tokens (special ones not counted)."""
    first = _first_windows(texts)
    tokens = [max(int((~w.special).sum()), 1) for t in texts for w in t.windows]
    weight = np.array(tokens, np.float64)[:, None]
    total = np.add.reduceat(weight, first, axis=0)

    def average(rows: Floats) -> Floats:
        summed: NDArray[np.float64] = np.add.reduceat(rows * weight, first, axis=0)
        return (summed / total).astype(np.float32)

    return average
