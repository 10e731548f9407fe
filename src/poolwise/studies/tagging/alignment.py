"""The encoder's first token of each word."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from poolwise.records import Ints
from poolwise.selection.splits import RowIndices

if TYPE_CHECKING:
    from poolwise.encoders import Encoder


@dataclass(frozen=True, slots=True)
class AlignedSentence:
    """One sentence: ``text``, its words joined by spaces, and the first token of each word.

    ``words``           [w] the indices of words that have a token within the maximum length.
    ``positions``       [w] the position of each word's first token, special tokens counted.
    ``first_ids``       [w] the id of that token.
    ``n_truncated``     words beyond the maximum length.
    ``n_untokenized``   words without any token (a lone control character).
    ``n_tokens``        of the whole sentence, special tokens included.
    ``token_bytes``     the ids within the maximum length: sentences of the same are one text.
    """

    text: str
    words: RowIndices
    positions: RowIndices
    first_ids: Ints
    n_tokens: int
    n_truncated: int = 0
    n_untokenized: int = 0
    token_bytes: bytes = b""


def align(encoder: Encoder, sentences: Sequence[Sequence[str]]) -> list[AlignedSentence | None]:
    """The first token of every word; None for a sentence whose tokens are not those of its words.

    Each word is tokenised by itself, as it stands in a sentence: after a space, unless it is the
    first. Where the words' tokens in sequence are not the tokens of the whole sentence (a tokenizer
    that merges across spaces), no token belongs to one word.
    """
    forms = list(dict.fromkeys(form for words in sentences for form in _forms(words)))
    pieces = dict(zip(forms, encoder.tokenizer.encode(forms), strict=True))
    texts = [" ".join(words) for words in sentences]
    token_ids = encoder.tokenizer.encode(texts)
    return [
        _aligned(encoder, text, ids, [pieces[form] for form in _forms(words)])
        for text, ids, words in zip(texts, token_ids, sentences, strict=True)
    ]


def _forms(words: Sequence[str]) -> list[str]:
    return [word if i == 0 else f" {word}" for i, word in enumerate(words)]


def _aligned(
    encoder: Encoder, text: str, ids: Ints, pieces: Sequence[Ints]
) -> AlignedSentence | None:
    concatenated = np.concatenate([np.zeros(0, np.int32), *pieces])
    if not np.array_equal(concatenated, ids):
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
        first_ids=ids[starts[words]],
        n_tokens=before + len(ids) + after,
        n_truncated=int((~within & (sizes > 0)).sum()),
        n_untokenized=int((sizes == 0).sum()),
        token_bytes=ids[:room].tobytes(),
    )
