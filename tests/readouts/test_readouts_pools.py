"""The table of pools says of each kind what the rooms that read it rely on."""

from __future__ import annotations

import pytest

from poolwise.engines.token_weights import WEIGHTINGS
from poolwise.readouts import POOL_OF_MODE, POOLING_MODES, POOLS, Pool, join, parse


@pytest.mark.parametrize("kind", POOLS)
def test_a_pool_has_what_its_form_needs(kind):
    facts = POOLS[kind]
    assert (facts.weighting in WEIGHTINGS) == (facts.form == "weights")
    assert bool(facts.parts) == (facts.form == "parts")
    assert (facts.row is not None) == (facts.form in ("row", "pooler") and kind != "token")


@pytest.mark.parametrize("kind", POOLS)
def test_a_pool_is_exported_or_names_what_comes_nearest(kind):
    for part in Pool(kind).parts:
        facts = part.facts
        assert (facts.pooling_mode is None) == (facts.nearest is not None)
        nearest = facts if facts.nearest is None else POOLS[facts.nearest]
        assert nearest.pooling_mode in POOLING_MODES


def test_every_mode_of_sentence_transformers_is_a_pool():
    assert POOL_OF_MODE.keys() == POOLING_MODES.keys()
    assert all(POOLS[pool].pooling_mode == mode for mode, pool in POOL_OF_MODE.items())


def test_the_row_of_a_token_is_its_position():
    assert [parse(f"{pool}@-1").pool.row for pool in ("cls", "sep", "token[3]", "token[-2]")] == [
        0,
        -1,
        3,
        -2,
    ]
    assert Pool("mean").row is None
    assert join([Pool("cls"), Pool("sep")]).row is None
