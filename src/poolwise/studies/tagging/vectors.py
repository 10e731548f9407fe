"""The vector of every word under every layer, on disk: words by the ten thousand do not fit."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from poolwise.errors import StudyError
from poolwise.model import Model
from poolwise.progress import Progress
from poolwise.records import Floats, Precision
from poolwise.studies.tagging.alignment import Aligned

Rows = NDArray[np.intp]

GROUP_BYTES = 1 << 26
"""Vectors of all tokens and layers held at a time, before what is not a word's first is dropped."""


@dataclass(frozen=True, slots=True)
class WordVectors:
    """Of every word, sentence by sentence: ``states`` float32 [layers, words, d], on disk, and the
    id of the token that was read, ``first`` [words]."""

    states: Floats
    first: Rows


def read_words(
    model: Model,
    sentences: Sequence[Aligned],
    *,
    precision: Precision = "exact",
    progress: bool = False,
) -> WordVectors:
    """The hidden states of every word's first token, through the waist.

    Sentences run in groups of like length. A group asks for ``token[p]@k`` at every position p
    where a word begins in one of its sentences, and keeps the rows that are words': a small group
    bounds memory, however many words there are. Raises StudyError where the disk has no room, or
    vectors are not finite.
    """
    sizes = [len(sentence.positions) for sentence in sentences]
    offsets = np.cumsum([0, *sizes]).astype(np.intp)
    states = _on_disk((model.depth + 1, int(offsets[-1]), model.width))
    with Progress("sentences", len(sentences), show=progress) as bar:
        for group in _groups(sentences, (model.depth + 1) * model.width):
            found = _states(model, [sentences[i] for i in group], precision)
            if not np.isfinite(found).all():
                raise StudyError(
                    f"{model.name} gives words vectors that are not finite (NaN or infinity); "
                    "nothing can be learned from them. Is the checkpoint whole?"
                )
            rows = np.concatenate([np.arange(offsets[i], offsets[i + 1]) for i in group])
            states[:, rows] = found
            bar.advance(len(group))
    first = np.concatenate([sentence.first for sentence in sentences]).astype(np.intp)
    return WordVectors(states, first)


def _groups(sentences: Sequence[Aligned], floats_a_token: int) -> Iterator[Rows]:
    """Sentences of like length, longest first."""
    order = np.argsort([-s.n_tokens for s in sentences], kind="stable")
    room = GROUP_BYTES // (4 * floats_a_token)
    start = 0
    while start < len(order):
        size = max(room // sentences[order[start]].n_tokens, 1)
        yield order[start : start + size]
        start += size


def _states(model: Model, sentences: Sequence[Aligned], precision: Precision) -> Floats:
    """Hidden states of all these sentences' words, [layers, words, d]."""
    positions = np.unique(np.concatenate([sentence.positions for sentence in sentences]))
    readouts = [[f"token[{p}]@{k}" for p in positions] for k in range(model.depth + 1)]
    texts = [sentence.text for sentence in sentences]
    parts, done = [], 0
    for batch in model.extract(texts, chain.from_iterable(readouts), precision=precision):
        own = [sentence.positions for sentence in sentences[done : done + len(batch)]]
        done += len(batch)
        row = np.repeat(np.arange(len(own)), [len(at) for at in own])
        column = np.searchsorted(positions, np.concatenate(own))
        layers = [np.stack([batch.vectors[one] for one in names], axis=1) for names in readouts]
        parts.append(np.stack([tokens[row, column] for tokens in layers]))
    return np.concatenate(parts, axis=1)


def _on_disk(shape: tuple[int, int, int]) -> Floats:
    """An array in a temporary file without a name, gone with the process however that ends."""
    needed, folder = 4 * int(np.prod(shape)), tempfile.gettempdir()
    free = shutil.disk_usage(folder).free
    if needed > 0.9 * free:
        raise StudyError(
            f"the words' vectors need {needed / 1e9:.1f} GB of scratch space and {folder} has "
            f"{free / 1e9:.1f} GB free; give fewer sentences (--limit), or set TMPDIR to a larger "
            "disk"
        )
    with tempfile.TemporaryFile(prefix="poolwise-") as file:
        return np.memmap(file, np.float32, "w+", shape=shape)
