"""Vectors of some thousand texts under many readouts: on disk, loaded one readout at a time."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from itertools import groupby
from threading import Lock
from typing import Any
from weakref import finalize

import numpy as np
from numpy.typing import NDArray

from poolwise.encoders.modules.dense_stack import DenseStack
from poolwise.encoders.modules.prompts import TextKind
from poolwise.encoders.tokenizer.unknown_tokens import UnknownTokens
from poolwise.model import Model
from poolwise.readouts import Readout, parse
from poolwise.records import Floats, Ints, Precision, Sentence, VectorBatch
from poolwise.selection.scratch_file import scratch_file

FEWER = "ask for fewer readouts (--grid) or texts (--limit)"

_FLOAT = np.dtype(np.float32).itemsize

PromptedText = tuple[str | None, str]
"""A prompt, None for the model's own of every text, and a text."""


class VectorCache:
    """The vectors of unique ``texts``, from one pass. ``cache["cls@3"]`` is float32 [n, d].

    ``kind_prompts`` are the prompts of queries and of documents where they differ from the model's
    own of every text: a text under two prompts has two rows.

    They lie in one temporary file without a name, which is gone with the process however that
    ends; memory holds one readout at a time. ``n_tokens`` int32 [n]; ``usable`` bool [n]: not
    empty, and finite under every readout but those of a token position that a text may lack.
    ``truncated`` bool [n]: cut to the encoder's maximum length.
    ``unknown`` are notes on texts that the vocabulary does not cover. ``precision`` is that of the
    pass, for further passes to compare with. ``dense_stack`` is what the step ``dense`` applies.
    ``memo`` holds results that depend on the texts alone, for other studies of the same run.
    """

    def __init__(
        self,
        prompted: Sequence[PromptedText],
        widths: Mapping[str, int],
        kind_prompts: Mapping[TextKind, str | None],
    ) -> None:
        """``prompted`` texts are unique, those of one prompt together."""
        texts = [text for _, text in prompted]
        self.texts: Sequence[str] = texts
        self.readouts = tuple(widths)
        self.n_tokens: Ints = np.zeros(len(texts), np.int32)
        self.usable: NDArray[np.bool_] = np.zeros(len(texts), np.bool_)
        self.truncated: NDArray[np.bool_] = np.zeros(len(texts), np.bool_)
        self.unknown: tuple[str, ...] = ()
        self.dense_stack: DenseStack | None = None
        self.precision: Precision = "exact"
        self.memo: dict[Hashable, list[Any]] = {}
        self._row_of = {text: row for row, text in enumerate(prompted)}
        self._kind_prompts = kind_prompts
        self._widths = dict(widths)
        offsets = np.cumsum([0, *widths.values()]) * len(texts) * _FLOAT
        self._offsets = dict(zip(widths, offsets.tolist(), strict=False))
        self._lock = Lock()
        self._file = scratch_file(int(offsets[-1]), "the vectors", FEWER)
        finalize(self, self._file.close)

    def __len__(self) -> int:
        return len(self.texts)

    def __getitem__(self, readout: str) -> Floats:
        """Vectors of every text, float32 [n, d]."""
        vectors = np.empty((len(self), self._widths[readout]), np.float32)
        view = memoryview(vectors.data).cast("B")
        with self._lock:
            self._file.seek(self._offsets[readout])
            n_bytes = 0
            while n_bytes < len(view):
                n_bytes += self._file.readinto(view[n_bytes:])
        return vectors

    def rows(self, texts: Iterable[str], kind: TextKind | None = None) -> NDArray[np.intp]:
        """The row of each text, [number of texts], as a query or a document if it is of a kind."""
        prompt = None if kind is None else self._kind_prompts[kind]
        return np.fromiter((self._row_of[prompt, text] for text in texts), np.intp)

    @property
    def prompted(self) -> Sequence[PromptedText]:
        """``texts`` with the prompt that each was read with, those of one prompt together."""
        return tuple(self._row_of)

    @property
    def n_truncated(self) -> int:
        """Texts that were cut."""
        return int(self.truncated.sum())

    def fill(self, model: Model, *, precision: Precision = "exact", progress: bool = False) -> None:
        """Run the encoder over the texts and store their vectors."""
        self.precision, self.dense_stack = precision, model.dense_stack
        start, unknown = 0, UnknownTokens(model.tokenizer)
        for prompt, rows in groupby(self._row_of.items(), lambda item: item[0][0]):
            sentences = [Sentence(text, row) for (_, text), row in rows]
            batches = model.prompted(prompt).extract(
                sentences, self.readouts, precision=precision, progress=progress
            )
            for batch in batches:
                self._write(batch, start)
                unknown.add(batch.tokens)
                start += len(batch)
        self._file.flush()
        self.unknown = tuple(unknown.notes())

    def _write(self, batch: VectorBatch, start: int) -> None:
        """Store the vectors of the texts from ``start``."""
        rows = slice(start, start + len(batch))
        finite = np.ones(len(batch), np.bool_)
        for readout, vectors in batch.vectors.items():
            self._file.seek(self._offsets[readout] + start * self._widths[readout] * _FLOAT)
            self._file.write(np.ascontiguousarray(vectors, np.float32).data)
            if not readout.startswith("token["):
                finite &= np.isfinite(vectors).all(axis=1)
        self.n_tokens[rows] = batch.n_tokens
        self.usable[rows] = finite & ~batch.empty
        self.truncated[rows] = batch.truncated


def cache_vectors(
    model: Model,
    texts: Iterable[str],
    readouts: Iterable[Readout],
    *,
    queries: Iterable[str] = (),
    documents: Iterable[str] = (),
    precision: Precision = "exact",
    progress: bool = False,
) -> VectorCache:
    """One pass: every readout (pooled, without steps) of every text, each text once.

    ``queries`` and ``documents`` have the prompts of their kind. Raises StudyError where the
    vectors would not fit on the disk.
    """
    kinds: dict[TextKind, Iterable[str]] = {"query": queries, "document": documents}
    prompts = {kind: model.kind_prompt(kind) for kind in kinds}
    own = {kind: None if p == model.prefix else p for kind, p in prompts.items()}
    prompted: dict[PromptedText, None] = dict.fromkeys((None, text) for text in texts)
    for kind, kind_texts in kinds.items():
        prompted |= dict.fromkeys((own[kind], text) for text in kind_texts)
    by_prompt = sorted(prompted, key=lambda text: (text[0] is not None, text[0] or ""))
    widths = {str(r): model.width_of(parse(str(r))) for r in readouts}
    cache = VectorCache(by_prompt, widths, own)
    cache.fill(model, precision=precision, progress=progress)
    return cache
