import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from poolwise.statistics.holm import holm

P_VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=8)


def test_the_example_in_the_documentation_of_pingouin():
    """Vallat 2018, "Pingouin: statistics in Python", the example of ``pingouin.multicomp``."""
    found = holm([0.50, 0.003, 0.32, 0.054, 0.0003])
    assert found == pytest.approx([0.64, 0.012, 0.64, 0.162, 0.0015])


def test_the_example_in_the_documentation_of_stdlib():
    """@stdlib/stats/padjust, which follows R's ``p.adjust``."""
    found = holm([0.319, 0.201, 0.4, 0.374, 0.113])
    assert found == pytest.approx([0.957, 0.804, 0.957, 0.957, 0.565])


def rejected(p, level):
    """Holm's procedure as he words it: step down until one is not small enough."""
    out = [False] * len(p)
    for step, i in enumerate(sorted(range(len(p)), key=p.__getitem__)):
        if p[i] > level / (len(p) - step):
            break
        out[i] = True
    return out


@given(P_VALUES, st.sampled_from([0.01, 0.05, 0.3]))
def test_rejects_what_the_sequential_procedure_rejects(p, level):
    adjusted = holm(p)
    clear = np.abs(adjusted - level) > 1e-9
    np.testing.assert_array_equal((adjusted <= level)[clear], np.array(rejected(p, level))[clear])


@given(P_VALUES)
def test_adjusted_values_are_probabilities_in_the_same_order(p):
    adjusted = holm(p)
    assert ((adjusted >= np.array(p)) & (adjusted <= 1)).all()
    assert (np.diff(adjusted[np.argsort(p)]) >= 0).all()


def test_a_test_that_could_not_be_made_is_neither_adjusted_nor_counted():
    np.testing.assert_allclose(holm([0.04, np.nan, 0.01]), [0.04, np.nan, 0.02])
    assert np.isnan(holm([np.nan])).all()
    assert holm([]).shape == (0,)
