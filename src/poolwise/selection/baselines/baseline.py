"""The table of baselines, and the loop that runs them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from poolwise.encoders import Encoder
from poolwise.errors import MissingExtraError, StudyError
from poolwise.records import Floats
from poolwise.selection.baselines.documents import document_vectors
from poolwise.selection.baselines.terms import term_vectors
from poolwise.selection.baselines.word_vectors import averaged, weighted_by_rarity

Make = Callable[[Encoder, Sequence[str], Sequence[str], int], tuple[Floats, str]]
"""Encoder, train texts, texts, seed → vectors [n, d] of the texts, and how they were made."""

BASELINES: Mapping[str, Make] = {
    "static word vectors": averaged,
    "static word vectors, SIF": weighted_by_rarity,
    "TF-IDF + SVD": term_vectors,
    "doc2vec": document_vectors,
}

ENCODER_BASELINES = ("static word vectors", "static word vectors, SIF")
"""Those that read the encoder's word table: of several models each has its own."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """Vectors of n texts, float32 [n, d], and in ``note`` how they were made.

    Where the baseline could not run, ``vectors`` is None and ``note`` says why. A text without a
    word that the baseline knows has a vector of zeros.
    """

    name: str
    vectors: Floats | None
    note: str

    @property
    def dimensions(self) -> int:
        """d; 0 where there are no vectors."""
        return 0 if self.vectors is None else self.vectors.shape[1]


def baselines(
    encoder: Encoder,
    train_texts: Sequence[str],
    texts: Sequence[str],
    *,
    seed: int,
    names: Sequence[str] = tuple(BASELINES),
) -> Iterator[Baseline]:
    """These baselines' vectors of ``texts``, one after the other as they are asked for.

    What a baseline learns, it learns from ``train_texts``. The static ones read the tokens that the
    encoder reads of a text, without the special ones; the others read words, of the whole text.
    """
    for name in names:
        try:
            vectors, note = BASELINES[name](encoder, train_texts, texts, seed)
        except (MissingExtraError, StudyError) as error:
            yield Baseline(name, None, str(error))
            continue
        unknown = int((~vectors.any(axis=1)).sum())
        if unknown:
            note += f"; zeros for {unknown:,} of {len(texts):,} texts, in which it knows no word"
        yield Baseline(name, vectors, note)
