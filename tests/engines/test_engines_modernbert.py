"""ModernBERT on every level of the native engine: windows, lengths and the configurations that
people use, each hidden state beside transformers'. NomicBERT at its longest."""

from __future__ import annotations

import json
import shutil
from functools import cache

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoModel

import poolwise
from poolwise.engines import pack, plan
from poolwise.engines.native_engine import NativeEngine, levels
from poolwise.records import Tokens

pytestmark = pytest.mark.skipif(not levels(), reason="the native engine does not run here")

BASE = {"hidden_size": 24, "num_attention_heads": 3, "intermediate_size": 20}
LENGTHS = [1, 2, 3, 31, 64, 65, 300]


class Pair:
    """A folder's encoder on the native engine, and transformers' model of it: in float64, because
    the states between pre-norm blocks are as large as 14, where two float32 runs of transformers,
    eager and sdpa, differ by 1.2e-5 themselves. Its rotary tables stay float32."""

    def __init__(self, folder, precision="exact"):
        self.encoder = poolwise.load(folder)
        self.engine = NativeEngine(self.encoder, precision, streams=1)
        self.oracle = AutoModel.from_pretrained(folder, dtype=torch.float64).eval()
        self.layers = range(self.encoder.depth + 1)
        self.on = cache(lambda level: NativeEngine(self.encoder, precision, level=level, streams=1))

    def ids(self, length, seed=0):
        noise = np.random.default_rng([length, seed])
        return noise.integers(5, self.encoder.config.vocab_size, length).astype(np.int32)

    def expected(self, ids):
        """Every hidden state, float64 [layers, tokens, width]."""
        rows = torch.from_numpy(ids.astype(np.int64))[None]
        with torch.no_grad():
            out = self.oracle(rows, output_hidden_states=True)
        return torch.cat(out.hidden_states).numpy()

    def states(self, *texts, engine=None):
        """The same of each text, all in one batch."""
        batch = pack([Tokens(ids, np.zeros(len(ids), bool)) for ids in texts])
        wanted = plan([], depth=self.encoder.depth, hidden_states=self.layers)
        ((_, outputs),) = (engine or self.engine).run([batch], wanted)
        columns = zip(*(outputs.hidden_states[layer] for layer in self.layers), strict=True)
        return [np.stack(column) for column in columns]


def assert_equal_states(pair, lengths, tolerance=1e-5):
    texts = [pair.ids(length) for length in lengths]
    expected = [pair.expected(ids) for ids in texts]
    for level in levels():
        engine = pair.on(level)
        for states, found in zip(expected, pair.states(*texts, engine=engine), strict=True):
            message = f"{states.shape[1]} tokens, {level}"
            np.testing.assert_allclose(found, states, atol=tolerance, rtol=0, err_msg=message)


CONFIGS = [
    {"local_attention": 1},  # a window of 0: each token sees itself
    {"local_attention": 7},
    {"local_attention": 128, "layer_types": ["sliding_attention"] * 3},
    {"local_attention": 2, "layer_types": ["sliding_attention", "full_attention"] * 2},
    {"num_attention_heads": 1, "hidden_activation": "silu"},
    {"num_attention_heads": 12, "norm_bias": True},
    {"attention_bias": True, "mlp_bias": True, "hidden_activation": "relu"},
]


@pytest.mark.parametrize("config", CONFIGS, ids=str)
def test_every_hidden_state_is_transformers_own(tiny, config):
    depth = len(config.get("layer_types", range(3)))
    options = {"num_hidden_layers": depth, "max_position_embeddings": 512}
    assert_equal_states(Pair(tiny("modernbert", **{**BASE, **options, **config})), LENGTHS)


def test_windows_at_any_length(tiny):
    pairs = {
        width: Pair(tiny("modernbert", **BASE, max_position_embeddings=160, local_attention=width))
        for width in (2, 9, 40)
    }

    @settings(max_examples=25, deadline=None)
    @given(st.sampled_from(list(pairs)), st.lists(st.integers(1, 160), min_size=1, max_size=3))
    def check(width, lengths):
        assert_equal_states(pairs[width], lengths)

    check()


@pytest.mark.parametrize("family", ["modernbert", "nomic_bert"])
def test_8192_tokens(tiny, family):
    one_head = {"hidden_size": 8, "num_attention_heads": 1, "num_hidden_layers": 2}
    pair = Pair(tiny(family, **one_head, max_position_embeddings=8192))
    assert_equal_states(pair, [8192])
    with pytest.raises(ValueError, match="8193, expected 1 to 8192"):
        pair.states(pair.ids(8193))


@pytest.mark.parametrize("precision", ["exact", "fast"])
def test_a_long_text_has_the_same_bits_in_any_batch(tiny, precision):
    pair = Pair(tiny("modernbert", **BASE, max_position_embeddings=2048), precision)
    texts = [pair.ids(length) for length in (1500, 7, 97, 1)]
    alone = [pair.states(ids)[0] for ids in texts]
    pair.engine.streams = 2  # all of them on the one batch
    for one, among in zip(alone, pair.states(*texts), strict=True):
        np.testing.assert_array_equal(one, among)


# What config.json says of the best-known ModernBERTs, with sizes of a tiny one: in transformers 4's
# keys, as their files are.
SIZES = {
    "hidden_size": 32,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "intermediate_size": 48,
    "max_position_embeddings": 8192,
    "local_attention": 128,
    "global_attn_every_n_layers": 3,
    "norm_bias": False,
    "attention_bias": False,
    "mlp_bias": False,
    "hidden_activation": "gelu",
    "position_embedding_type": "absolute",
    "classifier_pooling": "mean",
}
KNOWN = {
    "gte-modernbert-base": ("cls", {"global_rope_theta": 160000.0, "local_rope_theta": 10000.0}),
    "granite-embedding-r2": ("cls", {"global_rope_theta": 80000.0, "local_rope_theta": 10000.0}),
    "mmBERT": ("mean", {"global_rope_theta": 160000.0, "local_rope_theta": 160000.0}),
}


@pytest.mark.parametrize("name", KNOWN)
def test_known_models_run_natively(tiny, tmp_path, modules, name):
    pooling, thetas = KNOWN[name]
    folder = tmp_path / name
    shutil.copytree(tiny("modernbert", num_hidden_layers=4, intermediate_size=48), folder)
    config = json.loads((folder / "config.json").read_text())
    for key in ("layer_types", "rope_parameters"):
        del config[key]
    (folder / "config.json").write_text(json.dumps({**config, **SIZES, **thetas}))
    modules(folder, pooling, "Normalize")
    pair = Pair(folder)
    assert str(pair.encoder.declared) == f"{pooling}@-1|l2"
    assert pair.encoder.engine.name == "native"
    assert_equal_states(pair, [1, 40, 300, 900])
