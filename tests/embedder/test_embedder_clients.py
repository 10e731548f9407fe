"""Packages that take an Embedder, or its SentenceTransformer, as they are.

Those that the tests do not install (skrub, txtai, setfit) are tested where they are there.
"""

from __future__ import annotations

import csv
import warnings
from pathlib import Path

import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.metrics.pairwise import cosine_similarity
from sklearn.pipeline import make_pipeline

from poolwise.embedder import Embedder

BANKING = Path(__file__).parent.parent.parent / "examples" / "banking77.csv"


@pytest.fixture(scope="module")
def rows():
    with BANKING.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))[::50]


@pytest.fixture(scope="module")
def texts(rows):
    return [row["text"] for row in rows]


@pytest.fixture(scope="module")
def embedder(demo):
    """Not the readout that a package would use without being told."""
    return Embedder("demo", "cls@3")


@pytest.fixture(scope="module")
def bertopic():
    pytest.importorskip("bertopic")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Tensorflow not installed", ImportWarning)
        warnings.filterwarnings(
            "ignore", "Importing from 'sentence_transformers", module="bertopic"
        )
        import bertopic
        import bertopic.backend._sentencetransformers

        return bertopic


class SeenPCA(PCA):
    """A reduction of dimensions that keeps the vectors it was fitted on."""

    def fit_transform(self, vectors, y=None):
        self.vectors = vectors.copy()
        return super().fit_transform(vectors, y)


@pytest.mark.parametrize("form", ["SentenceTransformer", "pipeline"])
def test_bertopic_finds_topics_in_the_embedders_vectors(bertopic, embedder, texts, form):
    """In a pipeline of scikit-learn's, it takes an Embedder without sentence-transformers."""
    taken = embedder.as_sentence_transformer() if form[0] == "S" else make_pipeline(embedder)
    reduction = SeenPCA(5, random_state=0)
    clusters = KMeans(8, n_init=1, random_state=0)
    model = bertopic.BERTopic(embedding_model=taken, umap_model=reduction, hdbscan_model=clusters)
    topics, _ = model.fit_transform(texts)
    expected = embedder.encode(texts)
    np.testing.assert_array_equal(reduction.vectors, expected)
    mean = expected[np.array(topics) == 0].mean(axis=0)
    np.testing.assert_allclose(model.topic_embeddings_[0], mean, rtol=1e-4, atol=1e-6)


def test_keybert_ranks_by_the_embedders_vectors(embedder):
    keybert = pytest.importorskip("keybert")
    text = "somebody took money from my account at a cash machine in another country"
    candidates = ["account", "cash machine", "country", "money"]
    model = keybert.KeyBERT(embedder.as_sentence_transformer())
    found = dict(model.extract_keywords(text, candidates, keyphrase_ngram_range=(1, 2), top_n=4))
    expected = cosine_similarity(embedder.encode([text]), embedder.encode(candidates))[0]
    assert [found[name] for name in candidates] == pytest.approx(expected, abs=1e-4)


def test_skrub_encodes_a_column(embedder, rows):
    skrub = pytest.importorskip("skrub")
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame(rows).assign(number=range(len(rows)))
    expected = embedder.encode(list(table["text"]))
    one = skrub.ApplyToCols(embedder, cols="text").fit_transform(table)
    np.testing.assert_array_equal(one.filter(like="embedder"), expected)
    encoder = skrub.TableVectorizer(high_cardinality=embedder)
    np.testing.assert_array_equal(encoder.fit_transform(table[["text"]]), expected)


def test_txtai_takes_a_function(embedder, texts):
    txtai = pytest.importorskip("txtai")

    def encode(texts):  # a plain function: txtai calls a method without the texts
        return embedder.encode(texts)

    index = txtai.Embeddings(method="external", transform=encode)
    index.index(texts)
    [(found, score)] = index.search(texts[7], 1)
    assert found == 7
    assert score == pytest.approx(1, abs=1e-6)
    vectors = embedder.encode(texts).astype(float)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    np.testing.assert_allclose(index.batchtransform(texts), vectors, atol=1e-6)


def test_setfit_trains_a_head(embedder, rows, texts):
    setfit = pytest.importorskip("setfit")
    labels = [row["category"] for row in rows]
    model = setfit.SetFitModel(
        model_body=embedder.as_sentence_transformer(), model_head=LogisticRegression(max_iter=200)
    )
    model.model_head.fit(model.encode(texts), labels)
    expected = LogisticRegression(max_iter=200).fit(embedder.encode(texts), labels)
    assert list(model.predict(texts)) == list(expected.predict(embedder.encode(texts)))
