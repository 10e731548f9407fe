"""The vector of every word under every layer, on disk: words by the ten thousand do not fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poolwise.errors import StudyError
from poolwise.model import Model
from poolwise.records import Floats, Precision
from poolwise.selection.scratch_file import scratch_array
from poolwise.studies.tagging.alignment import AlignedSentence

Rows = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class WordVectors:
    """Of every word, sentence by sentence: ``states`` float32 [layers, words, d], on disk, and the
    id of the token that was read, ``first`` [words]."""

    states: Floats
    first: Rows


def read_words(
    model: Model,
    sentences: Sequence[AlignedSentence],
    *,
    precision: Precision = "exact",
    progress: bool = False,
) -> WordVectors:
    """The hidden states of every word's first token, through the waist.

    Raises StudyError where the disk has no room, or vectors are not finite.
    """
    sizes = [len(sentence.positions) for sentence in sentences]
    offsets = np.cumsum([0, *sizes]).astype(np.intp)
    shape = (model.depth + 1, int(offsets[-1]), model.width)
    states = scratch_array(shape, "the words' vectors", "give fewer sentences (--limit)")
    texts = [sentence.text for sentence in sentences]
    for some in model.token_outputs(texts, precision=precision, progress=progress):
        own = [sentences[i].positions for i in some.rows]
        row = np.repeat(np.arange(len(own)), [len(at) for at in own])
        found = some.hidden_states[:, row, np.concatenate(own)]
        if not np.isfinite(found).all():
            raise StudyError(
                f"{model.name} gives words vectors that are not finite (NaN or infinity); "
                "nothing can be learned from them. Is the checkpoint whole?"
            )
        rows = np.concatenate([np.arange(offsets[i], offsets[i + 1]) for i in some.rows])
        states[:, rows] = found
    first = np.concatenate([sentence.first for sentence in sentences]).astype(np.intp)
    return WordVectors(states, first)
