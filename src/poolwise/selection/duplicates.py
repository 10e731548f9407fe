"""Duplicates: texts that a tokenizer turns into the same tokens, though their strings differ.

An uncased tokenizer drops case, most drop or unite blanks, zero-width characters and the two ways
of writing an accent, and none reads beyond the maximum length. Duplicates go into the same split,
or training would leak into test, and count as one observation in an interval.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from poolwise.records import TokenizedText
from poolwise.texts import Datasets
from poolwise.texts.retrieval.label_queries import without_queries_in_corpus

if TYPE_CHECKING:
    from poolwise.encoders import Encoder

RowIndices = NDArray[np.intp]


def token_id_bytes(encoder: Encoder, texts: Sequence[str]) -> list[bytes]:
    """Each text's token ids, [n]: equal where two texts are duplicates."""
    return [id_bytes(text) for text in encoder.tokenize(texts)]


def id_bytes(text: TokenizedText) -> bytes:
    """The token ids of all windows of the text."""
    return b" ".join(window.ids.tobytes() for window in text.windows)


def without_duplicates(encoder: Encoder, texts: Iterable[str]) -> list[str]:
    """The texts in order, of duplicates the first."""
    unique = list(dict.fromkeys(texts))
    first: dict[bytes, str] = {}
    for text, ids in zip(unique, token_id_bytes(encoder, unique), strict=True):
        first.setdefault(ids, text)
    return list(first.values())


def with_groups(encoder: Encoder, datasets: Datasets) -> Datasets:
    """The same data sets, with the duplicates among their texts in ``groups``."""
    return grouped(datasets, duplicate_groups(encoder, grouped_texts(datasets)))


def grouped_texts(datasets: Datasets) -> list[str]:
    """The texts of the data sets that have ``groups``."""
    texts = [
        text for pairs in datasets.pairs for side in (pairs.first, pairs.second) for text in side
    ]
    texts += [text for labelled in datasets.labels for text in labelled.texts]
    return texts + [
        text
        for data in datasets.queries
        for side in (data.queries, data.documents)
        for text in side
    ]


def grouped(datasets: Datasets, groups: Mapping[str, int]) -> Datasets:
    """The same data sets with these ``groups``."""
    return replace(
        datasets,
        pairs=[replace(pairs, groups=groups) for pairs in datasets.pairs],
        labels=[replace(labelled, groups=groups) for labelled in datasets.labels],
        queries=[
            without_queries_in_corpus(replace(queries, groups=groups))
            for queries in datasets.queries
        ],
    )


def duplicate_groups(encoder: Encoder, texts: Iterable[str]) -> Mapping[str, int]:
    """A number for each text, the same for duplicates."""
    unique = list(dict.fromkeys(texts))
    numbers: dict[bytes, int] = {}
    return {
        text: numbers.setdefault(ids, len(numbers))
        for text, ids in zip(unique, token_id_bytes(encoder, unique), strict=True)
    }


def unite(groupings: Sequence[Mapping[str, int]]) -> Mapping[str, int]:
    """A number for each text, the same for texts that any of the groupings numbers alike.

    All number the same texts: those that one of several encoders reads alike belong together.
    """
    first, *others = groupings
    if not others:
        return first
    texts = list(first)
    numbers = np.array([[grouping[text] for text in texts] for grouping in groupings])
    nodes = numbers + np.arange(1, len(groupings) + 1)[:, None] * len(texts)
    edges = np.tile(np.arange(len(texts)), len(groupings)), nodes.ravel()
    size = (len(groupings) + 1) * len(texts)
    graph = csr_array((np.ones(nodes.size), edges), shape=(size, size))
    _, components = connected_components(graph, directed=False)
    return dict(zip(texts, components[: len(texts)].tolist(), strict=True))


def duplicate_keys(texts: Sequence[str], groups: Mapping[str, int]) -> list[Hashable]:
    """A key for each text, [n], equal for duplicates: its number in ``groups``, or the text itself
    where it has none."""
    return [groups.get(text, text) for text in texts]


def factorize(keys: Sequence[Hashable]) -> RowIndices:
    """A number for each key, [n]: from 0, in the order in which different keys first appear."""
    numbers: dict[Hashable, int] = {}
    return np.fromiter((numbers.setdefault(key, len(numbers)) for key in keys), np.intp, len(keys))
