"""How far [CLS] moves when a word of the sentence is left out, or replaced by mask tokens."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poolwise.encoders import Encoder
from poolwise.model import Model
from poolwise.records import Floats, Precision
from poolwise.studies.attention.block_forward import cosine_distance
from poolwise.studies.attention.ranks import FEWEST
from poolwise.studies.tagging.alignment import AlignedSentence, align

Array = NDArray[np.float64]

LEFT_OUT, MASKED = "word left out", "word masked"
READOUT = "cls@-1"

SENTENCES, TOKENS = 200, 150_000
"""At most: sentences, and tokens that are read for them."""


@dataclass(frozen=True, slots=True, eq=False)
class DeletedWords:
    """One sentence of w words, and the effect of deleting each of them.

    ``text`` is the sentence with one space between words. ``starts`` [w]: each word's first token,
    ``end`` the token after the last word. ``letters`` [w]: the length of each word. ``distances``:
    the cosine distance [w] from [CLS] of the last block to that of the sentence without each word;
    under ``MASKED``, with a mask for each token of the word, where the tokenizer reads masks so.
    """

    text: str
    starts: NDArray[np.intp]
    end: int
    letters: Array
    distances: dict[str, Array]

    def by_word(self, shares: Floats) -> Array:
        """Sums of shares [t] over each word's tokens, [w]."""
        return np.add.reduceat(shares[: self.end].astype(np.float64), self.starts)


def delete_words(
    model: Model, texts: Sequence[str], *, precision: Precision, progress: bool
) -> list[DeletedWords]:
    """The effect of deleting each word, in the first of these texts; white space separates words.

    Texts whose words cannot be aligned with their tokens are left out, and those of fewer words
    than can be ranked.
    """
    sentences = list(_usable(model, texts))
    variants = [list(_variants(model, sentence)) for sentence in sentences]
    flat = [text for texts in variants for text in texts]
    batches = model.extract(flat, [READOUT], precision=precision, progress=progress)
    vectors = np.concatenate([batch.vectors[READOUT] for batch in batches] or [np.zeros((0, 1))])
    ends = np.cumsum([0, *map(len, variants)]).tolist()
    slices = [vectors[start:end] for start, end in itertools.pairwise(ends)]
    return [
        _distances(model, *of_sentence)
        for of_sentence in zip(sentences, variants, slices, strict=True)
    ]


def _usable(encoder: Encoder, texts: Sequence[str]) -> Iterator[AlignedSentence]:
    count, tokens = 0, 0
    for sentence in align(encoder, [text.split() for text in texts]):
        if sentence is None or len(sentence.words) < FEWEST:
            continue
        if sentence.n_truncated or sentence.n_untokenized:
            continue
        tokens += 2 * len(sentence.words) * sentence.n_tokens
        count += 1
        if count > SENTENCES or tokens > TOKENS:
            return
        yield sentence


def _variants(encoder: Encoder, sentence: AlignedSentence) -> Iterator[str]:
    """The sentence; without each word; and, where there is a mask, with each word masked.

    No space before a mask: some tokenizers would make a token of it.
    """
    words = sentence.text.split(" ")
    yield sentence.text
    for i in range(len(words)):
        yield " ".join(words[:i] + words[i + 1 :])
    mask = next((name for name in encoder.special_ids if "mask" in name.lower()), None)
    if mask is None:
        return
    sizes = np.diff(sentence.positions, append=_end(encoder, sentence)).tolist()
    for i, size in enumerate(sizes):
        yield " ".join([" ".join(words[:i]) + mask * size, *words[i + 1 :]])


def _distances(
    encoder: Encoder, sentence: AlignedSentence, variants: Sequence[str], vectors: Floats
) -> DeletedWords:
    w = len(sentence.words)
    distances = cosine_distance(vectors[:1], vectors[1:]).astype(np.float64)
    by_deletion = {LEFT_OUT: distances[:w]}
    masked = variants[1 + w :]
    length = sentence.n_tokens
    if masked and all(text.n_tokens == length for text in encoder.tokenize(masked)):
        by_deletion[MASKED] = distances[w:]
    return DeletedWords(
        text=sentence.text,
        starts=sentence.positions,
        end=_end(encoder, sentence),
        letters=np.array([len(word) for word in sentence.text.split(" ")], np.float64),
        distances=by_deletion,
    )


def _end(encoder: Encoder, sentence: AlignedSentence) -> int:
    return sentence.n_tokens - len(encoder.tokenizer.frame.after)
