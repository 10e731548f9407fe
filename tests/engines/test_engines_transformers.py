"""What the transformers engine promises beyond parity."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from transformers import AutoModel

import poolwise
from poolwise.engines import pack, plan
from poolwise.readouts import parse

words = st.sampled_from("the a cat dog sat ran on over mat hill sea and old blue".split())
texts = st.lists(words, max_size=40).map(" ".join)
READOUTS = ["cls@-1", "mean@-1", "max@1", "sep@2", "wmean@avg(0,-1)"]


@pytest.fixture(scope="module")
def bert(tiny):
    return poolwise.load(tiny("bert"))


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=texts, neighbours=st.lists(texts, max_size=24), place=st.integers(0, 24))
def test_batch_neighbours_change_a_vector_by_at_most_1e_6(bert, text, neighbours, place):
    together = [*neighbours[:place], text, *neighbours[place:]]
    at = min(place, len(neighbours))
    (alone,) = bert.extract([text], READOUTS)
    (beside,) = bert.extract(together, READOUTS)
    for spec in READOUTS:
        difference = np.abs(alone.vectors[spec][0] - beside.vectors[spec][at]).max()
        assert difference <= 1e-6


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(text=texts, neighbours=st.lists(texts, max_size=16))
def test_batch_neighbours_on_the_demo_model(demo, text, neighbours):
    (alone,) = demo.extract([text], READOUTS)
    (beside,) = demo.extract([*neighbours, text], READOUTS)
    for spec in READOUTS:
        assert np.abs(alone.vectors[spec][0] - beside.vectors[spec][-1]).max() <= 1e-6


def test_no_hidden_state_outlives_its_layer(bert):
    """When a block begins, the states of the blocks before its own input are gone."""
    seen: list[weakref.ref] = []
    alive: list[int] = []

    def before(_, args):
        gc.collect()
        alive.append(sum(1 for ref in seen if ref() is not None))
        seen.append(weakref.ref(args[0]))

    hooks = [b.register_forward_pre_hook(before) for b in bert.engine.blocks]
    list(bert.extract(["the cat sat"], ["mean@0", "cls@1", "max@2", "mean@-1"]))
    for hook in hooks:
        hook.remove()
    assert alive == [0] * bert.depth


def test_attention_maps_are_transformers_own(tiny, bert):
    tokenized = [t.windows[0] for t in bert.tokenize(["the cat sat on the mat", "a dog"])]
    made = bert.engine.run(
        pack(tokenized), plan([parse("mean@1")], depth=bert.depth, attentions=[2])
    )
    oracle = AutoModel.from_pretrained(tiny("bert"), attn_implementation="eager").eval()
    for i, tokens in enumerate(tokenized):
        ids = torch.tensor(tokens.ids.astype(np.int64))[None]
        with torch.no_grad():
            maps = oracle(input_ids=ids, output_attentions=True).attentions[1][0].numpy()
        np.testing.assert_allclose(made.attentions[2][i], maps, atol=1e-6)


def test_what_does_not_exist_is_nan(bert):
    (batch,) = bert.extract(["a", "the cat sat on the mat"], ["token[5]@1", "max[words]@1"])
    assert np.isnan(batch.vectors["token[5]@1"][0]).all()
    assert np.isfinite(batch.vectors["token[5]@1"][1]).all()
    assert batch.nonfinite.tolist() == [True, False]


def test_position_pools_do_not_touch_padding(bert):
    short, long = "a", "the old dog ran over the hill and on to the sea"
    (alone,) = bert.extract([short], ["sep@-1", "token[-1]@-1"])
    (both,) = bert.extract([long, short], ["sep@-1", "token[-1]@-1"])
    np.testing.assert_array_equal(both.vectors["sep@-1"], both.vectors["token[-1]@-1"])
    np.testing.assert_allclose(both.vectors["sep@-1"][1], alone.vectors["sep@-1"][0], atol=1e-6)
