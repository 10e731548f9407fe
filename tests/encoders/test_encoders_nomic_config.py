"""NomicBERT as its makers write it: config.json, names of tensors, what v1 and v1.5 do not have."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from poolwise.encoders import load
from poolwise.errors import EncoderError

CONFIG = {
    "activation_function": "swiglu",
    "architectures": ["NomicBertModel"],
    "auto_map": {"AutoModel": "nomic-ai/nomic-bert-2048--modeling_hf_nomic_bert.NomicBertModel"},
    "causal": False,
    "layer_norm_epsilon": 1e-12,
    "max_trained_positions": 16,
    "mlp_fc1_bias": False,
    "mlp_fc2_bias": False,
    "model_type": "nomic_bert",
    "n_embd": 32,
    "n_head": 4,
    "n_inner": 64,
    "n_layer": 3,
    "n_positions": 64,
    "pad_vocab_size_multiple": 64,
    "parallel_block": False,
    "prenorm": False,
    "qkv_proj_bias": False,
    "rotary_emb_base": 1000,
    "rotary_emb_fraction": 1.0,
    "rotary_emb_interleaved": False,
    "rotary_emb_scale_base": None,
    "rotary_scaling_factor": None,
    "type_vocab_size": 2,
    "use_flash_attn": True,
    "use_rms_norm": False,
    "vocab_size": 179,
}
WORDS = "embeddings.word_embeddings.weight"


@pytest.fixture
def folder(tiny, tmp_path):
    """A tiny NomicBERT of one's own, whose vocabulary fills up 64s, as its makers write it."""
    folder = shutil.copytree(tiny("nomic_bert"), tmp_path / "folder")
    tensors = load_file(folder / "model.safetensors")
    rows = np.zeros((192, 32), np.float32)
    rows[: len(tensors[WORDS])] = tensors[WORDS]
    save_file({**tensors, WORDS: rows}, folder / "model.safetensors")
    configure(folder)
    return folder


def configure(folder, **changes):
    values = {**CONFIG, **changes}
    kept = {key: value for key, value in values.items() if value != "absent"}
    (folder / "config.json").write_text(json.dumps(kept))


def test_both_configs_are_one_encoder(folder):
    original = load(folder)
    assert original.max_length == 64
    assert any("auto_map" in note for note in original.notes)
    theirs = original.config.for_transformers()
    (folder / "config.json").write_text(json.dumps(theirs))
    assert load(folder).hash == original.hash
    # transformers passes on the keys that it does not know.
    (folder / "config.json").write_text(json.dumps({**CONFIG, **theirs}))
    assert load(folder).hash == original.hash


@pytest.mark.parametrize("prefix", ["", "bert.", "nomic_bert."])
def test_both_spellings_of_tensors_are_one_encoder(folder, prefix):
    original = load(folder)
    stored = load_file(folder / "model.safetensors")
    assert "encoder.layers.0.attn.Wqkv.weight" in stored
    for tensors in (stored, original.tensors):
        named = {f"{prefix}{name}": np.array(tensor) for name, tensor in tensors.items()}
        save_file(named, folder / "model.safetensors")
        assert load(folder).hash == original.hash
    q, k, v = (original.tensors[f"layers.1.self_attn.{name}_proj.weight"] for name in "qkv")
    np.testing.assert_array_equal(
        np.concatenate([q, k, v]), stored["encoder.layers.1.attn.Wqkv.weight"]
    )


def test_a_scaling_factor_ends_at_the_trained_positions(folder):
    configure(folder, rotary_scaling_factor=2)
    assert load(folder).max_length == 16


def test_a_gate_may_be_gelu(folder):
    configure(folder, activation_function="geglu")
    assert load(folder).config["hidden_act"] == "gelu"


REFUSED = [
    ({"moe_every_n_layers": 2}, "moe_every_n_layers is 2; poolwise reads NomicBERT as v1 and v1.5"),
    ({"qkv_proj_bias": True}, "with qkv_proj_bias False"),
    ({"qkv_proj_bias": "absent"}, "qkv_proj_bias is True"),
    ({"mlp_fc1_bias": True}, "mlp_fc1_bias is True"),
    ({"rotary_emb_fraction": 0.5}, "rotary_emb_fraction is 0.5; .*with rotary_emb_fraction 1.0"),
    ({"rotary_emb_fraction": "absent"}, "rotary_emb_fraction is 0.0"),
    ({"rotary_emb_scale_base": 512}, "rotary_emb_scale_base is 512"),
    ({"parallel_block": True}, "parallel_block is True"),
    ({"prenorm": True}, "prenorm is True"),
    ({"use_rms_norm": True}, "use_rms_norm is True"),
    ({"causal": True}, "causal is True"),
    ({"activation_function": "gelu"}, "expected one of swiglu, geglu"),
    ({"n_inner": None}, "has n_embd, but no n_inner"),
    ({"n_positions": -1}, "n_positions is -1"),
    ({"pad_vocab_size_multiple": -3}, "pad_vocab_size_multiple is -3"),
    ({"n_head": 32}, "a head has 1 dimensions"),
    ({"n_inner": 48}, r"up_proj.weight has shape|gate_proj.weight has shape"),
]


@pytest.mark.parametrize(("changes", "said"), REFUSED)
def test_what_v1_does_not_have_is_refused(folder, changes, said):
    configure(folder, **changes)
    with pytest.raises(EncoderError, match=said):
        load(folder)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"head_dim": 16}, "head_dim is 16, expected 8"),
        ({"rope_scaling": {"type": "yarn"}}, "rope_scaling is not supported"),
        ({"rope_parameters": {"rope_type": "dynamic"}}, "rope_type is 'dynamic'"),
        ({"rope_parameters": {"partial_rotary_factor": 0.5}}, "partial_rotary_factor is 0.5"),
        ({"prenorm": True}, "prenorm is True"),
    ],
)
def test_what_transformers_keys_may_not_say(tiny, tmp_path, changes, said):
    folder = shutil.copytree(tiny("nomic_bert"), tmp_path / "folder")
    values = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**values, **changes}))
    with pytest.raises(EncoderError, match=said):
        load(folder)
