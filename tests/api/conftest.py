"""A tiny encoder, labelled sentences, and one sweep of them that many tests look at."""

from __future__ import annotations

import csv

import numpy as np
import pytest

import poolwise

WORDS = "cat dog mat hill sea house tree bird man woman child one two old red big".split()
GRID = "{cls,mean}@{2,3} mean@3|whiten(8)"


@pytest.fixture(scope="session")
def rows():
    """Texts and labels, [160] each."""
    rng = np.random.default_rng(0)
    texts = [" ".join(rng.choice(WORDS, rng.integers(3, 9))) for _ in range(160)]
    return texts, ["cat" if "cat" in text else "none" for text in texts]


@pytest.fixture(scope="session")
def labels_file(rows, tmp_path_factory):
    path = tmp_path_factory.mktemp("api") / "labels.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("text", "label"), *zip(*rows, strict=True)])
    return path


@pytest.fixture(scope="session")
def model(tiny):
    return poolwise.load(tiny("bert"))


@pytest.fixture(scope="session")
def result(model, labels_file):
    """A sweep of the file."""
    return poolwise.sweep(model, labels=labels_file, grid=GRID)
