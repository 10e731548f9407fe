"""Sentences as token ids, and the vocabulary of the decoders."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import TYPE_CHECKING

import numpy as np

from poolwise.errors import StudyError
from poolwise.records import Ints
from poolwise.selection.splits import RowIndices, Splits, split_rows

if TYPE_CHECKING:
    from poolwise.encoders import Encoder

MAX_TEXTS = 20_000
MAX_TOKENS = 64
"""Tokens of a sentence, special tokens not counted."""

SHARES = (0.8, 0.1, 0.1)
"""Of train, dev and test."""

MIN_SENTENCES = 50

EMPTY, LONG, DUPLICATE = (
    "empty",
    f"longer than {MAX_TOKENS} tokens",
    "the same tokens as another",
)
"""Reasons to leave a text out."""

MIN_COUNT = 2
"""Occurrences in train below which a token is not in the vocabulary."""

END, UNKNOWN, FIRST_TOKEN = 0, 1, 2
"""A decoder's indices: the end of a sentence; a token outside the vocabulary; its first token."""


@dataclass(frozen=True)
class Corpus:
    """``sentences`` are the encoder's ids [t], without special tokens.

    ``vocabulary`` [k], ascending: the ids that occur in train at least twice. A decoder's index i
    stands for the id ``vocabulary[i - FIRST_TOKEN]``.
    """

    sentences: Sequence[Ints]
    splits: Splits
    vocabulary: Ints
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.sentences)

    @property
    def n_indices(self) -> int:
        """The number of a decoder's indices."""
        return FIRST_TOKEN + len(self.vocabulary)

    @cached_property
    def targets(self) -> Sequence[RowIndices]:
        """Each sentence in the decoder's indices, and ``END``: [t + 1]."""
        return [np.append(self._indices(ids), END) for ids in self.sentences]

    @cached_property
    def lengths(self) -> RowIndices:
        """Tokens in each sentence, [n]."""
        return np.array([len(ids) for ids in self.sentences], np.intp)

    @cached_property
    def hash(self) -> str:
        """Of everything but the vectors that a decoder is trained on."""
        digest = sha256()
        for array in (*self.splits, self.vocabulary, self.lengths, *self.sentences):
            digest.update(np.asarray(array, np.int64).tobytes())
        return digest.hexdigest()

    def ids(self, indices: Sequence[int]) -> list[int]:
        """The encoder's ids of a decoder's indices, without ``END`` and ``UNKNOWN``."""
        return [int(self.vocabulary[i - FIRST_TOKEN]) for i in indices if i >= FIRST_TOKEN]

    def references(self, rows: RowIndices) -> list[list[int]]:
        """The ids of these sentences."""
        return [self.sentences[i].tolist() for i in rows.tolist()]

    def _indices(self, ids: Ints) -> RowIndices:
        at = np.searchsorted(self.vocabulary, ids).clip(max=len(self.vocabulary) - 1)
        return np.where(self.vocabulary[at] == ids, at + FIRST_TOKEN, UNKNOWN)


@dataclass(frozen=True, slots=True)
class TokenizedSentences:
    """``texts`` and their ids [t], without special tokens; ``notes`` say which were left out."""

    texts: Sequence[str]
    ids: Sequence[Ints]
    notes: tuple[str, ...]


def tokenize_sentences(encoder: Encoder, texts: Sequence[str], seed: int) -> TokenizedSentences:
    """The texts that a decoder can be trained on.

    At most ``MAX_TEXTS`` texts, drawn by the seed; those that are empty, truncated by the encoder,
    longer than ``MAX_TOKENS`` tokens, or the same tokens as another text (but for case, say) are
    left out. Raises StudyError below 50 sentences.
    """
    unique = list(dict.fromkeys(texts))
    sampled_rows = np.random.default_rng(seed).permutation(len(unique))[:MAX_TEXTS]
    sample = [unique[i] for i in np.sort(sampled_rows).tolist()]
    usable: dict[bytes, tuple[str, Ints]] = {}
    counts = dict.fromkeys((EMPTY, LONG, DUPLICATE), 0)
    for text, tokenized in zip(sample, encoder.tokenize(sample), strict=True):
        (window,) = tokenized.windows
        ids = window.ids[~window.special]
        if not len(ids):
            counts[EMPTY] += 1
        elif tokenized.truncated or len(ids) > MAX_TOKENS:
            counts[LONG] += 1
        elif ids.tobytes() in usable:
            counts[DUPLICATE] += 1
        else:
            usable[ids.tobytes()] = text, ids
    notes = tuple(_sample_notes(len(unique), len(sample), counts))
    _check_size(len(usable), notes)
    return TokenizedSentences(
        [text for text, _ in usable.values()], [ids for _, ids in usable.values()], notes
    )


def split_corpus(sentences: TokenizedSentences, rows: RowIndices, seed: int) -> Corpus:
    """The corpus of these rows of the sentences, split into train, dev and test.

    Raises StudyError for fewer than 50, and where no token occurs in train twice.
    """
    ids = [sentences.ids[i] for i in rows.tolist()]
    _check_size(len(ids), sentences.notes)
    texts = [(sentences.texts[i],) for i in rows.tolist()]
    splits = split_rows([""] * len(ids), texts, SHARES, seed)
    vocabulary = _vocabulary([ids[i] for i in splits.train.tolist()])
    if not len(vocabulary):
        raise StudyError("no token stands in two sentences of train: give more text")
    n_missing = len(sentences.ids) - len(ids)
    notes = [*splits.notes, *sentences.notes, *_missing_vectors_note(n_missing)]
    notes.append(_vocabulary_note(ids, splits, vocabulary))
    return Corpus(ids, splits, vocabulary, tuple(notes))


def _check_size(sentences: int, notes: Sequence[str]) -> None:
    if sentences < MIN_SENTENCES:
        reasons = "".join(f" ({note})" for note in notes)
        raise StudyError(
            f"{sentences} usable sentences{reasons}; a decoder that learns from a sentence's "
            f"vector needs at least {MIN_SENTENCES}, and some thousands to say anything: give "
            "more text"
        )


def _vocabulary(sentences: Sequence[Ints]) -> Ints:
    ids, counts = np.unique(np.concatenate(sentences), return_counts=True)
    return ids[counts >= MIN_COUNT]


def _sample_notes(unique: int, sampled: int, counts: Mapping[str, int]) -> Iterator[str]:
    if sampled < unique:
        yield f"{sampled:,} of {unique:,} different texts, drawn by the seed"
    reasons = [f"{count:,} {reason}" for reason, count in counts.items() if count]
    if reasons:
        yield f"texts left out: {', '.join(reasons)}"


def _missing_vectors_note(count: int) -> Iterator[str]:
    if count:
        yield f"{count:,} sentences left out: some readout has no finite vector for them"


def _vocabulary_note(sentences: Sequence[Ints], splits: Splits, vocabulary: Ints) -> str:
    ids = np.concatenate([sentences[i] for i in splits.test.tolist()])
    share = float(1 - np.isin(ids, vocabulary).mean())
    return (
        f"decoders know the {len(vocabulary):,} tokens that stand in train at least twice; of the "
        f"test sentences' tokens {share:.1%} are others, which no decoder can give back"
    )
