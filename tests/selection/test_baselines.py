import os
import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pytest

from poolwise import encoders
from poolwise.errors import StudyError
from poolwise.selection.baselines import BASELINES, bag_of_words, baselines, length_only

TRAIN = ["the cat sat on the mat", "the dog ran over the hill", "a bird and a tree", "the sea"] * 5
TEXTS = ["the cat", "cat cat the dog", "a tree and the sea", ""]

with_gensim = pytest.mark.skipif(
    find_spec("gensim") is None,
    reason="needs gensim, which is not for Python 3.14",
)
NAMES = [pytest.param(name, marks=with_gensim) if name == "doc2vec" else name for name in BASELINES]


@pytest.fixture(scope="module")
def encoder(tiny):
    return encoders.load(tiny("bert"))


def run(encoder, train=TRAIN, texts=TEXTS, seed=0):
    return {b.name: b for b in baselines(encoder, train, texts, seed=seed)}


@pytest.fixture(scope="module")
def made(encoder):
    return run(encoder)


def cosine(a, b):
    return a @ b / np.linalg.norm(a) / np.linalg.norm(b)


@pytest.mark.parametrize("name", NAMES)
def test_every_baseline_gives_a_finite_vector_for_every_text(made, name):
    baseline = made[name]
    assert baseline.vectors.dtype == np.float32
    assert baseline.vectors.shape == (len(TEXTS), baseline.dimensions)
    assert np.isfinite(baseline.vectors).all()
    assert baseline.vectors[:3].any(axis=1).all()
    assert not baseline.vectors[3].any()
    assert "zeros for 1 of 4 texts" in baseline.note


@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_gives_the_same_vectors(encoder, made, name):
    again = BASELINES[name](encoder, TRAIN, TEXTS, 0)[0]
    np.testing.assert_array_equal(again, made[name].vectors)


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_learned_from_the_texts_asked_for(encoder, made, name):
    make = BASELINES[name]
    alone = make(encoder, TRAIN, TEXTS[2:3], 0)[0][0]
    np.testing.assert_allclose(alone, made[name].vectors[2], atol=1e-6)
    if name == "static word vectors":
        other = make(encoder, TRAIN[:1], TEXTS, 0)[0]
        np.testing.assert_array_equal(other, made[name].vectors)


def test_static_vectors_are_the_mean_of_the_embeddings(encoder, made):
    ids = encoder.tokenizer.encode(TEXTS[1:2])[0]
    assert len(ids) == 4
    np.testing.assert_allclose(
        made["static word vectors"].vectors[1],
        encoder.word_embeddings[ids].mean(axis=0),
        atol=1e-6,
    )


def test_static_vectors_read_what_the_encoder_reads(tiny):
    short = encoders.load(tiny("bert"), max_length=4)
    vectors = BASELINES["static word vectors"](short, [], ["the cat sat on", "the cat"], 0)[0]
    np.testing.assert_array_equal(vectors[0], vectors[1])


def test_narrow_embeddings_make_narrow_vectors(tiny):
    narrow = encoders.load(tiny("albert"))
    assert BASELINES["static word vectors"](narrow, TRAIN, TEXTS, 0)[0].shape == (4, 16)
    assert BASELINES["static word vectors, SIF"](narrow, TRAIN, TEXTS, 0)[0].shape == (4, 16)


def test_sif_is_the_published_formula(encoder, made):
    words = encoder.word_embeddings.astype(np.float64)
    train = encoder.tokenizer.encode(TRAIN)
    counts = np.bincount(np.concatenate(train), minlength=len(words))
    weights = 1e-3 / (1e-3 + counts / counts.sum())

    def weighted(bags):
        return np.stack([(weights[bag, None] * words[bag]).mean(axis=0) for bag in bags])

    common = np.linalg.svd(weighted(train), full_matrices=False)[2][0]
    raw = weighted(encoder.tokenizer.encode(TEXTS[:3]))
    expected = raw - np.outer(raw @ common, common)
    np.testing.assert_allclose(
        made["static word vectors, SIF"].vectors[:3], expected, atol=1e-3 * np.abs(raw).max()
    )


def test_tfidf_has_the_dimensions_that_the_texts_carry(made):
    # Five copies of four different texts.
    assert made["TF-IDF + SVD"].dimensions == 4
    assert "14 words in 20 train texts, 4 dimensions" in made["TF-IDF + SVD"].note


