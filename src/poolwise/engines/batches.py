"""Which sequences run together, within a budget of tokens."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from poolwise.records import Ints, TokenBatch, Tokens


def batches(lengths: Ints, budget: int, *, mixed_lengths: bool) -> Iterator[Ints]:
    """Cut sequences of these lengths, int [n], into batches: arrays of indices, longest first.

    Every index comes exactly once. A batch of more than one sequence holds at most ``budget``
    tokens, counted as its longest sequence times its size. Without ``mixed_lengths`` all sequences
    of a batch are equally long, so a batch needs no padding. Longest first, so that memory is
    largest at the start and never grows.
    """
    order = np.argsort(-np.asarray(lengths), kind="stable").astype(np.int32)
    start = 0
    while start < len(order):
        longest = int(lengths[order[start]])
        end = start + max(budget // max(longest, 1), 1)
        if not mixed_lengths:
            end = min(end, int(np.searchsorted(-lengths[order], -longest, side="right")))
        yield order[start:end]
        start = end


def pack(sequences: Sequence[Tokens]) -> TokenBatch:
    """Sequences end to end without padding; a single one is not copied."""
    if len(sequences) == 1:
        (sequence,) = sequences
        offsets = np.array([0, len(sequence)], np.int32)
        return TokenBatch(sequence.ids, sequence.special, offsets, _unread(sequences))
    offsets = np.zeros(len(sequences) + 1, np.int32)
    np.cumsum([len(s) for s in sequences], out=offsets[1:])
    return TokenBatch(
        np.concatenate([s.ids for s in sequences]).astype(np.int32),
        np.concatenate([s.special for s in sequences]),
        offsets,
        _unread(sequences),
    )


def _unread(sequences: Sequence[Tokens]) -> Ints | None:
    if not any(s.unread for s in sequences):
        return None
    return np.array([s.unread for s in sequences], np.int32)
