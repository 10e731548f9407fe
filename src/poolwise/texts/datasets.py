"""The data of a study: scored pairs, labelled texts, tagged sentences, queries, texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from poolwise.texts.label_columns import LabelKind
from poolwise.texts.sampling import Sample
from poolwise.texts.texts import Texts


@dataclass(frozen=True, slots=True)
class TextPairs:
    """Pairs of texts that people have scored, n of them.

    ``scores`` float64 [n]. ``subsets`` names the part of a collection that each pair comes from
    (``MSRvid``), all empty where there is one only. ``splits`` says where a pair must stand:
    ``train``, ``dev``, ``test``, or empty for whoever splits them. ``notes`` say what was drawn or
    left out when they were read; ``samples`` the former of each source where a limit took some.
    ``groups`` gives texts that an encoder reads alike the same number; a text that it lacks is like
    no other.
    """

    name: str
    first: Sequence[str]
    second: Sequence[str]
    scores: NDArray[np.float64]
    subsets: Sequence[str]
    splits: Sequence[str]
    hash: str
    notes: Sequence[str] = ()
    samples: Sequence[Sample] = ()
    groups: Mapping[str, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.first)


@dataclass(frozen=True, slots=True)
class LabelledTexts:
    """Texts with a label each, n of them; ``splits``, ``notes``, ``samples`` and ``groups`` as in
    ``TextPairs``. ``kind`` is that of the labels where it was asked for or found out; None leaves
    it to what they look like."""

    name: str
    texts: Sequence[str]
    labels: Sequence[str]
    splits: Sequence[str]
    hash: str
    notes: Sequence[str] = ()
    samples: Sequence[Sample] = ()
    groups: Mapping[str, int] = field(default_factory=dict)
    kind: LabelKind | None = None

    def __len__(self) -> int:
        return len(self.texts)


@dataclass(frozen=True, slots=True)
class TaggedSentences:
    """Sentences cut into words, with a tag for each word; ``splits``, ``notes`` and ``samples`` as
    in ``TextPairs``."""

    name: str
    words: Sequence[Sequence[str]]
    tags: Sequence[Sequence[str]]
    splits: Sequence[str]
    hash: str
    notes: Sequence[str] = ()
    samples: Sequence[Sample] = ()

    def __len__(self) -> int:
        return len(self.words)


@dataclass(frozen=True, slots=True)
class RetrievalData:
    """Queries, a corpus of documents, and which documents are relevant to which query.

    ``queries`` [q] and ``documents`` [m] are texts, a document's title and its text joined by a
    blank; ``query_ids`` [q] and ``document_ids`` [m] what the files call them. ``relevance`` [q]
    maps the index of each judged document to its grade: above 0 relevant, 0 judged to be not. A
    document that a query's map lacks is not judged, and counts as not relevant. ``proxy`` says what
    the queries were made from where they are no real ones, empty where they are. ``splits`` are
    those of the queries; it, ``notes``, ``samples`` and ``groups`` as in ``TextPairs``.
    """

    name: str
    query_ids: Sequence[str]
    queries: Sequence[str]
    document_ids: Sequence[str]
    documents: Sequence[str]
    relevance: Sequence[Mapping[int, float]]
    splits: Sequence[str]
    hash: str
    proxy: str = ""
    notes: Sequence[str] = ()
    samples: Sequence[Sample] = ()
    groups: Mapping[str, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.queries)


Dataset = TextPairs | LabelledTexts | TaggedSentences | RetrievalData | Texts

DataKind = Literal["pairs", "labels", "tags", "queries", "texts"]
"""A kind of data sets: an attribute of ``Datasets``, an option of the command line."""


@dataclass(frozen=True, slots=True)
class Datasets:
    """All the data of a run, by kind; and the ``task`` that readouts are chosen by, where the data
    say it."""

    pairs: Sequence[TextPairs] = ()
    labels: Sequence[LabelledTexts] = ()
    tags: Sequence[TaggedSentences] = ()
    queries: Sequence[RetrievalData] = ()
    texts: Sequence[Texts] = ()
    task: str | None = None
