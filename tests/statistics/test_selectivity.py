import numpy as np
import pytest

from poolwise.statistics.selectivity import control_task, selectivity


def test_an_item_keeps_its_meaningless_label():
    rng = np.random.default_rng(0)
    items = [f"w{i}" for i in rng.integers(0, 200, 3000)]
    labels = rng.choice(["a", "b"], 3000, p=[0.8, 0.2])
    control = control_task(items, labels, seed=1)
    assert len({(i, c) for i, c in zip(items, control, strict=True)}) == len(set(items))
    assert np.mean(control == "a") == pytest.approx(0.8, abs=0.1)
    assert (control_task(items, labels, seed=1) == control).all()
    assert (control_task(items, labels, seed=2) != control).any()


def test_selectivity_is_the_paired_difference_of_accuracies():
    rng = np.random.default_rng(0)
    hits, control = rng.random(500) < 0.9, rng.random(500) < 0.6
    found = selectivity(hits, control)
    assert found.value.value == pytest.approx(hits.mean() - control.mean())
    assert found.value.low > 0.2
    assert found.p < 1e-6
