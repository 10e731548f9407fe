"""The plan: pure, so every rule is tested without an encoder."""

from __future__ import annotations

import numpy as np
import pytest

from poolwise.engines import PooledState, plan
from poolwise.errors import ReadoutError
from poolwise.readouts import Pool, parse


def plan_for(*specs: str, depth: int = 6, **options):
    return plan([parse(s) for s in specs], depth=depth, **options)


@pytest.mark.parametrize(
    ("specs", "deepest"),
    [
        (["mean@3"], 3),
        (["mean@embeddings"], 0),
        (["cls@-1"], 6),
        (["cls@1", "max@avg(2,4)"], 4),
        (["mean@concat(-4:-2)"], 5),
    ],
)
def test_runs_no_deeper_than_the_deepest_readout(specs, deepest):
    assert plan_for(*specs).deepest == deepest


@pytest.mark.parametrize(
    ("specs", "rows"),
    [
        (["cls@-1"], (0,)),
        (["pooler"], (0,)),
        (["sep@6", "cls@6"], (-1, 0)),
        (["token[3]@6", "mean@2"], (3,)),
        (["cls@-1", "mean@-1"], None),
        (["max@-1"], None),
        (["cls@avg(1,-1)"], (0,)),
    ],
)
def test_names_the_rows_needed_of_the_deepest_hidden_state(specs, rows):
    assert plan_for(*specs, has_pooler=True).rows == rows


def test_shares_sources_between_readouts():
    made = plan_for("mean@-1", "mean@6", "mean@avg(5,6)", "meanmax@6", "mean@concat(5:6)")
    assert set(made.pooled_states) == {
        PooledState(Pool("mean"), ((6, 1.0),)),
        PooledState(Pool("mean"), ((5, 1.0),)),
        PooledState(Pool("max"), ((6, 1.0),)),
    }


def test_a_max_over_a_mix_of_layers_is_a_source_of_its_own():
    (source,) = plan_for("max@avg(1,-1)").pooled_states
    assert source.terms == ((1, 0.5), (6, 0.5))


def test_a_layer_named_twice_counts_twice():
    (source,) = plan_for("max@avg(1,1,2,1)").pooled_states
    assert source.terms == ((1, 0.75), (2, 0.25))


def test_steps_do_not_change_what_is_computed():
    assert plan_for("mean@-1|l2").pooled_states == plan_for("mean@-1").pooled_states


def test_assembles_readouts_from_sources():
    made = plan_for("meanmax@concat(1,2)", "mean@weights(1=2,2=-1)")
    vectors = {s: np.full((2, 1), i, np.float32) for i, s in enumerate(made.pooled_states)}
    mean1, mean2, max1, max2 = (
        float(vectors[PooledState(Pool(kind), ((layer, 1.0),))][0, 0])
        for kind in ("mean", "max")
        for layer in (1, 2)
    )
    out = made.assemble(vectors)
    np.testing.assert_array_equal(out["meanmax@concat(1,2)"], [[mean1, mean2, max1, max2]] * 2)
    np.testing.assert_array_equal(out["mean@weights(1=2,2=-1)"], [[2 * mean1 - mean2]] * 2)


def test_attention_maps_count_for_the_depth():
    made = plan_for("mean@1", attentions=[4])
    assert (made.deepest, made.attentions, made.rows) == (4, (4,), ())


@pytest.mark.parametrize("block", [0, 7])
def test_refuses_attention_maps_of_blocks_that_are_not_there(block):
    with pytest.raises(ReadoutError, match=r"blocks 1\.\.6"):
        plan_for("mean@1", attentions=[block])


def test_refuses_a_pooler_that_is_not_there():
    with pytest.raises(ReadoutError, match="no pooler weights"):
        plan_for("pooler")


def test_refuses_a_layer_that_is_not_there():
    with pytest.raises(ReadoutError, match=r"0\.\.6"):
        plan_for("mean@7")
