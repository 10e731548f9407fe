"""Every token's hidden states and attention maps, beside transformers and the waist."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import transformers

import poolwise
from poolwise import token_outputs as module

TEXTS = ["the cat sat on the mat", "a dog", "", "the old sea", "a hill", "the cat sat on the mat"]


@pytest.mark.filterwarnings("ignore::poolwise.errors.PoolwiseWarning")
@pytest.mark.parametrize("group_bytes", [1, 1 << 26])
def test_states_and_maps_are_transformers(family_folder, monkeypatch, group_bytes):
    monkeypatch.setattr(module, "GROUP_BYTES", group_bytes)
    model = poolwise.load(family_folder)
    oracle = transformers.AutoModel.from_pretrained(family_folder, attn_implementation="eager")
    seen = np.zeros(len(TEXTS), int)
    for some in model.token_outputs(TEXTS, attentions=True):
        with torch.inference_mode():
            made = oracle.eval()(
                input_ids=torch.tensor(some.ids.astype(np.int64)),
                output_hidden_states=True,
                output_attentions=True,
            )
        assert some.layers == tuple(range(model.depth + 1))
        np.testing.assert_allclose(some.hidden_states, np.stack(made.hidden_states), atol=1e-5)
        np.testing.assert_allclose(some.attentions, np.stack(made.attentions), atol=1e-5)
        for i, row in enumerate(some.rows):
            tokens = model.tokenize([TEXTS[row]])[0].windows[0]
            np.testing.assert_array_equal(some.ids[i], tokens.ids)
            np.testing.assert_array_equal(some.special[i], tokens.special)
        seen[some.rows] += 1
    assert seen.tolist() == [1] * len(TEXTS)


def test_states_are_the_waists(tiny):
    model = poolwise.load(tiny("bert"))
    for some in model.token_outputs(TEXTS, layers=[2, 0]):
        assert some.attentions is None
        for i, row in enumerate(some.rows):
            asked = [f"token[{p}]@{k}" for k in (2, 0) for p in range(some.ids.shape[1])]
            (batch,) = model.extract([TEXTS[row]], asked)
            alone = np.stack([batch.vectors[one][0] for one in asked])
            np.testing.assert_array_equal(some.hidden_states[:, i].reshape(alone.shape), alone)


def test_a_group_holds_texts_of_one_length_longest_first(tiny):
    lengths = [some.ids.shape[1] for some in poolwise.load(tiny("bert")).token_outputs(TEXTS)]
    assert lengths == sorted(set(lengths), reverse=True)
