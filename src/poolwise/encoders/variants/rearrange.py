"""An encoder that reads its tokens in another order."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from poolwise.encoders.arrangement import ARRANGEMENTS
from poolwise.encoders.encoder import Encoder
from poolwise.errors import EncoderError

AnyEncoder = TypeVar("AnyEncoder", bound=Encoder)


def rearrange(encoder: AnyEncoder, name: str) -> AnyEncoder:
    """``encoder`` with the tokens of every text in the order ``ARRANGEMENTS[name]``.

    Weights are shared. Attention has no order of its own: to swap two tokens is to swap their
    (absolute or relative) positions. Long texts are truncated at the same word as before, or one
    word earlier where [CLS] is repeated. Raises EncoderError where the tokenizer adds no [CLS].
    """
    arrangement = ARRANGEMENTS[name]
    frame = encoder.tokenizer.frame
    if encoder.arrangement is not None:
        raise EncoderError(f"{encoder.name} is rearranged already; rearrange the original instead")
    if not frame.before:
        raise EncoderError(
            f"{encoder.name}: its tokenizer puts no token before a text, so there is no [CLS] that "
            "could stand elsewhere"
        )
    needed = len(frame.before) + len(frame.after) + 1 + arrangement.n_added
    if encoder.max_length < needed:
        raise EncoderError(
            f"{encoder.name} reads {encoder.max_length} tokens; with [CLS] {name}, special tokens "
            f"and one word are {needed}: load it with a larger max_length"
        )
    return replace(
        encoder,
        name=f"{encoder.name} ([CLS] {name})",
        declared=None,
        arrangement=arrangement,
        prompts=replace(encoder.prompts, pooled=True),
    )
