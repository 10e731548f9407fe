"""doc2vec: a vector for each text, trained to predict the text's words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from poolwise.encoders import Encoder
from poolwise.errors import StudyError, needs
from poolwise.records import Floats
from poolwise.selection.baselines.terms import check_words, words

DIMENSIONS = 100
RATE = 0.2
"""gensim's 0.025 needs ten times as many epochs for as good a vector of a single sentence."""

PASSES = 150_000
"""Texts that training sees, repetitions counted: small collections take more epochs."""

FEWEST, MOST = 10, 100
"""Epochs of training."""

INFERENCE = 20
"""Epochs for the vector of a text."""


def document_vectors(
    encoder: Encoder, train_texts: Sequence[str], texts: Sequence[str], seed: int
) -> tuple[Floats, str]:
    """Distributed bag of words (PV-DBOW, Le & Mikolov 2014) by gensim, [n, 100].

    The vectors of all texts are inferred, those of train texts too: a text's vector must not depend
    on the part of the data it is in, nor on the texts before it. One worker makes it
    reproducible. Raises MissingExtraError without gensim, and StudyError where no word occurs
    twice.
    """
    del encoder
    with needs("baselines", "doc2vec"):
        from gensim.models.doc2vec import Doc2Vec, TaggedDocument  # noqa: PLC0415 - an extra

    check_words(train_texts)
    epochs = min(max(PASSES // len(train_texts), FEWEST), MOST)
    model = Doc2Vec(
        dm=0,
        vector_size=DIMENSIONS,
        min_count=2,
        alpha=RATE,
        epochs=epochs,
        workers=1,
        seed=seed,
    )
    tagged = [TaggedDocument(words(text), [row]) for row, text in enumerate(train_texts)]
    model.build_vocab(tagged)
    if not len(model.wv):
        raise StudyError("no word occurs twice in the train texts, so doc2vec has none to learn")
    model.train(tagged, total_examples=model.corpus_count, epochs=epochs)
    vectors = np.zeros((len(texts), DIMENSIONS), np.float32)
    for row, text in enumerate(texts):
        known = [word for word in words(text) if word in model.wv]
        if known:
            model.random.seed(seed)
            _infer(model, known, vectors[row : row + 1])
    note = (
        f"PV-DBOW, {DIMENSIONS} dimensions, {epochs} epochs over {len(train_texts):,} train texts"
    )
    return vectors, note


def _infer(model: Any, known: list[str], vector: Floats) -> None:
    """Train ``vector`` [1, 100] in place from zeros, all else held fixed.

    As gensim's ``infer_vector``, which starts from Python's hash of the text: another one in every
    process.
    """
    from gensim.models.doc2vec import train_document_dbow  # noqa: PLC0415 - an extra

    free = np.ones(1, np.float32)
    for rate in np.linspace(RATE, model.min_alpha, INFERENCE):
        train_document_dbow(
            model,
            known,
            [0],
            rate,
            learn_words=False,
            learn_hidden=False,
            doctag_vectors=vector,
            doctags_lockf=free,
        )
