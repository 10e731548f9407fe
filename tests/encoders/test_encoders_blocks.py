"""Which module of a block does what: all of a block's tensors, each in its role."""

from __future__ import annotations

import numpy as np
import pytest

from poolwise.encoders import load
from poolwise.encoders.blocks import MODULES, ROLES, block_weights, has_separable_blocks
from poolwise.errors import EncoderError


def test_a_block_holds_each_of_its_tensors_once(family_folder):
    encoder = load(family_folder)
    if not has_separable_blocks(encoder):
        assert encoder.family.model_type in ("modernbert", "nomic_bert")
        return
    d, inner = encoder.width, encoder.config["intermediate_size"]
    shapes = {"intermediate": (inner, d), "output": (d, inner)}
    shapes |= {"attention_norm": (d,), "output_norm": (d,)}
    seen = []
    for number in range(1, encoder.depth + 1):
        parts = block_weights(encoder, number)
        assert (parts.heads, parts.activation) == (4, encoder.config["hidden_act"])
        assert parts.epsilon == encoder.config["layer_norm_eps"]
        for role in ROLES:
            weight, bias = getattr(parts, role)
            assert weight.shape == shapes.get(role, (d, d))
            assert bias.shape == weight.shape[:1]
            seen += [id(weight), id(bias)]
    here = [
        id(tensor)
        for name, tensor in encoder.tensors.items()
        if name.startswith(encoder.family.blocks)
    ]
    assert set(seen) == set(here)
    shared = encoder.family.model_type == "albert"
    assert len(seen) == len(here) * (encoder.depth if shared else 1)


def test_the_last_norm_of_a_block_makes_its_hidden_state(family_folder):
    encoder = load(family_folder)
    for number in range(1, encoder.depth + 1) if has_separable_blocks(encoder) else ():
        gain, bias = encoder.norm(number)
        weights = block_weights(encoder, number).output_norm
        np.testing.assert_array_equal(weights, (gain, bias))


def test_albert_shares_its_groups(tiny):
    encoder = load(tiny("albert", num_hidden_groups=2))
    first, second, third = (block_weights(encoder, number).value[0] for number in (1, 2, 3))
    assert first is second
    assert third is not first


def test_every_family_names_every_role():
    assert all(tuple(modules) == ROLES for modules in MODULES.values())


@pytest.mark.parametrize(
    ("family", "overrides"),
    [("modernbert", {}), ("nomic_bert", {}), ("deberta-v2", {"conv_kernel_size": 3})],
)
def test_other_blocks_cannot_be_taken_apart(tiny, family, overrides):
    encoder = load(tiny(family, **overrides))
    assert not has_separable_blocks(encoder)
    with pytest.raises(EncoderError, match=r"expected one of BERT, RoBERTa, .*without convolution"):
        block_weights(encoder, 1)


@pytest.mark.parametrize("number", [0, 4, -1])
def test_a_number_that_is_no_blocks(tiny, number):
    with pytest.raises(IndexError, match=f"block {number} of 3"):
        block_weights(load(tiny("bert")), number)
