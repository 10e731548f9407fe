"""The demo model beside sentence-transformers on real sentences that ship with the project."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer

BANKING = Path(__file__).parent.parent / "examples" / "banking77.csv"


@pytest.fixture(scope="module")
def texts():
    with BANKING.open(encoding="utf-8", newline="") as lines:
        return [row["text"] for row in csv.DictReader(lines)][::40]


@pytest.fixture(scope="module")
def theirs(demo, texts):
    return SentenceTransformer(str(demo.folder), device="cpu").encode(texts)


def test_the_declared_readout_gives_their_vectors(demo, texts, theirs):
    np.testing.assert_allclose(demo.embed(texts), theirs, atol=1e-5)


def test_the_mean_gives_their_cosines(demo, texts, theirs):
    ours = demo.embed(texts, "mean@-1").astype(np.float64)
    ours /= np.linalg.norm(ours, axis=1, keepdims=True)
    np.testing.assert_allclose(ours @ ours.T, theirs @ theirs.T, atol=1e-5)


def test_the_mean_scores_pairs_as_they_do(demo, texts, theirs):
    from scipy.stats import spearmanr

    from poolwise.studies.run import context_for
    from poolwise.studies.similarity import Similarity
    from poolwise.texts import TextPairs

    half = len(texts) // 2
    scores = np.random.default_rng(0).uniform(0, 5, half)
    first, second = texts[:half], texts[half : 2 * half]
    study = Similarity(
        TextPairs("p", first, second, scores, [""] * half, [""] * half, ""), "mean@-1"
    )
    context = context_for(demo, [study])
    list(study.run(context))
    cosines = np.sum(theirs[:half] * theirs[half : 2 * half], axis=1)
    expected = spearmanr(cosines, scores).statistic
    found = study.selection.scores[study.selection.find("mean@-1")]
    assert found.value == pytest.approx(expected, abs=1e-4)
