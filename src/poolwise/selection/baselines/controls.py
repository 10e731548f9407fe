"""Features of a text that say nothing, or next to nothing, of its meaning."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array

from poolwise.selection.baselines.terms import check_words, words


def length_only(n_tokens: ArrayLike, texts: Sequence[str]) -> NDArray[np.float64]:
    """Tokens, words and characters of each text, each standardised, [n, 3].

    A column that is the same for all texts is 0.
    """
    counts = [(len(text.split()), len(text)) for text in texts]
    columns = np.column_stack([np.asarray(n_tokens), np.reshape(counts, (-1, 2))]).astype(float)
    centred = columns - columns.mean(axis=0)
    spread = centred.std(axis=0)
    return np.asarray(centred / np.where(spread > 0, spread, 1))


def bag_of_words(train_texts: Sequence[str], texts: Sequence[str]) -> csr_array[np.float32]:
    """How often each word of the train texts occurs in each text, [n, words].

    Raises StudyError where the train texts hold no word.
    """
    from sklearn.feature_extraction.text import CountVectorizer  # noqa: PLC0415 - slow to import

    check_words(train_texts)
    vectorizer = CountVectorizer(analyzer=words, dtype=np.float32)
    vectorizer.fit(train_texts)
    return csr_array(vectorizer.transform(texts))
