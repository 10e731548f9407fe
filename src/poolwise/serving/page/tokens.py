"""The tokens of a text as the encoder reads it, and what of the text it does not read."""

from __future__ import annotations

import msgspec

from poolwise.model import Model
from poolwise.records import TokenizedText


class Token(msgspec.Struct):
    """``text``: its characters; ``token``: its name in the vocabulary; ``spaced``: after a space;
    ``special``: added by the tokenizer."""

    text: str
    token: str
    id: int
    special: bool
    spaced: bool


class ReadText(msgspec.Struct):
    """``n_tokens`` of ``n_all`` are read, special ones included; ``cut_before`` and ``cut_after``
    are the characters that are not."""

    tokens: list[Token]
    n_tokens: int
    n_all: int
    cut_before: str = ""
    cut_after: str = ""


def read_text(encoder: Model, text: str, tokenized: TokenizedText) -> ReadText:
    """``tokenized``: the text's tokens, as ``encoder`` reads it, cut to its length."""
    from poolwise.inspection.surfaces import surfaces  # noqa: PLC0415 - only once a page asks

    tokenizer, window = encoder.tokenizer, tokenized.windows[0]
    whole = encoder.prefix + text
    pieces = zip(
        window.ids.tolist(),
        window.special.tolist(),
        surfaces(tokenizer, whole, window),
        strict=True,
    )
    tokens = [
        Token(surface.text, tokenizer.token(number), number, special, surface.spaced)
        for number, special, surface in pieces
    ]
    read = ReadText(tokens, tokenized.n_tokens, tokenized.n_tokens)
    if tokenized.truncated:
        spans = tokenizer.spans(whole)
        n_cut = len(spans) - window.n_text
        read.n_all += n_cut
        if tokenizer.truncation_side == "left":
            read.cut_before = whole[: spans[n_cut][1]]
        else:
            read.cut_after = whole[spans[window.n_text - 1][2] :]
    return read
