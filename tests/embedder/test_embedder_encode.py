"""Embedder.encode beside sentence-transformers' own, on the demo model and real questions."""

from __future__ import annotations

import numpy as np
import pytest

from poolwise.embedder import Embedder, NotOfferedError

TEXTS = ["the cat sat on the mat", "a dog ran", "two men saw a tree", "one small house"]


@pytest.fixture(scope="module")
def theirs(demo):
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(str(demo.folder), device="cpu")


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"show_progress_bar": False, "batch_size": 7},
        {"prompt": "query: "},
        {"truncate_dim": 60},
        {"truncate_dim": 60, "normalize_embeddings": True},
        {"convert_to_tensor": True},
        {"convert_to_numpy": False},
        {"precision": "ubinary", "normalize_embeddings": True},
    ],
    ids=str,
)
def test_encode_is_that_of_sentence_transformers(theirs, banking, options):
    texts = banking[0][:5]
    ours, other = Embedder("demo").encode(texts, **options), theirs.encode(texts, **options)
    assert type(ours) is type(other)
    if "precision" in options:
        assert ours.dtype == other.dtype
        assert (np.unpackbits(ours ^ other).mean()) < 0.01  # values that are 0 but for rounding
    else:
        np.testing.assert_allclose(np.stack(list(ours)), np.stack(list(other)), atol=1e-5)


def test_what_else_their_users_call(theirs):
    ours = Embedder("demo")
    one, many = ours.encode_query("a cat"), ours.encode_document(sentences=TEXTS)
    np.testing.assert_array_equal(many, ours.encode(TEXTS))
    found, expected = ours.similarity(one, many), theirs.similarity(one, many)
    assert type(found) is type(expected)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert ours.get_sentence_embedding_dimension() == theirs.get_embedding_dimension()


def test_encode_of_one_text_is_one_vector(theirs):
    np.testing.assert_allclose(Embedder("demo").encode("a cat"), theirs.encode("a cat"), atol=1e-5)


@pytest.mark.parametrize("precision", ["int8", "uint8", "binary", "ubinary"])
def test_encode_quantises_as_sentence_transformers(demo, banking, precision):
    from sentence_transformers.util import quantize_embeddings

    floats = Embedder("demo").encode(banking[0][:20])
    ranges = np.stack([floats.min(axis=0), floats.max(axis=0)])
    ours = Embedder("demo").encode(banking[0][:20], precision=precision)
    expected = quantize_embeddings(floats, precision, ranges=ranges)
    assert ours.dtype == expected.dtype
    np.testing.assert_array_equal(ours, expected)


def test_encode_without_texts_or_after_integers(folder):
    embedder = Embedder(folder, "mean@-1")
    assert embedder.encode([]).shape == (0, 32)
    assert embedder.encode([], precision="uint8").shape == (0, 32)
    assert embedder.encode([], normalize_embeddings=True).shape == (0, 32)
    assert Embedder(folder, "mean@-1|binary").encode(TEXTS).shape == (4, 4)
    with pytest.raises(NotOfferedError, match="last step gives integers"):
        Embedder(folder, "mean@-1|binary").encode(TEXTS, normalize_embeddings=True)


@pytest.mark.parametrize(
    "options",
    [
        {"device": "cuda"},
        {"output_value": "tokens"},
        {"pool": {}},
        {"chunk_size": 5},
        {"batch_size": 0},
        {"truncate_dim": 33},
        {"truncate_dim": 0},
        {"precision": "int4"},
    ],
    ids=str,
)
def test_encode_refuses_what_it_cannot_follow(folder, options):
    with pytest.raises(NotOfferedError, match=next(iter(options))):
        Embedder(folder, "mean@-1").encode(TEXTS, **options)


def test_encode_uses_what_fit_has_learned(folder):
    embedder = Embedder(folder, "mean@-1|whiten(3)").fit(TEXTS)
    np.testing.assert_array_equal(embedder.encode(TEXTS), embedder.transform(TEXTS))
    assert embedder.get_embedding_dimension() == 3
    assert embedder.get_sentence_embedding_dimension() == 3
