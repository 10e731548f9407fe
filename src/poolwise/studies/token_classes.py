"""What kind of token each one is: content, function word, punctuation, [SEP], [CLS] itself."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from poolwise.records import Bools, Ints

if TYPE_CHECKING:
    from poolwise.encoders import Encoder
    from poolwise.encoders.tokenizer.tokenizer import Tokenizer

CLASSES = ("content word", "function word", "punctuation", "separator", "itself")
CONTENT, FUNCTION, PUNCTUATION, SEPARATOR, ITSELF = range(len(CLASSES))

CLASSES_NOTE = (
    "function words are scikit-learn's English stop words and the parts of contractions (don't, "
    "he's); every piece of a word counts as the word does; other languages have content words only"
)

CONTRACTED = (
    "s t d m ll re ve ain aren couldn didn doesn don hadn hasn haven isn mustn needn shan shouldn "
    "wasn weren won wouldn"
)
"""What stands before and after the apostrophe, where a tokenizer cuts there."""

_WHOLE_WORDS = ("WordPiece", "WordLevel")
"""Tokenizers in whose vocabulary a piece begins a word unless it is marked."""


class Piece(NamedTuple):
    """A token: its letters as its vocabulary writes them, and whether it begins a word."""

    letters: str
    begins: bool


def token_classes(encoder: Encoder, ids: Ints, special: Bools) -> NDArray[np.int8]:
    """The number in ``CLASSES`` of every token, int8 [n, t], from ids and special marks [n, t].

    Position 0 is ``itself``, every other special token a ``separator``. ``punctuation`` is what has
    no letter and no digit; it stands by itself, and ends the word before it.
    """
    read, spelt = _reader(encoder.tokenizer)
    unique, place = np.unique(ids, return_inverse=True)
    place = place.reshape(ids.shape)
    pieces = [read(encoder.tokenizer.token(i)) for i in unique.tolist()]
    piece_classes = np.array([_class(spelt(piece.letters)) for piece in pieces], np.int8)
    mark = (piece_classes == PUNCTUATION) & np.array([bool(piece.letters) for piece in pieces])
    apart = mark[place] | special
    begins = np.array([piece.begins for piece in pieces])[place] | apart
    begins[:, 1:] |= apart[:, :-1]
    begins[:, 0] = True

    starts = np.flatnonzero(begins)
    sizes = np.diff(starts, append=begins.size)
    flat = place.ravel()
    words = piece_classes[flat[starts]]
    known: dict[tuple[int, ...], int] = {}
    for w in np.flatnonzero(sizes > 1).tolist():
        word = tuple(flat[starts[w] : starts[w] + sizes[w]].tolist())
        if word not in known:
            known[word] = _class(spelt("".join(pieces[i].letters for i in word)))
        words[w] = known[word]
    classes = np.repeat(words, sizes).reshape(ids.shape)
    classes[special] = SEPARATOR
    classes[:, 0] = ITSELF
    return classes


def _reader(tokenizer: Tokenizer) -> tuple[Callable[[str], Piece], Callable[[str], str]]:
    """How this vocabulary marks pieces, and how their letters are spelt."""
    if '"type": "ByteLevel"' in tokenizer.spec:
        from tokenizers import decoders  # noqa: PLC0415 - beside its only use

        decoder = decoders.ByteLevel()
        return _byte_level, lambda letters: str(decoder.decode([letters]))
    if any(f'"type": "{kind}"' in tokenizer.spec for kind in _WHOLE_WORDS):
        return _wordpiece, str
    return _sentencepiece, str


def _wordpiece(token: str) -> Piece:
    return Piece(token.removeprefix("##"), not token.startswith("##"))


def _byte_level(token: str) -> Piece:
    return Piece(token.removeprefix("Ġ"), token.startswith("Ġ"))


def _sentencepiece(token: str) -> Piece:
    return Piece(token.removeprefix("▁"), token.startswith("▁"))


def _class(word: str) -> int:
    # Part of a character, where bytes are tokens, is taken for part of a letter.
    if not any(c.isalnum() or c == "\N{REPLACEMENT CHARACTER}" for c in word):
        return PUNCTUATION
    parts = re.split("['’]", word.lower())
    return FUNCTION if _function_words().issuperset(filter(None, parts)) else CONTENT


@cache
def _function_words() -> frozenset[str]:
    from sklearn.feature_extraction import text  # noqa: PLC0415 - half a second

    return frozenset(text.ENGLISH_STOP_WORDS) | frozenset(CONTRACTED.split())
