"""What the transformers engine promises beyond parity."""

from __future__ import annotations

import gc
import weakref
from copy import copy

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoModel

import poolwise
from poolwise.engines import pack, plan
from poolwise.engines.transformers_engine import TransformersEngine
from poolwise.readouts import parse

words = st.sampled_from("the a cat dog sat ran on over mat hill sea and old blue".split())
texts = st.lists(words, max_size=40).map(" ".join)
READOUTS = ["cls@-1", "mean@-1", "max@1", "sep@2", "wmean@avg(0,-1)", "pooler"]


@pytest.fixture(scope="module")
def bert(tiny):
    return with_transformers(poolwise.load(tiny("bert")))


def with_transformers(model):
    """The model as it would be where the native engine is not."""
    model.shared["engines"] = {"exact": TransformersEngine(model)}
    return model


@pytest.mark.parametrize("padded", [False, True])
def test_padding_only_where_the_engine_asks_for_it(bert, padded, monkeypatch):
    seen = []
    run = bert.engine.run
    monkeypatch.setattr(bert.engine, "mixed_lengths", padded)
    monkeypatch.setattr(bert.engine, "run", lambda b, p: seen.extend(b) or run(b, p))
    texts = ["cat", "the cat sat", "dog", "the old cat sat on the mat"]
    (both,) = bert.extract(texts, READOUTS)
    assert len(seen) == (1 if padded else 3)
    for row, text in enumerate(texts):
        (alone,) = bert.extract([text], READOUTS)
        for spec in READOUTS:
            np.testing.assert_allclose(
                both.vectors[spec][row], alone.vectors[spec][0], atol=1e-5, rtol=0
            )


@pytest.mark.parametrize(("name", "examples"), [("bert", 40), ("demo", 12)])
def test_batch_neighbours_change_a_vector_by_at_most_1e_6(name, examples, request):
    encoder = with_transformers(copy(request.getfixturevalue(name)))

    @settings(max_examples=examples, deadline=None)
    @given(text=texts, neighbours=st.lists(texts, max_size=24), place=st.integers(0, 24))
    def check(text, neighbours, place):
        (alone,) = encoder.extract([text], READOUTS)
        at = min(place, len(neighbours))
        (beside,) = encoder.extract([*neighbours[:at], text, *neighbours[at:]], READOUTS)
        for spec in READOUTS:
            difference = np.abs(alone.vectors[spec][0] - beside.vectors[spec][at]).max()
            assert difference <= 1e-6

    check()


def test_no_hidden_state_outlives_its_layer(bert):
    """When a block begins, the inputs of the blocks before it are gone.

    But for the embeddings: transformers' own forward keeps those in a variable to its end.
    """
    seen: list[weakref.ref] = []
    alive: list[int] = []

    def before(_, args):
        gc.collect()
        alive.append(sum(1 for ref in seen[1:] if ref() is not None))
        seen.append(weakref.ref(args[0]))

    hooks = [b.register_forward_pre_hook(before) for b in bert.engine.blocks]
    list(bert.extract(["the cat sat"], ["mean@0", "cls@1", "max@2", "mean@-1"]))
    for hook in hooks:
        hook.remove()
    assert alive == [0] * bert.depth


def test_attention_maps_are_transformers_own(tiny, bert):
    tokenized = [t.windows[0] for t in bert.tokenize(["the cat sat on the mat", "a dog"])]
    wanted = plan([parse("mean@1")], depth=bert.depth, attentions=[2])
    ((_, made),) = bert.engine.run([pack(tokenized)], wanted)
    oracle = AutoModel.from_pretrained(tiny("bert"), attn_implementation="eager").eval()
    for i, tokens in enumerate(tokenized):
        ids = torch.tensor(tokens.ids.astype(np.int64))[None]
        with torch.no_grad():
            maps = oracle(input_ids=ids, output_attentions=True).attentions[1][0].numpy()
        np.testing.assert_allclose(made.attentions[2][i], maps, atol=1e-6)


def test_maps_asked_for_once_change_no_later_vector(bert):
    texts = [f"the {'cat ' * n}and {first}" for n in range(12) for first in ("dog", "sea", "hill")]
    packed = [pack([t.windows[0] for t in bert.tokenize(texts[:1])])]
    (before,) = bert.extract(texts, READOUTS)
    list(bert.engine.run(packed, plan([parse("mean@1")], depth=bert.depth, attentions=[2])))
    (after,) = bert.extract(texts, READOUTS)
    for spec in READOUTS:
        np.testing.assert_array_equal(before.vectors[spec], after.vectors[spec])


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
