"""Random weights, against those that transformers' own models begin with."""

import numpy as np
import pytest
import torch
from transformers import AutoConfig, AutoModel

import poolwise
from poolwise import encoders
from poolwise.encoders.variants.reinitialize import reinitialize, with_random_pooler
from poolwise.errors import EncoderError

TEXTS = ["the cat sat on the mat", "a dog"]


def fresh(encoder):
    """The state dict of a model that transformers has just made."""
    torch.manual_seed(0)
    model = AutoModel.from_config(AutoConfig.for_model(**encoder.config.for_transformers()))
    return {name: tensor.numpy() for name, tensor in model.state_dict().items()}


def test_every_tensor_is_drawn_as_transformers_draws_it(family_folder):
    encoder = encoders.load(family_folder)
    made, theirs = reinitialize(encoder, 0).tensors, fresh(encoder)
    assert list(made) == list(encoder.tensors)
    for name, tensor in made.items():
        assert tensor.dtype == np.float32
        assert tensor.shape == theirs[name].shape
        if tensor.ndim == 1:
            np.testing.assert_array_equal(tensor, theirs[name], err_msg=name)
            continue
        # The standard error of a standard deviation is σ / sqrt(2n), and there are two of them.
        error = 4 / np.sqrt(tensor.size)
        assert tensor.std() == pytest.approx(theirs[name].std(), rel=error), name
        assert abs(tensor.mean()) < 4 * tensor.std() / np.sqrt(tensor.size), name
        zeros = [np.flatnonzero(~t.reshape(len(t), -1).any(axis=1)) for t in (tensor, theirs[name])]
        np.testing.assert_array_equal(*zeros, err_msg=name)


def test_modernbert_has_no_tails(tiny):
    encoder = encoders.load(tiny("modernbert"))
    made, theirs = reinitialize(encoder, 0).tensors, fresh(encoder)
    for name in ("embeddings.tok_embeddings.weight", "layers.1.attn.Wo.weight"):
        assert np.abs(made[name]).max() == pytest.approx(np.abs(theirs[name]).max(), rel=0.05)
    assert np.abs(made["embeddings.tok_embeddings.weight"]).max() <= 0.04 + 1e-6


def test_the_seed_decides(tiny):
    encoder = encoders.load(tiny("bert"))
    assert reinitialize(encoder, 1).hash == reinitialize(encoder, 1).hash
    assert len({reinitialize(encoder, seed).hash for seed in range(3)} | {encoder.hash}) == 4


def test_only_weights_name_and_declaration_change(tiny):
    encoder = encoders.load(tiny("bert"))
    made = reinitialize(encoder, 0)
    assert type(made) is encoders.Encoder
    assert made.name == f"{encoder.name} (re-initialised)"
    assert made.declared is None
    assert made.tokenizer is encoder.tokenizer
    assert made.config is encoder.config
    assert made.pooler_state == "untrained"
    assert not any(tensor.flags.writeable for tensor in made.tensors.values())


def test_without_a_pooler_none_is_made_up(tiny):
    made = reinitialize(encoders.load(tiny("bert", pooler=False)), 0)
    assert not made.has_pooler


def test_a_model_runs_on_its_own_engine(family_folder):
    model = poolwise.load(family_folder)
    before = model.embed(TEXTS, "mean@-1")
    made = reinitialize(model, 0)
    after = made.embed(TEXTS, "mean@-1")
    assert made.engine is not model.engine
    assert np.isfinite(after).all()
    assert not np.allclose(before, after, atol=1e-2)
    np.testing.assert_array_equal(model.embed(TEXTS, "mean@-1"), before)


def test_both_engines_agree_on_it(tiny):
    from poolwise.engines.native_engine import NativeEngine, levels
    from poolwise.engines.transformers_engine import TransformersEngine
    from poolwise.extraction import extract

    if not levels():
        pytest.skip("no native engine on this machine")
    made = reinitialize(poolwise.load(tiny("mpnet")), 0)
    ours, theirs = (
        next(iter(extract(made, TEXTS, ["mean@-1", "pooler"], engine=engine(made)))).vectors
        for engine in (NativeEngine, TransformersEngine)
    )
    for readout in ("mean@-1", "pooler"):
        np.testing.assert_allclose(ours[readout], theirs[readout], atol=1e-5)


def test_a_random_pooler_leaves_the_rest_alone(tiny):
    model = poolwise.load(tiny("albert"))
    made = with_random_pooler(model, 0)
    assert made.name == f"{model.name} (random pooler)"
    changed = [n for n in model.tensors if made.tensors[n] is not model.tensors[n]]
    assert sorted(changed) == ["pooler.bias", "pooler.weight"]
    np.testing.assert_array_equal(made.embed(TEXTS, "cls@-1"), model.embed(TEXTS, "cls@-1"))
    assert not np.allclose(made.embed(TEXTS, "pooler"), model.embed(TEXTS, "pooler"), atol=1e-2)
    assert made.tensors["pooler.weight"].std() == pytest.approx(0.02, rel=0.15)
    assert not made.tensors["pooler.bias"].any()
    assert made.hash == with_random_pooler(model, 0).hash != with_random_pooler(model, 1).hash


def test_no_pooler_cannot_be_random(tiny):
    with pytest.raises(EncoderError, match="has no pooler"):
        with_random_pooler(encoders.load(tiny("distilbert")), 0)
