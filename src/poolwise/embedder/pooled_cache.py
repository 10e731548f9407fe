"""Vectors of texts that this process has computed already.

A grid search over a pipeline hands the same texts over again for every candidate and every fold. By
text, not by list: folds share their texts, and a text's vector does not depend on its neighbours.
"""

from __future__ import annotations

import os
import sys
from collections import OrderedDict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from warnings import warn

import numpy as np

from poolwise.embedding_warnings import embedding_warnings
from poolwise.errors import PoolwiseWarning
from poolwise.model import Model
from poolwise.readouts import Readout
from poolwise.records import Floats, LongTexts, Precision, Sentence, TokenizedText, VectorBatch

MAX_BYTES = 256 << 20
"""What the cache may hold. A call that needs more passes it by."""

_OVERHEAD = 1024
"""Bytes of a row's objects beside their arrays, at most."""

Key = tuple[Hashable, ...]


@dataclass(frozen=True, slots=True)
class _Row:
    """What a ``VectorBatch`` says of one text."""

    vector: Floats
    n_tokens: int
    truncated: bool
    empty: bool
    nonfinite: bool
    tokens: TokenizedText

    @property
    def n_bytes(self) -> int:
        windows = sum(window.ids.nbytes + window.special.nbytes for window in self.tokens.windows)
        return self.vector.nbytes + windows + _OVERHEAD


class PooledCache:
    """Vectors before any steps, by model, readout and options; of each, by text.

    It holds ``max_bytes`` at most: what was used longest ago goes first, all texts of one readout
    together. Threads may share it; each process has its own, and a pickle has none.
    """

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self.max_bytes = max_bytes
        self.clear()

    def clear(self) -> None:
        """Forget all of them."""
        self._lock = Lock()
        self._rows: OrderedDict[Key, dict[str, _Row]] = OrderedDict()
        self._n_bytes: dict[Key, int] = {}

    @property
    def n_bytes(self) -> int:
        """What it holds now."""
        return sum(self._n_bytes.values())

    def pooled(
        self,
        model: Model,
        texts: Sequence[str],
        readout: Readout,
        *,
        precision: Precision,
        long: LongTexts,
    ) -> Floats:
        """As ``Model.pooled``, with its warnings; only texts that are not here are computed."""
        width = model.width_of(readout.pooled)
        if not texts or len(texts) * (4 * width + _OVERHEAD) > self.max_bytes:
            return model.pooled(texts, readout, precision=precision, long=long)
        spec = str(readout.pooled)
        engine = model.engine_for(precision)
        settings = model.max_length, model.prefix, model.prompts.pooled, engine.name, long
        key = model.hash, spec, precision, *settings
        rows = self._lookup(key, texts)
        missing: dict[str, int] = {}
        for i, text in enumerate(texts):
            if text not in rows:
                missing.setdefault(text, i)
        if missing:
            numbered = [Sentence(text, i) for text, i in missing.items()]
            batches = model.extract(numbered, spec, precision=precision, long=long)
            computed = dict(_rows(batches, spec))
            self._add(key, computed)
            rows |= computed
        batch = _batch(texts, [rows[text] for text in texts], spec)
        for message in embedding_warnings(model, [batch], readout):
            warn(message, PoolwiseWarning, stacklevel=4)
        vectors: Floats = batch.vectors[spec]
        return vectors

    def _lookup(self, key: Key, texts: Iterable[str]) -> dict[str, _Row]:
        with self._lock:
            if key not in self._rows:
                return {}
            self._rows.move_to_end(key)
            known = self._rows[key]
            return {text: known[text] for text in texts if text in known}

    def _add(self, key: Key, computed: Mapping[str, _Row]) -> None:
        needed = sum(row.n_bytes + sys.getsizeof(text) for text, row in computed.items())
        if needed > self.max_bytes:
            return
        with self._lock:
            own = self._rows.setdefault(key, {})
            self._rows.move_to_end(key)
            # The last to go are its own: other texts than those asked for now.
            while self.n_bytes + needed > self.max_bytes:
                oldest = next(iter(self._rows))
                self._rows[oldest].clear()
                self._n_bytes.pop(oldest, None)
                if oldest != key:
                    del self._rows[oldest]
            own.update(computed)
            self._n_bytes[key] = self._n_bytes.get(key, 0) + needed


def _rows(batches: Iterable[VectorBatch], spec: str) -> Iterable[tuple[str, _Row]]:
    for batch in batches:
        for i, sentence in enumerate(batch.sentences):
            yield (
                sentence.text,
                _Row(
                    batch.vectors[spec][i].copy(),  # a view would keep the whole batch
                    int(batch.n_tokens[i]),
                    bool(batch.truncated[i]),
                    bool(batch.empty[i]),
                    bool(batch.nonfinite[i]),
                    batch.tokens[i],
                ),
            )


def _batch(texts: Sequence[str], rows: Sequence[_Row], spec: str) -> VectorBatch:
    return VectorBatch(
        [Sentence(text, i) for i, text in enumerate(texts)],
        {spec: np.stack([row.vector for row in rows])},
        np.array([row.n_tokens for row in rows], np.int32),
        np.array([row.truncated for row in rows]),
        np.array([row.empty for row in rows]),
        np.array([row.nonfinite for row in rows]),
        [row.tokens for row in rows],
    )


CACHE = PooledCache()
"""This process's."""

if hasattr(os, "register_at_fork"):  # a lock that another thread holds is never released there
    os.register_at_fork(after_in_child=CACHE.clear)
