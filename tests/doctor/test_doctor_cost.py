"""What a difference from the folder costs: the scores are those of a sweep."""

from __future__ import annotations

import csv
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

import poolwise
from poolwise.doctor.cost_request import CostRequest
from poolwise.doctor.diagnose import diagnose_source
from poolwise.doctor.source import StoredVectors
from poolwise.errors import RefusedTextError

EXAMPLES = Path(__file__).parents[2] / "examples"
WORDS = "cat dog mat hill sea house tree bird man woman child one two old red big".split()


class Server:
    """Answers with ``make(texts)``; refuses texts that hold the word ``refused``."""

    description = "a server"

    def __init__(self, make, refused=None):
        self.make, self.refused, self.sent = make, refused, []

    def embed(self, texts):
        if self.refused and any(self.refused in text for text in texts):
            raise RefusedTextError("too red")
        self.sent += texts
        return self.make(list(texts))


@pytest.fixture(scope="module")
def questions():
    """Questions to a bank with their topics, of four topics, 120 rows."""
    with (EXAMPLES / "banking77.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    topics = list(dict.fromkeys(row["category"] for row in rows))[:4]
    chosen = [
        row for topic in topics for row in islice((r for r in rows if r["category"] == topic), 30)
    ]
    return [row["text"] for row in chosen], [row["category"] for row in chosen]


@pytest.fixture(scope="module")
def pairs(questions):
    """Each question with two others, scored 1, 0.5 or 0 by topic and shared words."""
    texts, topics = questions
    rng = np.random.default_rng(0)
    rows = []
    for i, text in enumerate(texts):
        for j in rng.choice(len(texts), 2, replace=False).tolist():
            shared = len({*text.split()} & {*texts[j].split()}) > 3
            rows.append((text, texts[j], 0.5 * (topics[i] == topics[j]) + 0.5 * shared))
    return rows


@pytest.fixture(scope="module")
def stored(questions, demo):
    """``stored(make)``: vectors of the questions by ``make``, as a table holds them."""
    texts, _ = questions
    return lambda make: StoredVectors(texts, make(texts), "a table")


def declared_of(selection):
    return selection.find_up_to_l2(selection.encoder.declared)


def values(estimate):
    return [estimate.value, estimate.low, estimate.high]


def as_data(**sets):
    from poolwise.api.inputs import as_datasets
    from poolwise.api.read_options import ReadOptions

    return as_datasets(**sets, options=ReadOptions())


def test_the_scores_are_those_of_a_sweep_of_the_two_readouts(demo, questions, pairs, stored):
    table = stored(lambda texts: demo.embed(texts, "cls@2|l2"))
    data = as_data(pairs=pairs, labels=questions)
    diagnosis = diagnose_source(demo, table, cost=CostRequest(data))
    assert (diagnosis.readout, diagnosis.declared) == ("cls@2|l2", "mean@-1|l2")
    swept = poolwise.sweep(demo, labels=questions, pairs=pairs, grid="cls@2|l2 mean@-1|l2")
    of_score = {s.task.score: s for s in swept.selections}
    assert [cost.score for cost in diagnosis.costs] == ["accuracy", "Spearman"]
    for cost in diagnosis.costs:
        selection = of_score[cost.score]
        found, declared = selection.find("cls@2|l2"), declared_of(selection)
        difference = selection.differences_from(declared)[found]
        assert values(cost.declared) == pytest.approx(values(selection.scores[declared]), abs=1e-6)
        assert values(cost.found) == pytest.approx(values(selection.scores[found]), abs=1e-6)
        assert values(cost.difference) == pytest.approx(values(difference.value), abs=1e-6)
        assert cost.rows == len(selection.report_rows)
    cost = diagnosis.costs[1]
    assert cost.difference.high < 0 and cost.p < 0.001
    low, high = -cost.difference.high, -cost.difference.low
    assert cost.sentence == (
        f"On your 240 pairs the declared readout scores {cost.declared.value:.3f} and the one found "
        f"{cost.found.value:.3f} (Spearman): {-cost.difference.value:.3f} [{low:.3f}, {high:.3f}] "
        "is lost."
    )
