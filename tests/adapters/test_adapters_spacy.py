"""spaCy's documents with an embedder's vectors."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from poolwise.embedder import NotOfferedError

TEXTS = ["the cat sat. the dog ran.", "two men", "a small house", ""]


@pytest.fixture(scope="module")
def spacy():
    return pytest.importorskip("spacy")


@pytest.fixture(scope="module")
def nlp(spacy, prompted):
    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    nlp.add_pipe("poolwise", config={"model": prompted.model, "readout": "mean@2"})
    return nlp


@pytest.fixture(scope="module")
def embedder(nlp):
    return nlp.get_pipe("poolwise").embedder


def test_documents_spans_and_tokens_have_the_embedders_vectors(nlp, embedder):
    vectors = [doc.vector for doc in nlp.pipe(TEXTS, batch_size=2)]
    np.testing.assert_array_equal(vectors, embedder.encode(TEXTS))
    doc = nlp(TEXTS[0])
    np.testing.assert_array_equal(doc.vector, embedder.encode(TEXTS[0]))
    for part in (*doc.sents, doc[1], doc[1:3]):
        assert part.has_vector
        np.testing.assert_array_equal(part.vector, embedder.encode(part.text))


def test_similarity_is_by_the_folders_measure(nlp, embedder):
    first, second = nlp.pipe(TEXTS[:2])
    vectors = embedder.encode(TEXTS[:2])
    assert first.similarity(second) == pytest.approx(vectors[0] @ vectors[1], rel=1e-6)
    sentence = next(first.sents)
    assert sentence.similarity(second) == pytest.approx(sentence.vector @ vectors[1], rel=1e-6)


def test_a_text_of_another_pipeline_is_refused(spacy, nlp):
    with pytest.raises(NotOfferedError, match="of 32 and 0 dimensions"):
        nlp(TEXTS[0]).similarity(spacy.blank("en")(TEXTS[1]))


def test_a_pipeline_is_saved_and_read_again(spacy, nlp, tmp_path):
    nlp.to_disk(tmp_path)
    np.testing.assert_array_equal(spacy.load(tmp_path)(TEXTS[0]).vector, nlp(TEXTS[0]).vector)


def test_a_document_is_pickled_with_its_vector(nlp):
    doc = nlp(TEXTS[0])
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(doc)).vector, doc.vector)
