"""Sentences as the encoder's own tokens, and the few of those that a decoder can say."""

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

CAP = 20_000
LONGEST = 64
"""Tokens of a sentence, special tokens not counted."""

SHARES = (0.8, 0.1, 0.1)
"""Of train, dev and test."""

FEWEST = 50
"""Sentences below which a part would hold too few."""

EMPTY, LONG, TWICE = "empty", f"longer than {LONGEST} tokens", "the same tokens as another"

OFTEN = 2
"""How often a token must stand in train to be learned."""

END, UNKNOWN, FIRST = 0, 1, 2
"""A decoder's numbers: the sentence is over; a token it does not know; the first that it does."""


@dataclass(frozen=True)
class Corpus:
    """``sentences`` hold the encoder's ids [t], special tokens aside.

    ``known`` [k], rising: the ids that stand in train at least twice. A decoder's number i is the
    id ``known[i - FIRST]``.
    """

    sentences: Sequence[Ints]
    splits: Splits
    known: Ints
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.sentences)

    @property
    def words(self) -> int:
        """How many numbers a decoder chooses from."""
        return FIRST + len(self.known)

    @cached_property
    def numbers(self) -> Sequence[RowIndices]:
        """Each sentence in the decoder's numbers, and ``END``: [t + 1]."""
        return [np.append(self._number(ids), END) for ids in self.sentences]

    @cached_property
    def lengths(self) -> RowIndices:
        """Tokens in each sentence, [n]."""
        return np.array([len(ids) for ids in self.sentences], np.intp)

    @cached_property
    def hash(self) -> str:
        """Of all that a decoder learns from but the vectors."""
        digest = sha256()
        for rows in (*self.splits, self.known, self.lengths, *self.sentences):
            digest.update(np.asarray(rows, np.int64).tobytes())
        return digest.hexdigest()

    def ids(self, numbers: Sequence[int]) -> list[int]:
        """The encoder's ids of a decoder's numbers; ``END`` and ``UNKNOWN`` have none."""
        return [int(self.known[i - FIRST]) for i in numbers if i >= FIRST]

    def references(self, rows: RowIndices) -> list[list[int]]:
        """The ids of these sentences."""
        return [self.sentences[i].tolist() for i in rows.tolist()]

    def _number(self, ids: Ints) -> RowIndices:
        at = np.searchsorted(self.known, ids).clip(max=len(self.known) - 1)
        return np.where(self.known[at] == ids, at + FIRST, UNKNOWN)


@dataclass(frozen=True, slots=True)
class Sentences:
    """``texts`` and their ids [t], special tokens aside; ``notes`` say which were left out."""

    texts: Sequence[str]
    ids: Sequence[Ints]
    notes: tuple[str, ...]


def read(encoder: Encoder, texts: Sequence[str], seed: int) -> Sentences:
    """The sentences that a decoder could say again.

    At most ``CAP`` texts, drawn by the seed; those that are empty, cut by the encoder, longer than
    ``LONGEST`` tokens, or the same tokens as another text (but for case, say) are left out. Raises
    StudyError below 50 sentences.
    """
    unique = list(dict.fromkeys(texts))
    drawn = np.random.default_rng(seed).permutation(len(unique))[:CAP]
    chosen = [unique[i] for i in np.sort(drawn).tolist()]
    kept: dict[bytes, tuple[str, Ints]] = {}
    left = dict.fromkeys((EMPTY, LONG, TWICE), 0)
    for text, found in zip(chosen, encoder.tokenize(chosen), strict=True):
        (window,) = found.windows
        ids = window.ids[~window.special]
        if not len(ids):
            left[EMPTY] += 1
        elif found.truncated or len(ids) > LONGEST:
            left[LONG] += 1
        elif ids.tobytes() in kept:
            left[TWICE] += 1
        else:
            kept[ids.tobytes()] = text, ids
    notes = tuple(_left_out(len(unique), len(chosen), left))
    _check_enough(len(kept), notes)
    return Sentences([t for t, _ in kept.values()], [ids for _, ids in kept.values()], notes)


def divided(sentences: Sentences, rows: RowIndices, seed: int) -> Corpus:
    """The corpus of these of the sentences, divided into train, dev and test.

    Raises StudyError where they are fewer than 50, or share no token.
    """
    ids = [sentences.ids[i] for i in rows.tolist()]
    _check_enough(len(ids), sentences.notes)
    splits = split_rows(
        [""] * len(ids), [(sentences.texts[i],) for i in rows.tolist()], SHARES, seed
    )
    known = _frequent([ids[i] for i in splits.train.tolist()])
    if not len(known):
        raise StudyError("no token stands in two sentences of train: give more text")
    lacking = len(sentences.ids) - len(ids)
    notes = [*splits.notes, *sentences.notes, *_lacking(lacking), _unknown(ids, splits, known)]
    return Corpus(ids, splits, known, tuple(notes))


def _check_enough(sentences: int, notes: Sequence[str]) -> None:
    if sentences < FEWEST:
        why = "".join(f" ({note})" for note in notes)
        raise StudyError(
            f"{sentences} usable sentences{why}; a decoder that learns from a sentence's vector "
            f"needs at least {FEWEST}, and some thousands to say anything: give more text"
        )


def _frequent(sentences: Sequence[Ints]) -> Ints:
    ids, counts = np.unique(np.concatenate(sentences), return_counts=True)
    return ids[counts >= OFTEN]


def _left_out(unique: int, chosen: int, left: Mapping[str, int]) -> Iterator[str]:
    if chosen < unique:
        yield f"{chosen:,} of {unique:,} different texts, drawn by the seed"
    counts = [f"{count:,} {why}" for why, count in left.items() if count]
    if counts:
        yield f"texts left out: {', '.join(counts)}"


def _lacking(count: int) -> Iterator[str]:
    if count:
        yield f"{count:,} sentences left out: some readout has no finite vector for them"


def _unknown(sentences: Sequence[Ints], splits: Splits, known: Ints) -> str:
    ids = np.concatenate([sentences[i] for i in splits.test.tolist()])
    share = float(1 - np.isin(ids, known).mean())
    return (
        f"decoders know the {len(known):,} tokens that stand in train at least twice; of the test "
        f"sentences' tokens {share:.1%} are others, which no decoder can give back"
    )
