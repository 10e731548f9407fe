"""Every token's hidden states and attention maps, compared with transformers and ``extract``."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
import transformers

import poolwise
from poolwise import encoders, extract
from poolwise import token_outputs as module
from poolwise.engines.native_engine import NativeEngine, levels
from poolwise.engines.transformers_engine import TransformersEngine
from poolwise.token_outputs import token_outputs

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


def test_hidden_states_are_the_vectors_of_extract(tiny):
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


@pytest.mark.parametrize("engine", [NativeEngine, TransformersEngine])
@pytest.mark.parametrize("layers", [(0, 1, 2, 3), (1,), (3, 0)])
def test_both_engines_return_the_hidden_states_that_they_pool(tiny, engine, layers):
    if engine is NativeEngine and not levels():
        pytest.skip("the native engine does not run here")
    model = poolwise.load(tiny("bert"))
    for outputs in token_outputs(model, TEXTS, engine=engine(model), layers=layers):
        for i, row in enumerate(outputs.rows):
            specs = [f"token[{p}]@{k}" for k in layers for p in range(outputs.ids.shape[1])]
            (batch,) = extract(model, [TEXTS[row]], specs, engine=engine(model))
            pooled = np.stack([batch.vectors[spec][0] for spec in specs])
            np.testing.assert_allclose(
                outputs.hidden_states[:, i].reshape(pooled.shape), pooled, rtol=0, atol=1e-6
            )


@pytest.mark.parametrize("engine", [NativeEngine, TransformersEngine])
def test_a_state_that_is_not_finite_stays_with_its_token(tiny, engine):
    if engine is NativeEngine and not levels():
        pytest.skip("the native engine does not run here")
    model = encoders.load(tiny("bert"))
    words = model.word_embeddings.copy()
    (text,) = model.tokenize(["the cat"])
    words[text.windows[0].ids[1]] = np.nan
    broken = replace(model, tensors={**model.tensors, model.family.words: words})
    (outputs,) = token_outputs(broken, ["the cat"], engine=engine(broken), layers=[0])
    finite = np.isfinite(outputs.hidden_states[0, 0]).all(axis=1)
    assert finite.tolist() == [True, False, True, True]


def test_tokens_are_those_of_the_rows(tiny):
    model = poolwise.load(tiny("bert"), max_length=6)
    tokens = model.tokenize(TEXTS)
    for outputs in model.token_outputs(TEXTS, layers=[0]):
        for row, text in zip(outputs.rows, outputs.tokens, strict=True):
            np.testing.assert_array_equal(text.windows[0].ids, tokens[row].windows[0].ids)
            assert (text.n_tokens, text.truncated) == (tokens[row].n_tokens, tokens[row].truncated)
