"""The hidden states of every word at every layer, on disk: they may not fit in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from poolwise.errors import StudyError
from poolwise.model import Model
from poolwise.records import Floats, Precision
from poolwise.selection.scratch_file import scratch_array
from poolwise.selection.splits import RowIndices
from poolwise.studies.tagging.alignment import AlignedSentence


@dataclass(frozen=True, slots=True)
class WordVectors:
    """Of every word, sentence by sentence: ``states`` float32 [layers, words, d] of its first
    token, on disk, and that token's id, ``first_ids`` [words]."""

    states: Floats
    first_ids: RowIndices


def extract_words(
    model: Model,
    sentences: Sequence[AlignedSentence],
    *,
    precision: Precision = "exact",
    progress: bool = False,
) -> WordVectors:
    """The hidden states of every word's first token.

    Raises StudyError where the disk has no room, or vectors are not finite.
    """
    sizes = [len(sentence.positions) for sentence in sentences]
    offsets = np.cumsum([0, *sizes]).astype(np.intp)
    shape = (model.depth + 1, int(offsets[-1]), model.width)
    states = scratch_array(shape, "the words' vectors", "give fewer sentences (--limit)")
    texts = [sentence.text for sentence in sentences]
    for outputs in model.token_outputs(texts, precision=precision, progress=progress):
        positions = [sentences[i].positions for i in outputs.rows]
        row = np.repeat(np.arange(len(positions)), [len(at) for at in positions])
        vectors = outputs.hidden_states[:, row, np.concatenate(positions)]
        if not np.isfinite(vectors).all():
            raise StudyError(
                f"{model.name} gives words vectors that are not finite (NaN or infinity); "
                "nothing can be learned from them. Is the checkpoint whole?"
            )
        rows = np.concatenate([np.arange(offsets[i], offsets[i + 1]) for i in outputs.rows])
        states[:, rows] = vectors
    first_ids = np.concatenate([sentence.first_ids for sentence in sentences]).astype(np.intp)
    return WordVectors(states, first_ids)
