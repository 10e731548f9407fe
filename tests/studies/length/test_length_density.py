import numpy as np
import pytest

from poolwise.studies.length.density import density

LABELS = {"title": "t", "caption": "c", "x_label": "x", "y_label": "y", "line_label": "l"}


def drawn(x, y):
    return density(np.asarray(x, float), np.asarray(y, float), **LABELS).data


def points(n=5000):
    rng = np.random.default_rng(0)
    x = rng.integers(1, 30, n)
    return x, 2 + 0.1 * x + rng.normal(size=n)


def test_cells_count_what_lies_in_them():
    x, y = points()
    data = drawn(x, y)
    assert min(data["count"]) >= 1
    assert 0.98 * len(x) <= sum(data["count"]) <= len(x)
    for k in (0, len(data["count"]) // 2):
        inside = (x > data["x0"][k]) & (x < data["x1"][k])
        inside &= (y >= data["y0"][k]) & (y < data["y1"][k])
        assert inside.sum() == data["count"][k]


def test_columns_hold_whole_numbers():
    data = drawn(*points())
    assert set(np.mod(data["x0"], 1)) == {0.5}
    wide = drawn(np.arange(3000), np.arange(3000) % 70)
    widths = np.subtract(wide["x1"], wide["x0"])
    assert set(widths) == {50}


def test_the_line_is_least_squares():
    x, y = points()
    line = drawn(x, y)["line"]
    slope, intercept = np.polyfit(x, y, 1)
    np.testing.assert_allclose(line["y"], intercept + slope * np.array(line["x"]))


def test_bands_are_the_quantiles_at_each_x():
    x, y = points(20_000)
    bands = drawn(x, y)["bands"]
    for at, median, high in zip(bands["x"], bands["q50"], bands["q95"], strict=True):
        assert median == pytest.approx(2 + 0.1 * at, abs=0.2)
        assert high is None or high == pytest.approx(2 + 0.1 * at + 1.645, abs=0.4)
    assert bands["x"] == sorted(bands["x"])


def test_bands_end_where_the_picture_does():
    x = np.repeat(np.arange(40), 100)
    y = np.where(x == 39, 50, 0) + np.random.default_rng(0).normal(size=len(x))
    data = drawn(x, np.where(np.arange(len(x)) % 500, y, 0))
    values = [
        v for name, band in data["bands"].items() if name != "x" for v in band if v is not None
    ]
    assert max(values) <= max(data["y1"])


def test_few_points_make_a_picture_too():
    data = drawn(np.arange(30) % 7, np.arange(30) % 11)
    assert sum(data["count"]) >= 28
