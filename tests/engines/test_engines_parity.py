"""Every family, pool and layer form, on both engines, against ``output_hidden_states=True``.

The oracle runs each text alone, through ``from_pretrained`` and ``AutoTokenizer``, and pools by the
definitions written out below.
"""

from __future__ import annotations

import math
from functools import cache
from itertools import product

import numpy as np
import pytest
import torch
from transformers import AutoModel

import poolwise
from poolwise.engines.native_engine import NativeEngine, levels, runs
from poolwise.engines.transformers_engine import TransformersEngine
from poolwise.readouts import parse

TEXTS = ["the cat sat on the mat", "a", "", "the dog and the cat ran over the old hill to the sea"]

POOLS = {
    "cls": lambda h, w: h[0],
    "sep": lambda h, w: h[-1],
    "token[1]": lambda h, w: h[1],
    "token[-2]": lambda h, w: h[-2],
    "mean": lambda h, w: h.mean(0),
    "mean[words]": lambda h, w: h[w].mean(0) if w.any() else np.full(h.shape[1], np.nan),
    "max": lambda h, w: h.max(0),
    "max[words]": lambda h, w: h[w].max(0) if w.any() else np.full(h.shape[1], np.nan),
    "meanmax": lambda h, w: np.concatenate([h.mean(0), h.max(0)]),
    "sqrtmean": lambda h, w: h.sum(0) / math.sqrt(len(h)),
    "wmean": lambda h, w: np.average(h, axis=0, weights=np.arange(1, len(h) + 1)),
}

LAYERS = {
    "embeddings": lambda s: s[0],
    "0": lambda s: s[0],
    "1": lambda s: s[1],
    "-1": lambda s: s[-1],
    "-2": lambda s: s[-2],
    "avg(1,-1)": lambda s: (s[1] + s[-1]) / 2,
    "avg(0:-1)": lambda s: np.mean(s, axis=0),
    "sum(-2:-1)": lambda s: s[-2] + s[-1],
    "concat(-2:-1)": lambda s: np.concatenate([s[-2], s[-1]], axis=1),
    "concat(embeddings,2)": lambda s: np.concatenate([s[0], s[2]], axis=1),
    "weights(1=0.25,-1=-2)": lambda s: 0.25 * s[1] - 2 * s[-1],
    "weights(0.5,-1,2,0.25)": lambda s: 0.5 * s[0] - s[1] + 2 * s[2] + 0.25 * s[3],
}


class Oracle:
    def __init__(self, folder, encoder):
        self.encoder = encoder
        self.model = AutoModel.from_pretrained(folder).eval()
        self.states = cache(self._states)

    def _states(self, text):
        (tokens,) = self.encoder.tokenize([text])[0].windows
        ids = torch.tensor(tokens.ids.astype(np.int64))[None]
        with torch.no_grad():
            out = self.model(
                input_ids=ids, attention_mask=torch.ones_like(ids), output_hidden_states=True
            )
        states = [h[0].numpy() for h in out.hidden_states]
        pooler = getattr(out, "pooler_output", None)
        return states, ~tokens.special, None if pooler is None else pooler[0].numpy()


@pytest.fixture(scope="module")
def encoder(family_folder):
    return poolwise.load(family_folder)


@pytest.fixture(scope="module")
def oracle(family_folder, encoder):
    return Oracle(family_folder, encoder)


ENGINES = ["transformers", *levels()]
"""The transformers engine, and the native one at each level of this machine."""


@pytest.fixture(scope="module", params=ENGINES)
def engine(request, encoder):
    return made(request.param, encoder)


def made(name, encoder):
    if name == "transformers":
        return TransformersEngine(encoder)
    if not runs(encoder):
        pytest.skip(f"{encoder.family.name} does not run on the native engine here")
    return NativeEngine(encoder, level=name)


def expected(oracle, spec, text):
    states, words, pooler = oracle.states(text)
    if spec == "pooler":
        return pooler
    pool, layers = spec.split("@")
    return POOLS[pool](LAYERS[layers](states), words)


def gain(oracle, spec, text):
    """By how much a readout enlarges a difference of hidden states: sqrtmean@weights(-1=-2) of two
    tokens, by 2 sqrt 2."""
    if spec == "pooler":
        return 1
    pool, layers = spec.split("@")
    states, _, _ = oracle.states(text)
    units = np.eye(len(states), dtype=np.float32)[:, :, None, None]
    coefficients = np.abs([LAYERS[layers](unit) for unit in units]).sum(0).max()
    return max(1, coefficients) * (math.sqrt(len(states[0])) if pool == "sqrtmean" else 1)


def test_every_pool_of_every_layer_form(encoder, oracle, engine):
    specs = [f"{pool}@{layers}" for pool, layers in product(POOLS, LAYERS)]
    specs += ["pooler"] if encoder.has_pooler else []
    (batch,) = poolwise.extract(encoder, TEXTS, specs, engine=engine)
    for row, text in enumerate(TEXTS):
        for spec in specs:
            np.testing.assert_allclose(
                batch.vectors[spec][row],
                expected(oracle, spec, text),
                atol=1e-5 * gain(oracle, spec, text),
                rtol=0,
                err_msg=f"{spec} of {text!r}",
            )


@pytest.mark.parametrize("spec", ["mean@0", "cls@1", "mean@2", "max@avg(0,1)"])
def test_stopping_early_changes_nothing(encoder, oracle, spec):
    ran = []
    engine = TransformersEngine(encoder)
    hooks = [b.register_forward_hook(lambda *_: ran.append(1)) for b in engine.blocks]
    (batch,) = poolwise.extract(encoder, TEXTS[:1], [spec], engine=engine)
    for hook in hooks:
        hook.remove()
    deepest = max(parse(spec).layer_indices(encoder.depth))
    assert len(ran) == deepest, "blocks above the deepest hidden state must not run"
    states, words, _ = oracle.states(TEXTS[0])
    layers = {**LAYERS, "2": lambda s: s[2], "avg(0,1)": lambda s: (s[0] + s[1]) / 2}
    pool, form = spec.split("@")
    np.testing.assert_allclose(
        batch.vectors[spec][0], POOLS[pool](layers[form](states), words), atol=1e-5, rtol=0
    )


def test_the_pooler_is_there_only_when_the_checkpoint_has_one(encoder):
    if encoder.has_pooler:
        assert encoder.embed("the cat", "pooler").shape == (encoder.width,)
    else:
        with pytest.raises(poolwise.PoolwiseError, match="no pooler"):
            encoder.embed("the cat", "pooler")


@pytest.mark.parametrize("name", ENGINES)
def test_the_demo_model(demo, name):
    oracle = Oracle(demo.folder, demo)
    texts = ["The cat sat on the mat.", "", "It is a truth universally acknowledged, " * 9, "no"]
    layers = {**{str(k): lambda s, k=k: s[k] for k in range(7)}, "avg(1,-1)": LAYERS["avg(1,-1)"]}
    specs = [f"{pool}@{k}" for pool in POOLS if "[words]" not in pool for k in layers]
    engine = made(name, demo)
    (batch,) = poolwise.extract(demo, texts, [*specs, "pooler"], engine=engine)
    for row, text in enumerate(texts):
        states, words, pooler = oracle.states(text)
        np.testing.assert_allclose(batch.vectors["pooler"][row], pooler, atol=1e-5, rtol=0)
        for spec in specs:
            pool, form = spec.split("@")
            expected_row = POOLS[pool](layers[form](states), words)
            np.testing.assert_allclose(
                batch.vectors[spec][row], expected_row, atol=1e-5, rtol=0, err_msg=spec
            )
