"""Selections of several models: joined on the same rows, named, compared, and timed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from poolwise.readouts import parse
from poolwise.selection.best_of_models import best_of_models, models_table
from poolwise.selection.candidates import candidates_of, short_names
from poolwise.selection.cost_front import cost_front, front
from poolwise.selection.duplicates import unite
from poolwise.selection.finding import model_charts, verdict
from poolwise.selection.folds import fold_rows
from poolwise.selection.joining import join
from poolwise.selection.outcome import Outcome
from poolwise.selection.score_table import score_rows
from poolwise.selection.selection import Selection
from poolwise.statistics.paired import mean_differences

SPECS = ["mean@-1", "mean@1", "cls@-1", "mean@-1|int8"]
N = 300


class Encoder:
    """What a selection asks of an encoder."""

    def __init__(self, name, depth, width, declared=None):
        self.name, self.depth, self.width, self.declared = name, depth, width, declared


class Drawn:
    """A task whose pseudo-values are drawn."""

    name, score, scale, notes, strata = "drawn", "accuracy", "real", (), None

    def __init__(self, n):
        self.groups = np.arange(n)
        self.folds = fold_rows([""] * n, [(i,) for i in range(n)], 0)


TASK = Drawn(N)
COMMON = np.random.default_rng(0).normal(scale=0.2, size=(N, 1))


def selection_of(encoder, means, seed, baselines=(), screen=False):
    rng = np.random.default_rng(seed)
    means = [*means, *[0.5] * len(baselines)]
    scores = np.array(means) + COMMON + rng.normal(scale=0.05, size=(N, len(means)))
    candidates = candidates_of(encoder, [parse(spec) for spec in SPECS], None)
    widths = [encoder.width] * len(means)
    screened = scores[:, : len(SPECS)] if screen else None
    return Selection(candidates, TASK, baselines, widths, scores, COMMON[:, 0], screened)


SMALL = Encoder("here/small", 3, 8)
LARGE = Encoder("there/large", 12, 16, declared=parse("mean@-1|l2"))
STATIC = "static word vectors"


@pytest.fixture
def joined():
    parts = [
        selection_of(SMALL, [0.80, 0.70, 0.75, 0.80], 1, (STATIC, "TF-IDF + SVD")),
        selection_of(LARGE, [0.90, 0.65, 0.85, 0.90], 2, (STATIC,)),
    ]
    whole = join(parts)
    return parts, replace(whole, milliseconds=[3, 1, 3, 3, 24, 2, 24, 24])


def test_scores_stand_side_by_side_and_each_candidate_knows_its_model(joined):
    (small, large), whole = joined
    np.testing.assert_array_equal(whole.row_scores[:, :4], small.row_scores[:, :4])
    np.testing.assert_array_equal(whole.row_scores[:, 4:8], large.row_scores[:, :4])
    assert whole.names == [
        *(f"{spec} of small" for spec in SPECS),
        *(f"{spec} of large" for spec in SPECS),
        *(f"{STATIC} of small", "TF-IDF + SVD", f"{STATIC} of large"),
    ]
    np.testing.assert_array_equal(whole.row_scores[:, 10], large.row_scores[:, 4])
    assert whole.dimensions == [8, 8, 8, 8, 16, 16, 16, 16, 8, 8, 16]
    assert [whole.cost(i) for i in (1, 5, 8)] == [1 / 3, 1 / 12, 0]
    assert whole.work(0) == 3 * 8**2 < whole.work(4) == 12 * 16**2


def test_the_readout_used_now_is_one_of_the_first_model(joined):
    parts, whole = joined
    assert whole.names[whole.reference] == "mean@-1 of small"
    other = join(parts[::-1])
    assert other.names[other.reference] == "mean@-1 of large"
    assert set(other.references) == {"mean@-1", "cls@-1", "declared"}
    assert whole.find("mean@12", LARGE) == 4
    said = verdict(Outcome(whole))
    assert said == "Use mean@-1 of large: it scores higher than mean@-1 of small."


def test_one_selection_stays_as_it_is(joined):
    parts, _ = joined
    assert join(parts[:1]) is parts[0]
    assert parts[0].names == [*SPECS, STATIC, "TF-IDF + SVD"]
    assert model_charts(parts[0]) == []


def test_the_screens_are_joined_where_all_have_one():
    parts = [selection_of(e, [0.8] * 4, k, screen=True) for k, e in enumerate((SMALL, LARGE))]
    assert join(parts).screen.shape == (N, 8)
    assert join([parts[0], replace(parts[1], screen=None)]).screen is None


def test_the_best_of_each_model_is_told_with_its_difference(joined):
    _, whole = joined
    large, small = best_of_models(whole)
    assert (large.model, small.model) == ("large", "small")
    assert large.index in {4, 7}
    columns = whole.row_scores[:, [whole.reference, large.index]]
    naive = mean_differences(columns, 0, TASK.groups)[1].value
    assert large.difference.value.value == pytest.approx(naive.value, abs=0.01)
    assert large.p < 0.001
    assert small.index in {0, 3}
    table = models_table(whole)
    assert [row[0] for row in table.rows] == [[("large", True)], [("small", False)]]
    by_name = dict(zip(table.columns, table.rows[0], strict=True))
    assert by_name["texts a second"] == "42"
    assert by_name["blocks run"] == "100%"


def test_a_vector_of_bytes_takes_a_quarter(joined):
    _, whole = joined
    assert [whole.candidates[i].bytes_of(16) for i in (4, 7)] == [64, 16]


def test_no_readout_of_the_front_is_beaten_in_score_and_time(joined):
    _, whole = joined
    scores, times = whole.choice_scores[:8], np.array(whole.milliseconds)
    on_front = front(whole)
    for i in range(8):
        beaten = ((scores >= scores[i]) & (times < times[i])) | (
            (scores > scores[i]) & (times <= times[i])
        )
        assert (i in on_front) == (not beaten.any())
    chart = cost_front(whole)
    assert [p.name for p in chart.points if p.reference] == ["mean@-1 of small"]
    assert {p.name for p in chart.points if p.front} == {whole.names[i] for i in on_front}
    assert set(chart.data) >= {"name", "model", "milliseconds", "value", "low", "high", "front"}


def test_scores_name_the_model_beside_the_readout(joined):
    _, whole = joined
    rows = list(score_rows(whole))
    assert [(row["model"], row["readout"]) for row in rows[3:5]] == [
        ("small", "mean@-1|int8"),
        ("large", "mean@-1"),
    ]
    assert [(row["model"], row["baseline"]) for row in rows[8:]] == [(None, True)] * 3


@pytest.mark.parametrize(
    ("names", "short"),
    [
        (["demo"], ["demo"]),
        (["a/bert", "b/mpnet"], ["bert", "mpnet"]),
        (["a/bert", "b/bert", "mpnet"], ["a/bert", "b/bert", "mpnet"]),
        (["bert", "bert", "bert"], ["bert", "bert (2)", "bert (3)"]),
    ],
)
def test_names_are_short_where_that_tells_them_apart(names, short):
    assert short_names(names) == short


def test_what_any_model_reads_alike_is_one_text():
    first = {"A": 0, "a": 0, "b": 1, "c": 2, "d": 3}
    second = {"A": 0, "a": 1, "b": 1, "c": 2, "d": 3}
    united = unite([first, second])
    assert united["A"] == united["a"] == united["b"]
    assert len(set(united.values())) == 3
    assert unite([first]) is first
