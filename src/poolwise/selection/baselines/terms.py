"""Words, counted: TF-IDF reduced by a singular value decomposition."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from poolwise.encoders import Encoder
from poolwise.errors import StudyError
from poolwise.records import Floats
from poolwise.statistics.blas import single_blas_thread

NEGLIGIBLE = 1e-4
"""Singular values below this share of the largest are rounding: two texts that are one."""

_WORD = re.compile(r"\w+")


def words(text: str) -> list[str]:
    """Runs of letters and digits, in lower case."""
    return _WORD.findall(text.lower())


def check_words(texts: Sequence[str]) -> None:
    """Raises StudyError unless some text holds a word."""
    if not any(_WORD.search(text) for text in texts):
        raise StudyError(f"the {len(texts):,} train texts hold no word, so there is none to count")


def term_vectors(
    encoder: Encoder, train_texts: Sequence[str], texts: Sequence[str], seed: int
) -> tuple[Floats, str]:
    """Latent semantic analysis (Deerwester et al. 1990) of TF-IDF with 1 + log counts, [n, d].

    d is the encoder's width, or less: what the train texts carry.
    """
    from sklearn.decomposition import TruncatedSVD  # noqa: PLC0415 - slow to import
    from sklearn.feature_extraction.text import TfidfVectorizer  # noqa: PLC0415 - slow to import

    check_words(train_texts)
    vectorizer = TfidfVectorizer(analyzer=words, sublinear_tf=True, dtype=np.float32)
    train = vectorizer.fit_transform(train_texts)
    svd = TruncatedSVD(min(encoder.width, *train.shape), random_state=seed)
    with single_blas_thread():
        svd.fit(train)
        vectors = svd.transform(vectorizer.transform(texts))
    carried = svd.singular_values_ > NEGLIGIBLE * svd.singular_values_[0]
    note = f"TF-IDF of {train.shape[1]:,} words in {train.shape[0]:,} train texts, {{}} dimensions"
    return vectors[:, carried].astype(np.float32), note.format(int(carried.sum()))
