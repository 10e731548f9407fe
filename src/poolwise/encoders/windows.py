"""A text's ids, framed by special tokens and fitted to the encoder's maximum length."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from poolwise.encoders.tokenizer.frame import Frame
from poolwise.encoders.tokenizer.tokenizer import Tokenizer
from poolwise.errors import RowError
from poolwise.records import Ints, LongTexts, TokenizedText, Tokens


def fit(
    ids: Ints,
    tokenizer: Tokenizer,
    max_length: int,
    long: LongTexts,
    index: int,
    *,
    whole: bool = True,
) -> TokenizedText:
    """Frame ``ids`` [t]; beyond ``max_length`` cut, refuse, or read in overlapping windows.

    Unless windows are asked for, a text may come with no more ids than are needed: not ``whole``.
    """
    frame, side = tokenizer.frame, tokenizer.truncation_side
    room = max_length - len(frame.before) - len(frame.after)
    length = max_length - room + len(ids)
    if len(ids) <= room:
        return TokenizedText((_framed(ids, frame),), length)
    if long == "error":
        told = f"{length}" if whole else f"{length} or more"
        raise RowError(
            index,
            f"{told} tokens, more than the {max_length} that the encoder reads; "
            "cut it (truncate) or read it in pieces (window)",
        )
    if long == "truncate":
        kept = ids[:room] if side == "right" else ids[-room:]
        return TokenizedText((_framed(kept, frame),), max_length, truncated=True)
    windows = tuple(_framed(part, frame) for part in _parts(ids, room, max_length // 4))
    return TokenizedText(windows, length)


def skipping(text: TokenizedText, unread: int) -> TokenizedText:
    """The text, the first ``unread`` of whose tokens no pool reads."""
    first, *others = text.windows
    return replace(text, windows=(replace(first, unread=unread), *others))


def _parts(ids: Ints, room: int, overlap: int) -> Iterator[Ints]:
    step = max(1, room - overlap)
    for start in range(0, len(ids), step):
        yield ids[start : start + room]
        if start + room >= len(ids):
            return


def _framed(ids: Ints, frame: Frame) -> Tokens:
    first, last = len(frame.before), len(frame.before) + len(ids)
    whole = np.empty(last + len(frame.after), np.int32)
    whole[:first], whole[first:last], whole[last:] = frame.before, ids, frame.after
    special = np.ones(len(whole), np.bool_)
    special[first:last] = False
    return Tokens(whole, special)
