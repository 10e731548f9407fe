"""What tokens give to [CLS]: terms that sum to it, and values that are really taken away."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
import torch
import transformers

import poolwise
from poolwise.encoders.blocks import has_separable_blocks
from poolwise.errors import EncoderError
from poolwise.studies.attention import decomposition, zeroing
from poolwise.studies.attention.attributions import NORMS, RAW, ZEROING, attributions, rollout
from poolwise.studies.attention.block_forward import ACTIVATIONS, block_inputs
from poolwise.studies.attention.decomposition import decompose, shares_of_all_rows
from poolwise.studies.attention.ranks import means, spearmans

TEXTS = ["the cat sat on the mat", "a dog", "small birds ran, and the old sea!", "a hill"]
REAL = [
    "The cat sat on the mat.",
    "It was a bright cold day in April, and the clocks were striking thirteen.",
    "Nobody knows.",
]


def check_sums(model, texts):
    for outputs in model.token_outputs(texts, attentions=True):
        for number, passage in enumerate(block_inputs(model, outputs), start=1):
            parts = decompose(*passage)
            assert parts.tokens.shape == (len(outputs), outputs.ids.shape[1], model.width)
            np.testing.assert_allclose(parts.total, outputs.hidden_states[number][:, 0], atol=1e-4)


def test_the_parts_sum_to_cls(family_folder):
    model = poolwise.load(family_folder)
    if has_separable_blocks(model):
        check_sums(model, TEXTS)


def test_the_parts_sum_to_cls_of_the_demo_model(demo):
    check_sums(demo, REAL)


@pytest.mark.parametrize("activation", ["gelu_new", "gelu_fast", "quick_gelu", "relu", "silu"])
def test_the_parts_sum_to_cls_whatever_the_activation(tiny, activation):
    check_sums(poolwise.load(tiny("bert", hidden_act=activation)), TEXTS)


@pytest.mark.parametrize("name", list(ACTIVATIONS))
def test_activations_are_transformers(name):
    x = np.linspace(-8, 8, 1001, dtype=np.float32)
    oracle = transformers.activations.ACT2FN[name](torch.from_numpy(x)).numpy()
    found = ACTIVATIONS[name](x)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, oracle, atol=2e-6)


@pytest.mark.parametrize("family", ["bert", "mpnet"])
def test_shares_of_every_row_are_those_of_cls_standing_there(tiny, family):
    """Exchanged with the first token, any token is decomposed as [CLS] is."""
    model = poolwise.load(tiny(family))
    for outputs in model.token_outputs(TEXTS, attentions=True):
        shares = decomposition.shares(model, outputs)
        np.testing.assert_allclose(shares.sum(axis=-1), 1, atol=1e-5)
        for block, (weights, states, maps) in enumerate(block_inputs(model, outputs)):
            mixed = shares_of_all_rows(weights, states, maps)
            np.testing.assert_allclose(mixed[:, 0], shares[block], atol=1e-5)
            t = states.shape[1]
            for i in range(t):
                order = np.array([i, *(j for j in range(t) if j != i)])
                distances = maps[:, :, order][:, :, :, order]
                alone = decompose(weights, states[:, order], distances).shares
                np.testing.assert_allclose(mixed[:, i, order], alone, atol=1e-5)


VALUES = {
    "bert": "encoder.layer.{}.attention.self.value",
    "distilbert": "transformer.layer.{}.attention.v_lin",
    "mpnet": "encoder.layer.{}.attention.attn.v",
    "deberta-v2": "encoder.layer.{}.attention.self.value_proj",
}


@pytest.mark.parametrize("family", list(VALUES))
def test_value_zeroing_is_transformers_with_values_zeroed(tiny, family):
    model = poolwise.load(tiny(family))
    oracle = transformers.AutoModel.from_pretrained(tiny(family), attn_implementation="eager")
    (outputs,) = model.token_outputs(TEXTS[:1], attentions=True)
    t = outputs.ids.shape[1]
    copies = torch.tensor(outputs.ids.astype(np.int64)).repeat(t, 1)
    expected = np.zeros((model.depth, t))

    def zero(_module, _inputs, output):
        output = output.clone()
        output[range(t), range(t)] = 0  # of copy j, token j
        return output

    for b in range(model.depth):
        handle = oracle.get_submodule(VALUES[family].format(b)).register_forward_hook(zero)
        with torch.inference_mode():
            made = oracle.eval()(input_ids=copies, output_hidden_states=True).hidden_states[b + 1]
        handle.remove()
        without, whole = (
            made[:, 0].double().numpy(),
            outputs.hidden_states[b + 1][0, 0].astype(np.float64),
        )
        lengths = np.linalg.norm(without, axis=1) * np.linalg.norm(whole)
        expected[b] = 1 - without @ whole / lengths
    expected /= expected.sum(axis=1, keepdims=True)
    shares = zeroing.shares(model, outputs)
    np.testing.assert_allclose(shares.sum(axis=-1), 1, atol=1e-5)
    np.testing.assert_allclose(shares[:, 0], expected, atol=1e-4)


def test_a_block_that_takes_nothing_has_no_shares_by_zeroing(tiny):
    model = poolwise.load(tiny("bert"))
    tensors = dict(model.tensors)
    for part in ("weight", "bias"):
        name = f"encoder.layer.1.attention.self.value.{part}"
        tensors[name] = np.zeros_like(tensors[name])
    object.__setattr__(model, "tensors", tensors)
    (outputs,) = model.token_outputs(TEXTS[:1], attentions=True)
    assert np.isnan(zeroing.shares(model, outputs)[1]).all()
    norms = decomposition.shares(model, outputs)[1, 0]
    np.testing.assert_array_equal(norms, np.eye(len(norms))[0])


def test_rollout_is_the_product_of_the_blocks(tiny):
    model = poolwise.load(tiny("bert"))
    (outputs,) = model.token_outputs(TEXTS[:1], attentions=True)
    found = attributions(model, outputs)
    product = np.eye(outputs.ids.shape[1])
    for maps in outputs.attentions[:, 0]:
        product = (maps.mean(axis=0) / 2 + np.eye(len(product)) / 2) @ product
    np.testing.assert_allclose(found.rollouts[RAW][0], product[0], atol=1e-6)
    assert list(found.by_block) == [RAW, NORMS, ZEROING]
    for _, _, shares in found.items():
        np.testing.assert_allclose(shares.sum(axis=-1), 1, atol=1e-5)
    one = np.array([[[0.5, 0.5], [0, 1]]], np.float32)
    np.testing.assert_allclose(rollout([one, one]), [[0.25, 0.75]])


def test_blocks_that_cannot_be_taken_apart_leave_raw_attention(tiny):
    model = poolwise.load(tiny("modernbert"))
    (outputs,) = model.token_outputs(TEXTS[:1], attentions=True)
    assert [method for method, _, _ in attributions(model, outputs).items()] == [RAW] * model.depth
    with pytest.raises(EncoderError, match="expected one of BERT"):
        decomposition.shares(model, outputs)


def test_maps_and_layers_must_have_been_asked_for(tiny):
    model = poolwise.load(tiny("bert"))
    (without,) = model.token_outputs(TEXTS[:1])
    with pytest.raises(ValueError, match="attentions=True"):
        zeroing.shares(model, without)
    (few,) = model.token_outputs(TEXTS[:1], layers=[1, 2], attentions=True)
    with pytest.raises(ValueError, match="layers"):
        decomposition.shares(model, few)


def test_rank_correlations_of_rows_are_scipys():
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 5, (2, 20, 9))
    x[3] = 2
    found = spearmans(x, y)
    assert np.isnan(found[3])
    for i in np.flatnonzero(np.arange(20) != 3):
        assert found[i] == pytest.approx(scipy.stats.spearmanr(x[i], y[i]).statistic)
    assert np.isnan(spearmans(x[:, :3], y[:, :3])).all()


def test_means_leave_out_what_is_undefined():
    rng = np.random.default_rng(0)
    table = rng.normal(1, 1, (400, 3))
    table[:200, 1] = np.nan
    table[5:, 2] = np.nan
    whole, half, none = means(table)
    assert whole.value == pytest.approx(table[:, 0].mean())
    assert half.value == pytest.approx(table[200:, 1].mean())
    for found, n in ((whole, 400), (half, 200)):
        reach = 1.96 / np.sqrt(n)
        assert found.low == pytest.approx(found.value - reach, abs=0.25 * reach)
        assert found.high == pytest.approx(found.value + reach, abs=0.25 * reach)
    assert none.value is None
    assert "fewer than 20 sentences" in none.note