def test_tfidf_keeps_the_cosines_of_train_texts(encoder):
    from sklearn.feature_extraction.text import TfidfVectorizer

    full = TfidfVectorizer(token_pattern=r"\w+", sublinear_tf=True).fit_transform(TRAIN).toarray()
    reduced = BASELINES["TF-IDF + SVD"](encoder, TRAIN, TRAIN[:4], 0)[0]
    np.testing.assert_allclose(reduced @ reduced.T, full[:4] @ full[:4].T, atol=1e-5)


def test_tfidf_knows_letter_case_and_single_letters(encoder):
    make = BASELINES["TF-IDF + SVD"]
    vectors = make(encoder, ["A b", "c d"], ["a B!", "d, C", "B"], 0)[0]
    assert cosine(vectors[0], vectors[1]) == pytest.approx(0, abs=1e-5)
    assert cosine(vectors[0], vectors[2]) == pytest.approx(1, abs=1e-5)


@with_gensim
def test_doc2vec_learns_which_texts_are_alike(encoder):
    rng = np.random.default_rng(0)
    topics = [[f"a{i}" for i in range(20)], [f"b{i}" for i in range(20)]]
    drawn = [" ".join(rng.choice(topics[i % 2], 8)) for i in range(220)]
    vectors = BASELINES["doc2vec"](encoder, drawn[:200], drawn[200:], 0)[0]
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    cosines, alike = unit @ unit.T, np.add.outer(np.arange(20), np.arange(20)) % 2 == 0
    assert cosines[alike & ~np.eye(20, dtype=bool)].mean() > cosines[~alike].mean() + 0.3


@with_gensim
def test_doc2vec_is_the_same_in_another_process(made):
    code = (
        "from poolwise.selection.baselines import BASELINES\n"
        f"print(BASELINES['doc2vec'](None, {TRAIN}, {TEXTS}, 0)[0].tobytes().hex())"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "1"}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    found = np.frombuffer(bytes.fromhex(done.stdout.strip()), np.float32)
    np.testing.assert_array_equal(found, made["doc2vec"].vectors.ravel())


def test_without_gensim_doc2vec_says_what_to_install(encoder, monkeypatch):
    for name in [name for name in sys.modules if name.partition(".")[0] == "gensim"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "gensim", None)
    found = run(encoder)
    assert list(found) == list(BASELINES)
    assert found["doc2vec"].vectors is None
    assert found["doc2vec"].dimensions == 0
    assert found["doc2vec"].note.endswith("pip install 'poolwise[baselines]'")
    assert found["TF-IDF + SVD"].vectors is not None


@pytest.mark.parametrize("train", [[], ["", " "], ["!", "?"]], ids=["none", "blank", "signs"])
def test_without_train_words_the_rest_still_runs(encoder, train):
    found = run(encoder, train)
    assert found["static word vectors"].vectors is not None
    assert found["TF-IDF + SVD"].note == (
        f"the {len(train)} train texts hold no word, so there is none to count"
    )
    assert found["doc2vec"].vectors is None
    if train != ["!", "?"]:
        assert "no token" in found["static word vectors, SIF"].note


@with_gensim
def test_doc2vec_needs_a_word_that_occurs_twice(encoder):
    assert "no word occurs twice" in run(encoder, ["the cat", "a dog"])["doc2vec"].note


def test_length_only_counts_tokens_words_and_characters():
    features = length_only([3, 5, 10], ["a", "a bc", "abc d e"])
    raw = np.array([[3, 1, 1], [5, 2, 4], [10, 3, 7]])
    np.testing.assert_allclose(features.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(features.std(axis=0), 1)
    np.testing.assert_allclose(features * raw.std(axis=0) + raw.mean(axis=0), raw)


def test_length_only_of_equal_texts_is_zero():
    np.testing.assert_array_equal(length_only([3, 3], ["ab", "cd"]), np.zeros((2, 3)))


def test_bag_of_words_counts_the_words_of_train():
    bags = bag_of_words(["the cat", "a dog"], ["The the cat.", "a bird", ""])
    assert bags.toarray().tolist() == [[0, 1, 0, 2], [1, 0, 0, 0], [0, 0, 0, 0]]


def test_bag_of_words_needs_words():
    with pytest.raises(StudyError, match="hold no word"):
        bag_of_words(["…"], ["the cat"])
