"""An encoder whose vocabulary has every token a second time, with token type 1."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

import numpy as np

from poolwise.encoders.encoder import Encoder
from poolwise.errors import EncoderError

TYPES = "embeddings.token_type_embeddings.weight"

AnyEncoder = TypeVar("AnyEncoder", bound=Encoder)


def n_token_types(encoder: Encoder) -> int:
    """Rows of the table of token types; 0 where the encoder has none."""
    return len(encoder.tensors[TYPES]) if TYPES in encoder.tensors else 0


def with_second_type(encoder: AnyEncoder) -> AnyEncoder:
    """``encoder`` with 2 v tokens: id i + v is token i with type 1.

    Every token is read with type 0, whose row is part of the sum: its word embedding holds the
    difference of the two rows, so that its sum is right but for a rounding. The other weights are
    shared; engines are not. Raises EncoderError where there is one token type or none.
    """
    if n_token_types(encoder) < 2:
        raise EncoderError(f"{encoder.name} has no second token type")
    types, words = encoder.tensors[TYPES], encoder.word_embeddings
    both = np.concatenate([words, words + (types[1] - types[0])])
    both.flags.writeable = False
    values = {**encoder.config.values, "vocab_size": len(both)}
    return replace(
        encoder,
        tensors={**encoder.tensors, encoder.family.words: both},
        config=replace(encoder.config, values=values),
        tokenizer=replace(encoder.tokenizer, vocab_size=len(both)),
    )
