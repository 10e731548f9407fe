import numpy as np
import pytest

from poolwise.statistics.dependent_correlations import steiger, williams


def test_case_a_of_steiger_1980():
    """Page 249: r .4 and .5, .1 between, n 103. He prints −.8913, from figures rounded to .0042.

    Diedenhofen & Musch 2015 (cocor) give −0.8887185 without the rounding.
    """
    found = steiger(0.4, 0.5, 0.1, 103)
    assert found.statistic == pytest.approx(-0.8887185, abs=1e-7)
    assert found.statistic == pytest.approx(-0.8913, abs=3e-3)


def test_figures_of_depcor():
    """Silver, Hittner & May 2006, as checked by Diedenhofen & Musch 2015 (cocor)."""
    assert williams(0.3, 0.4, 0.5, 100) == pytest.approx((-1.0767, 0.2843), abs=5e-5)
    assert steiger(0.3, 0.4, 0.5, 100) == pytest.approx((-1.0718, 0.2838), abs=5e-5)


@pytest.mark.parametrize("test", [steiger, williams])
def test_is_antisymmetric_and_nothing_for_equal_correlations(test):
    there, back = test(0.3, 0.6, 0.4, 50), test(0.6, 0.3, 0.4, 50)
    assert there == pytest.approx((-back.statistic, back.p))
    assert test(0.5, 0.5, 0.4, 50) == (0.0, 1.0)


@pytest.mark.parametrize("test", [steiger, williams])
@pytest.mark.parametrize(("r", "between"), [(0.0, 0.3), (0.5, 0.6), (0.8, 0.9)])
def test_rejects_a_true_null_at_its_level(test, r, between):
    covariance = [[1, r, between], [r, 1, r], [between, r, 1]]  # x, y, z
    rows = np.random.default_rng(5).multivariate_normal(np.zeros(3), covariance, (2000, 40))
    centred = rows - rows.mean(axis=1, keepdims=True)
    unit = centred / np.linalg.norm(centred, axis=1, keepdims=True)
    found = np.einsum("sni,snj->sij", unit, unit)
    p = [test(c[0, 1], c[2, 1], c[0, 2], 40).p for c in found]
    for level in (0.01, 0.05, 0.2):
        assert np.mean(np.array(p) < level) == pytest.approx(
            level, abs=4 * np.sqrt(level / 2000) + 0.15 * level
        )


@pytest.mark.parametrize("r", [(0.9, -0.9, 0.9, 50), (1.0, 0.5, 0.5, 50), (0.1, 0.1, 0.1, 3)])
def test_refuses_what_cannot_be(r):
    for test in (steiger, williams):
        with pytest.raises(ValueError, match="expected correlations that can occur together"):
            test(*r)
