"""Clusters, matching pairs and translations, through whole runs."""

import numpy as np
import pytest

import poolwise
from poolwise.api.inputs import ReadOptions, as_datasets
from poolwise.errors import StudyError
from poolwise.studies.sweep import sweep_studies

WORDS = "cat dog mat hill sea house tree bird man woman child one two old red big".split()
N = 120
GRID = "{cls,mean}@*"


@pytest.fixture(scope="module")
def model(tiny):
    return poolwise.load(tiny("bert"))


@pytest.fixture(scope="module")
def texts():
    rng = np.random.default_rng(0)
    return [" ".join(rng.choice(WORDS, rng.integers(5, 20))) for _ in range(N)]


@pytest.fixture(scope="module")
def pairs(texts):
    """A match is the text with two words left out."""
    others = [" ".join(text.split()[2:]) for text in texts]
    matches = [(text, other, 1) for text, other in zip(texts, others, strict=True)]
    return matches + [(a, b, 0) for a, b in zip(texts, others[1:] + others[:1], strict=True)]


def controls(finding):
    return {number.name: number for number in finding.numbers if number.control}


def test_clusters(model, texts):
    labels = ["long" if len(text.split()) > 12 else "short" for text in texts]
    finding = poolwise.ask("clustering", model, labels=(texts, labels), grid=GRID).findings[0]
    assert any("k-means makes 2 clusters" in note for note in finding.notes)
    shuffled = controls(finding)["adjusted mutual information on shuffled labels"]
    assert shuffled.low < 0.02
    assert controls(finding)["V-measure on shuffled labels"].value > 0
    assert controls(finding)["V-measure of random clusters"].value < 0.05
    adjusted = [n for n in finding.numbers if n.name == "adjusted mutual information"]
    assert adjusted[0].where["readout"] == finding.numbers[0].where["readout"]


def asked(model, task=None, **data):
    """The names of a sweep's questions."""
    datasets = as_datasets(**data, options=ReadOptions())
    return {study.name for study in sweep_studies(model, datasets, grid=GRID, task=task)}


def test_clusters_are_part_of_a_sweep_by_name_alone(model, texts):
    data = (texts, ["long" if len(text.split()) > 12 else "short" for text in texts])
    assert {"classification", "similarity"} <= asked(model, labels=data)
    assert "clustering" not in asked(model, labels=data)
    assert "clustering" in asked(model, "clustering", labels=data)
    assert "classification" not in asked(model, "clustering", labels=data)


def test_pairs_of_two_scores_are_matches_unless_similarity_is_named(model, pairs):
    assert "pair-classification" in asked(model, pairs=pairs)
    assert "similarity" not in asked(model, pairs=pairs)
    assert "similarity" in asked(model, "similarity", pairs=pairs)
    assert "pair-classification" not in asked(model, "similarity", pairs=pairs)


def test_matches(model, pairs):
    finding = poolwise.ask("pair-classification", model, pairs=pairs, grid=GRID).findings[0]
    assert any("a pair of 1 is a match, and 50% of the pairs are" in n for n in finding.notes)
    assert controls(finding)["average precision of a random order"].value == pytest.approx(0.5)
    other = controls(finding)["average precision with the matches of other pairs"]
    assert other.low < 0.55
    assert finding.numbers[0].value > 0.9
    names = {number.name for number in finding.numbers}
    assert {"F1 at the best threshold", "accuracy at the best threshold"} <= names


def test_graded_pairs_are_no_matches(model, pairs):
    graded = [(a, b, score + i % 3 / 4) for i, (a, b, score) in enumerate(pairs)]
    with pytest.raises(StudyError, match="the scores take 6 values"):
        poolwise.ask("pair-classification", model, pairs=graded)


def test_translations(model, texts):
    queries = [(text, " ".join(text.split()[1:])) for text in dict.fromkeys(texts)]
    finding = poolwise.ask("bitext", model, queries=queries, grid=GRID).findings[0]
    assert finding.numbers[0].name == "accuracy@1 of the chosen readout"
    assert finding.numbers[0].value > 0.5
    names = {number.name for number in finding.numbers}
    assert {"accuracy@1, second to first", "weighted F1"} <= names
    assert controls(finding)["accuracy@1 of a random order"].value < 0.02
    assert controls(finding)["accuracy@1 with the second sentences of others"].value < 0.1
