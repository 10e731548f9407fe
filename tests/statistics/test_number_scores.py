import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.metrics import r2_score

from poolwise.statistics.number_scores import r2, spearman
from poolwise.statistics.pseudo_values import estimate


@pytest.fixture
def numbers():
    rng = np.random.default_rng(0)
    y = rng.gamma(2, size=300)
    return y + rng.normal(size=300), y


@pytest.mark.parametrize(
    ("score", "oracle"),
    [(r2, lambda p, y: r2_score(y, p)), (spearman, lambda p, y: spearmanr(p, y)[0])],
)
def test_values_are_those_of_scikit_learn_and_scipy(numbers, score, oracle):
    value, influence = score(*numbers)
    assert value == pytest.approx(oracle(*numbers), abs=1e-12)
    assert influence.mean() == pytest.approx(0, abs=1e-12)


def test_an_influence_is_the_derivative_in_a_rows_weight(numbers):
    predicted, y = numbers
    _, influence = r2(predicted, y)
    n, step = len(y), 1e-6
    for row in (0, 7, 100):
        weights = np.ones(n)
        weights[row] += step
        moved = r2_score(y, predicted, sample_weight=weights)
        assert n * (moved - r2_score(y, predicted)) / step == pytest.approx(
            influence[row], rel=1e-3
        )


def test_what_is_constant_has_no_score():
    y = np.arange(10.0)
    for value, influence in (
        r2(y, np.ones(10)),
        spearman(np.ones(10), y),
        spearman(y, np.ones(10)),
    ):
        assert np.isnan(value)
        assert np.isnan(influence).all()
    assert r2(np.full(10, y.mean()), y)[0] == pytest.approx(0)


@pytest.mark.parametrize("noise", [0.5, 3.0])
def test_intervals_of_r2_hold_the_value_of_many_rows(noise):
    rng = np.random.default_rng(1)
    truth = 1 - noise**2 / (1 + noise**2)
    draws, hits = 400, 0
    for _ in range(draws):
        signal = rng.normal(size=300)
        y = signal + noise * rng.normal(size=300)
        value, influence = r2(signal, y)
        interval = estimate(value + influence, "real")
        hits += interval.low <= truth <= interval.high
    assert 0.92 <= hits / draws <= 0.98
