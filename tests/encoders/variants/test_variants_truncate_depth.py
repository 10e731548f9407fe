"""An encoder cut to depth is the same encoder up to there."""

from __future__ import annotations

import numpy as np
import pytest

import poolwise
from poolwise.encoders.variants.truncate_depth import fewest_blocks, truncate_depth

TEXTS = ["the cat sat on a mat", "", "a dog ran over the hill"]


@pytest.mark.parametrize("deepest", [0, 1, 2, 3])
def test_every_hidden_state_that_is_left_is_what_it_was(family_folder, deepest):
    encoder = poolwise.load(family_folder)
    blocks = fewest_blocks(encoder, deepest)
    left = truncate_depth(encoder, blocks)
    assert left.depth == blocks
    assert left.has_pooler == (encoder.has_pooler and blocks == encoder.depth)
    spec = f"mean@{deepest}"
    np.testing.assert_allclose(left.embed(TEXTS, spec), encoder.embed(TEXTS, spec), atol=1e-6)


def test_no_more_blocks_stay_than_are_needed(tiny):
    assert [fewest_blocks(poolwise.load(tiny("bert")), k) for k in range(4)] == [1, 1, 2, 3]
    # The norm behind the last block of a ModernBERT would change the state before it.
    assert [fewest_blocks(poolwise.load(tiny("modernbert")), k) for k in range(4)] == [1, 2, 3, 3]


def test_blocks_keep_the_group_whose_weights_they_take(tiny):
    encoder = poolwise.load(tiny("albert", num_hidden_layers=8, num_hidden_groups=2))
    # Blocks 1 to 4 take group 0. Of 5 or 6 blocks, three would.
    assert [fewest_blocks(encoder, k) for k in range(1, 9)] == [1, 2, 3, 4, 7, 7, 7, 8]
    assert truncate_depth(encoder, 4).config["num_hidden_groups"] == 1
    for k in (3, 5):
        spec = f"mean@{k}"
        left = truncate_depth(encoder, fewest_blocks(encoder, k)).embed(TEXTS, spec)
        np.testing.assert_allclose(left, encoder.embed(TEXTS, spec), atol=1e-6)
