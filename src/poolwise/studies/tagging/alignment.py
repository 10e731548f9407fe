"""Which token of the encoder stands for which word."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from poolwise.records import Ints

if TYPE_CHECKING:
    from poolwise.encoders import Encoder

Rows = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class AlignedSentence:
    """One sentence as the encoder reads it: ``text``, its words joined by spaces.

    ``words``      [w] the words that have a token within the encoder's reach, by number.
    ``positions``  [w] where the first token of each stands, special tokens counted.
    ``first``      [w] the id of that token.
    ``cut``        words beyond the maximum length.
    ``bare``       words of which the tokenizer leaves nothing (a lone control character).
    ``n_tokens``   special tokens included, before anything is cut.
    ``read``       the ids of all tokens within reach: sentences of the same are one text.
    """

    text: str
    words: Rows
    positions: Rows
    first: Ints
    n_tokens: int
    cut: int = 0
    bare: int = 0
    read: bytes = b""


def align(encoder: Encoder, sentences: Sequence[Sequence[str]]) -> list[AlignedSentence | None]:
    """The first token of every word; None for a sentence whose tokens are not those of its words.

    Each word is tokenised apart, as it stands in a sentence: after a space, unless it is the first.
    Where the pieces laid end to end are not the tokens of the whole sentence (a tokenizer that
    merges across spaces), nobody can say which token belongs to which word.
    """
    forms = list(dict.fromkeys(form for words in sentences for form in _forms(words)))
    pieces = dict(zip(forms, encoder.tokenizer.encode(forms), strict=True))
    texts = [" ".join(words) for words in sentences]
    wholes = encoder.tokenizer.encode(texts)
    return [
        _aligned(encoder, text, whole, [pieces[form] for form in _forms(words)])
        for text, whole, words in zip(texts, wholes, sentences, strict=True)
    ]


def _forms(words: Sequence[str]) -> list[str]:
    return [word if i == 0 else f" {word}" for i, word in enumerate(words)]


def _aligned(
    encoder: Encoder, text: str, whole: Ints, pieces: Sequence[Ints]
) -> AlignedSentence | None:
    laid = np.concatenate([np.zeros(0, np.int32), *pieces])
    if not np.array_equal(laid, whole):
        return None
    frame = encoder.tokenizer.frame
    before, after = len(frame.before), len(frame.after)
    sizes = np.array([len(piece) for piece in pieces], np.intp)
    starts = np.cumsum(sizes) - sizes
    room = encoder.max_length - before - after
    within = starts < room
    words = np.flatnonzero((sizes > 0) & within)
    return AlignedSentence(
        text=text,
        words=words,
        positions=starts[words] + before,
        first=whole[starts[words]],
        n_tokens=before + len(whole) + after,
        cut=int((~within & (sizes > 0)).sum()),
        bare=int((sizes == 0).sum()),
        read=whole[:room].tobytes(),
    )
