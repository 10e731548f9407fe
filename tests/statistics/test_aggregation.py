import numpy as np
import pytest
from scipy.stats import pearsonr, spearmanr

from poolwise.statistics.aggregation import aggregate, aggregate_influence
from poolwise.statistics.correlation import pearson, spearman
from poolwise.statistics.paired import paired_differences

SIZES = {"headlines": 300, "images": 150, "forum": 60}
PUBLISHED = {"spearman": spearmanr, "pearson": pearsonr}


def scored(rng, noise=0.5, times=1):
    """Similarities whose level and slope change from subset to subset, and rounded scores."""
    x, y, subsets = [], [], []
    for shift, (name, size) in enumerate(SIZES.items()):
        n = times * size
        latent = rng.normal(size=n)
        x.append((1 - 0.2 * shift) * latent + noise * rng.normal(size=n) - shift)
        y.append(np.clip(np.round(2 * (latent + noise * rng.normal(size=n) + 1)) / 2, 0, 5))
        subsets += [name] * n
    return np.concatenate(x), np.concatenate(y), subsets


@pytest.mark.parametrize("correlation", ["spearman", "pearson"])
def test_equals_the_three_definitions(correlation):
    x, y, subsets = scored(np.random.default_rng(0))
    own = PUBLISHED[correlation]
    each = [
        own(x[np.array(subsets) == name], y[np.array(subsets) == name]).statistic for name in SIZES
    ]
    expected = {
        "all": own(x, y).statistic,
        "mean": np.mean(each),
        "wmean": np.average(each, weights=list(SIZES.values())),
    }
    found = {how: aggregate(x, y, subsets, how, correlation).value for how in expected}
    assert found == pytest.approx(expected, abs=1e-12)
    assert abs(found["all"] - found["wmean"]) > 0.05


def test_one_subset_is_the_plain_correlation_three_times():
    x, y, _ = scored(np.random.default_rng(0))
    for correlation, plain in (("spearman", spearman), ("pearson", pearson)):
        for how in ("all", "mean", "wmean"):
            found = aggregate(x, y, [""] * len(x), how, correlation)
            expected = plain(x, y)
            assert (found.value, found.low, found.high) == pytest.approx(
                (expected.value, expected.low, expected.high)
            )


@pytest.mark.parametrize("how", ["all", "mean", "wmean"])
def test_intervals_cover_what_many_rows_give(how):
    rng = np.random.default_rng(1)
    truth = aggregate(*scored(rng, times=200), how).value
    found = [aggregate(*scored(rng), how) for _ in range(200)]
    assert 0.9 <= np.mean([e.low <= truth <= e.high for e in found]) <= 0.99


def test_influences_pair_aggregated_scores_too():
    rng = np.random.default_rng(2)
    x, y, subsets = scored(rng)
    better = x + 0.2 * y
    both = [aggregate_influence(one, y, subsets, "wmean") for one in (x, better)]
    values, influences = zip(*both, strict=True)
    assert np.abs(np.mean(influences, axis=1)).max() < 1e-12
    difference = paired_differences(values, np.stack(influences, axis=1), reference=0)[1]
    assert difference.value.value == pytest.approx(values[1] - values[0])
    assert difference.value.low > 0


def test_says_which_subset_has_no_correlation():
    x, y, subsets = scored(np.random.default_rng(0))
    y[np.array(subsets) == "forum"] = 2.5
    assert aggregate(x, y, subsets, "wmean").note == "constant in forum"
    assert aggregate(x, y, subsets, "all").value is not None
    assert aggregate(x[:302], y[:302], subsets[:302], "mean").note == "fewer than 3 rows in images"
    assert aggregate(x[:2], y[:2], subsets[:2], "all").note == "fewer than 3 rows"
    with pytest.raises(ValueError, match="2 names of subsets for 3 rows"):
        aggregate(x[:3], y[:3], subsets[:2], "all")
