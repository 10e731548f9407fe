"""Token ids of a text with special tokens, truncated or split to the encoder's maximum length."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache

import numpy as np

from poolwise.encoders.tokenizer.frame import Frame
from poolwise.encoders.tokenizer.tokenizer import Tokenizer
from poolwise.errors import RowError
from poolwise.records import Bools, Ints, LongTexts, TokenizedText, Tokens


def fit_to_length(
    ids: Ints,
    tokenizer: Tokenizer,
    max_length: int,
    long: LongTexts,
    index: int,
    *,
    complete: bool = True,
) -> TokenizedText:
    """``ids`` [t] with special tokens; beyond ``max_length`` truncated, refused, or in windows.

    ``complete`` is False where ``ids`` may be only the first of a text, enough for truncation.
    ``index`` is the text's, for errors. Raises RowError for a long text with ``error``.
    """
    frame, side = tokenizer.frame, tokenizer.truncation_side
    room = max_length - len(frame.before) - len(frame.after)
    length = max_length - room + len(ids)
    if len(ids) <= room:
        return TokenizedText((_with_frame(ids, frame),), length)
    if long == "error":
        raise _too_long(index, f"{length}" if complete else f"{length} or more", max_length)
    if long == "truncate":
        truncated = ids[:room] if side == "right" else ids[-room:]
        return TokenizedText((_with_frame(truncated, frame),), max_length, truncated=True)
    windows = tuple(_with_frame(span, frame) for span in _spans(ids, room, max_length // 4))
    return TokenizedText(windows, length)


def cut_ids(
    ids: Ints, tokenizer: Tokenizer, max_length: int, long: LongTexts, index: int
) -> TokenizedText:
    """``ids`` [t] that hold their special tokens, cut to ``max_length``; with ``error``, refused.

    Special are those at both ends that the tokenizer would have added there.
    """
    truncated = len(ids) > max_length
    if truncated and long == "error":
        raise _too_long(index, str(len(ids)), max_length)
    if truncated:
        ids = ids[:max_length] if tokenizer.truncation_side == "right" else ids[-max_length:]
    before, after = tokenizer.frame
    row, special = tuple(ids.tolist()), np.zeros(len(ids), np.bool_)
    if row[: len(before)] == before:
        special[: len(before)] = True
    if after and row[-len(after) :] == after:
        special[-len(after) :] = True
    return TokenizedText((Tokens(ids, special),), len(ids), truncated)


def _too_long(index: int, count: str, max_length: int) -> RowError:
    return RowError(
        index,
        f"{count} tokens, more than the {max_length} that the encoder reads; "
        "cut it (truncate) or read it in pieces (window)",
    )


def with_unread(text: TokenizedText, unread: int) -> TokenizedText:
    """``text`` with its first ``unread`` tokens left out of pooling."""
    first, *following = text.windows
    return replace(text, windows=(replace(first, unread=unread), *following))


def _spans(ids: Ints, room: int, overlap: int) -> Iterator[Ints]:
    step = max(1, room - overlap)
    for start in range(0, len(ids), step):
        yield ids[start : start + room]
        if start + room >= len(ids):
            return


def _with_frame(ids: Ints, frame: Frame) -> Tokens:
    sequence = np.array([*frame.before, *ids.tolist(), *frame.after], np.int32)
    return Tokens(sequence, _special(len(frame.before), len(ids), len(frame.after)))


@lru_cache(maxsize=1024)
def _special(before: int, own: int, after: int) -> Bools:
    """The mask of special tokens, which sequences of equal lengths share."""
    special = np.array([True] * before + [False] * own + [True] * after, np.bool_)
    special.flags.writeable = False
    return special
