import numpy as np
import pytest
import scipy.stats

from poolwise.statistics.correlation import linear_regression, pearson, spearman, spearman_influence


def tied(n=300, seed=0):
    """A series with many ties, as lengths are, and one that depends on it."""
    rng = np.random.default_rng(seed)
    x = rng.poisson(6, n).astype(float)
    return x, np.exp(0.2 * x) + rng.normal(size=n)


def test_values_are_scipys():
    x, y = tied()
    assert pearson(x, y).value == pytest.approx(scipy.stats.pearsonr(x, y).statistic, abs=1e-12)
    assert spearman(x, y).value == pytest.approx(scipy.stats.spearmanr(x, y).statistic, abs=1e-12)
    fit, oracle = linear_regression(x, y), scipy.stats.linregress(x, y)
    assert fit.slope.value == pytest.approx(oracle.slope, abs=1e-12)
    assert fit.intercept.value == pytest.approx(oracle.intercept, abs=1e-10)
    assert fit.r2.value == pytest.approx(oracle.rvalue**2, abs=1e-12)


def test_under_equal_variances_the_lines_intervals_are_the_textbooks():
    rng = np.random.default_rng(0)
    x = rng.uniform(5, 60, 50_000)
    y = 2 - 0.1 * x + rng.normal(size=len(x))
    fit, oracle = linear_regression(x, y), scipy.stats.linregress(x, y)
    half = (fit.slope.high - fit.slope.low) / 2
    assert half == pytest.approx(1.96 * oracle.stderr, rel=0.03)
    half = (fit.intercept.high - fit.intercept.low) / 2
    assert half == pytest.approx(1.96 * oracle.intercept_stderr, rel=0.03)


def test_spearmans_influence_is_what_leaving_out_a_row_changes():
    x, y = tied(n=60)
    rho, influence = spearman_influence(x, y)
    keep = ~np.eye(60, dtype=bool)
    left_out = [scipy.stats.spearmanr(x[k], y[k]).statistic for k in keep]
    np.testing.assert_allclose(59 * (rho - np.array(left_out)), influence, atol=0.08)
    assert influence.mean() == pytest.approx(0, abs=1e-12)


def monotone(rng, n):
    x = rng.normal(size=n)
    return x, np.exp(0.2 * x + 0.3 * rng.normal(size=n))


def tied_counts(rng, n):
    x = rng.poisson(4, n).astype(float)
    return x, rng.poisson(0.5 * x + 1).astype(float)


def unrelated(rng, n):
    return rng.poisson(4, n).astype(float), rng.standard_t(5, n)


@pytest.mark.parametrize("draw", [monotone, tied_counts, unrelated])
@pytest.mark.parametrize("statistic", ["spearman", "pearson", "slope", "intercept", "r2"])
def test_nominal_95_percent_intervals_cover_95_percent(draw, statistic):
    def estimate(x, y):
        if statistic in ("spearman", "pearson"):
            return {"spearman": spearman, "pearson": pearson}[statistic](x, y)
        return getattr(linear_regression(x, y), statistic)

    truth = estimate(*draw(np.random.default_rng(99), 400_000)).value
    if statistic == "r2" and draw is unrelated:
        truth = 0.0
    rng = np.random.default_rng(7)
    drawn = [estimate(*draw(rng, 250)) for _ in range(400)]
    covered = np.mean([e.low <= truth <= e.high for e in drawn])
    assert 0.91 <= covered <= 0.985, covered


def test_a_perfect_order_has_an_interval_of_no_width():
    x = np.arange(50.0)
    found = spearman(x, x**3)
    assert (found.value, found.low, found.high) == (
        pytest.approx(1),
        pytest.approx(1),
        pytest.approx(1),
    )
    assert linear_regression(x, 3 * x + 1).r2.low == pytest.approx(1)


@pytest.mark.parametrize("wobble", [0, 1e-8])
def test_a_constant_is_called_constant(wobble):
    x, _ = tied()
    still = 19.6 + wobble * np.random.default_rng(0).normal(size=len(x))
    for found in (
        pearson(x, still),
        spearman(still, x),
        linear_regression(x, still).r2,
        linear_regression(still, x).slope,
    ):
        assert found.value is None
        assert found.low is None
        assert found.note == "constant"


def test_r2_reaches_0_where_r_may_be_0():
    rng = np.random.default_rng(0)
    found = linear_regression(rng.normal(size=100), rng.normal(size=100)).r2
    assert found.low == 0
    assert 0 <= found.value <= found.high


def test_series_that_do_not_pair_are_refused():
    with pytest.raises(ValueError, match="expected two"):
        pearson([1, 2, 3], [1, 2])
    with pytest.raises(ValueError, match="3 or more"):
        spearman([1, 2], [1, 2])
