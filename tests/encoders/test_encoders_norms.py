"""Which LayerNorm makes which hidden state: undoing it must leave mean 0 and variance 1."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from transformers import AutoModel

from poolwise.encoders import load
from poolwise.errors import OptionError

VARIATIONS = [
    ("electra", {"embedding_size": 32}),
    ("albert", {"num_hidden_groups": 3}),
    ("albert", {"num_hidden_groups": 2}),
    ("deberta-v2", {"conv_kernel_size": 3, "conv_act": "gelu"}),
    ("deberta-v2", {"embedding_size": 16}),
    ("modernbert", {"norm_bias": True}),
]
BARE = {("electra", 0), ("albert", 0), ("modernbert", 1), ("modernbert", 2)}


def check(folder, bare):
    encoder = load(folder)
    model = AutoModel.from_pretrained(folder).eval()
    ids = torch.tensor(encoder.tokenize(["the cat sat on the mat"])[0].windows[0].ids)[None].long()
    with torch.no_grad():
        states = model(input_ids=ids, output_hidden_states=True).hidden_states
    for layer, state in enumerate(states):
        found = encoder.norm(layer)
        if found is None:
            assert layer in bare
            continue
        assert layer not in bare
        gain, bias = found
        before = (state[0].double().numpy() - (0 if bias is None else bias)) / gain
        np.testing.assert_allclose(before.mean(1), 0, atol=1e-5)
        np.testing.assert_allclose(before.var(1), 1, atol=1e-3)
    with pytest.raises(OptionError, match="layer is int"):
        encoder.norm(encoder.depth + 1)


def test_every_family(family, family_folder):
    check(family_folder, {layer for name, layer in BARE if name == family})


@pytest.mark.parametrize(("name", "overrides"), VARIATIONS)
def test_variations(tiny, name, overrides):
    bare = {layer for other, layer in BARE if other == name}
    check(tiny(name, **overrides), set() if name == "electra" else bare)


def test_the_demo_model(demo):
    assert demo.norm(0)[0].shape == (demo.width,)
    assert demo.norm(demo.depth)[1].shape == (demo.width,)
