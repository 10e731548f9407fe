"""Texts that an encoder cannot tell apart are one text, however their strings differ.

An uncased tokenizer drops case, most drop or unite blanks, zero-width characters and the two ways
of writing an accent, and none reads beyond the maximum length. What is learned from one such copy
is known of the others: they belong together where rows are divided, and are one piece of evidence.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from poolwise.records import TokenizedText
from poolwise.texts import Datasets

if TYPE_CHECKING:
    from poolwise.encoders import Encoder

Rows = NDArray[np.intp]


def token_id_bytes(encoder: Encoder, texts: Sequence[str]) -> list[bytes]:
    """The ids that the encoder reads of each text: equal where it reads two alike."""
    return [id_bytes(text) for text in encoder.tokenize(texts)]


def id_bytes(text: TokenizedText) -> bytes:
    """The ids of all its windows."""
    return b" ".join(window.ids.tobytes() for window in text.windows)


def without_duplicates(encoder: Encoder, texts: Iterable[str]) -> list[str]:
    """The texts, of those that the encoder reads alike the first."""
    unique = list(dict.fromkeys(texts))
    first: dict[bytes, str] = {}
    for text, ids in zip(unique, token_id_bytes(encoder, unique), strict=True):
        first.setdefault(ids, text)
    return list(first.values())


def with_groups(encoder: Encoder, material: Datasets) -> Datasets:
    """The same sets of data, told which of their texts the encoder reads alike."""
    texts = [
        text for pairs in material.pairs for side in (pairs.first, pairs.second) for text in side
    ]
    texts += [text for labelled in material.labels for text in labelled.texts]
    groups = duplicate_groups(encoder, texts)
    return replace(
        material,
        pairs=[replace(one, groups=groups) for one in material.pairs],
        labels=[replace(one, groups=groups) for one in material.labels],
    )


def duplicate_groups(encoder: Encoder, texts: Iterable[str]) -> Mapping[str, int]:
    """A number for each text, the same where the encoder reads two alike."""
    unique = list(dict.fromkeys(texts))
    numbers: dict[bytes, int] = {}
    read = token_id_bytes(encoder, unique)
    return {
        text: numbers.setdefault(ids, len(numbers)) for text, ids in zip(unique, read, strict=True)
    }


def duplicate_keys(texts: Sequence[str], groups: Mapping[str, int]) -> list[Hashable]:
    """What each text is known by, [n]: its number in ``groups``, or itself where it has none."""
    return [groups.get(text, text) for text in texts]


def factorize(keys: Sequence[Hashable]) -> Rows:
    """A number for each key, [n]: from 0, in the order in which different keys first appear."""
    known: dict[Hashable, int] = {}
    return np.fromiter((known.setdefault(key, len(known)) for key in keys), np.intp, len(keys))
