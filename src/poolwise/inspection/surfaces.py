"""The characters of a text that each token stands for, where the vocabulary has ``##ing``."""

from __future__ import annotations

from dataclasses import dataclass

from poolwise.encoders.tokenizer import Tokenizer
from poolwise.records import Tokens

SPACE = "▁"
"""As SentencePiece's vocabularies write it."""


@dataclass(frozen=True, slots=True)
class Surface:
    """A token's characters; ``spaced``: whether a space separates it from the token before."""

    text: str
    spaced: bool


def surfaces(tokenizer: Tokenizer, text: str, window: Tokens) -> list[Surface]:
    """Of each token of the text's window: its first, or its last where it was cut on the left.

    A token without characters of its own in the text (a special token, a space, the second byte of
    an emoji) has its name in the vocabulary.
    """
    offsets = tokenizer.backend.encode(text, add_special_tokens=False).offsets
    cut = len(offsets) - window.n_text if tokenizer.truncation_side == "left" else 0
    spans = iter(offsets[max(cut, 0) :])
    pieces: list[Surface] = []
    before, after_special = 0, True
    for number, special in zip(window.ids.tolist(), window.special.tolist(), strict=True):
        token = tokenizer.token(number)
        start, end = (before, before) if special else next(spans)
        if token == SPACE and not text[start:end].isspace():
            end = start  # a space that the tokenizer put in has the next character's place
        own = text[max(start, before) : end].strip()
        spaced = after_special or special or text[before:end][:1].isspace()
        pieces.append(Surface(own or token, spaced))
        before, after_special = max(before, end), special
    return pieces
