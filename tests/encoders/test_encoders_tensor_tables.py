"""The tables of facts against transformers itself: tensor names, shapes, defaults, activations."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from transformers import AutoConfig, AutoModel
from transformers.activations import ACT2FN

from poolwise.encoders import FAMILIES, load
from poolwise.encoders.config import read_config
from poolwise.encoders.config_keys import ACTIVATION

SMALL = {
    "vocab_size": 50,
    "hidden_size": 32,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "intermediate_size": 48,
    "max_position_embeddings": 40,
    "pad_token_id": 1,
}
NAMES = {  # where transformers' config class has names of its own
    "distilbert": {
        "hidden_size": "dim",
        "num_hidden_layers": "n_layers",
        "num_attention_heads": "n_heads",
        "intermediate_size": "hidden_dim",
    }
}
RELATIVE = {"relative_attention": True, "pos_att_type": ["p2c", "c2p"]}

VARIATIONS = [
    *((model_type, {}) for model_type in FAMILIES),
    *((model_type, {"num_hidden_layers": 1}) for model_type in FAMILIES),
    *((model_type, {"num_hidden_layers": 12, "num_attention_heads": 1}) for model_type in FAMILIES),
    ("bert", {"type_vocab_size": 1}),
    ("roberta", {"type_vocab_size": 5, "max_position_embeddings": 7}),
    ("electra", {"embedding_size": 32}),
    ("electra", {"embedding_size": 16}),
    ("mpnet", {"relative_attention_num_buckets": 64}),
    ("albert", {"num_hidden_groups": 3}),
    ("albert", {"num_hidden_groups": 2, "num_hidden_layers": 7, "embedding_size": 32}),
    ("deberta-v2", {"type_vocab_size": 2}),
    ("deberta-v2", {"position_biased_input": False}),
    ("deberta-v2", {"embedding_size": 16}),
    ("deberta-v2", {"norm_rel_ebd": "layer_norm"}),
    ("deberta-v2", {"conv_kernel_size": 3, "conv_act": "gelu"}),
    ("deberta-v2", {"conv_kernel_size": 5, "conv_groups": 4}),
    ("deberta-v2", RELATIVE),
    ("deberta-v2", {**RELATIVE, "share_att_key": True}),
    ("deberta-v2", {**RELATIVE, "pos_att_type": "p2c|c2p", "position_buckets": 8}),
    ("deberta-v2", {**RELATIVE, "pos_att_type": ["c2p"], "max_relative_positions": 24}),
    ("deberta-v2", {**RELATIVE, "pos_att_type": "p2c"}),
    ("deberta-v2", {"relative_attention": True}),
    ("modernbert", {"norm_bias": True}),
    ("modernbert", {"attention_bias": True}),
    ("modernbert", {"mlp_bias": True, "norm_bias": True, "attention_bias": True}),
    ("modernbert", {"global_attn_every_n_layers": 2, "local_attention": 6}),
    ("modernbert", {"layer_types": ["sliding_attention"] * 3}),
    ("nomic_bert", {"type_vocab_size": 1, "rope_theta": 500.0}),
]


def written(tmp_path, model_type, changes):
    """transformers' config class, and ours, read from the file that it writes."""
    names = NAMES.get(model_type, {})
    sizes = {names.get(key, key): value for key, value in {**SMALL, **changes}.items()}
    theirs = AutoConfig.for_model(model_type, **sizes)
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"model_type": model_type, **theirs.to_dict()}))
    return theirs, read_config(path)


@pytest.mark.parametrize("pooler", [True, False])
@pytest.mark.parametrize(("model_type", "changes"), VARIATIONS)
def test_names_and_shapes_are_those_of_the_state_dict(tmp_path, model_type, changes, pooler):
    theirs, ours = written(tmp_path, model_type, changes)
    family = FAMILIES[model_type]
    options = {"add_pooling_layer": pooler} if family.pooler else {}
    with torch.device("meta"):
        model = AutoModel.from_config(theirs, **options)
    expected = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    assert family.shapes(ours.values, pooler=pooler) == expected
    assert family.words in expected
    assert (f"{family.pooler}.weight" in expected) == (bool(family.pooler) and pooler)
    count = len(list(model.get_submodule(family.blocks).children()))
    assert count == ours.values.get("num_hidden_groups", ours.num_hidden_layers)


@pytest.mark.parametrize(("model_type", "changes"), VARIATIONS)
def test_our_config_builds_the_same_model(tmp_path, model_type, changes):
    theirs, ours = written(tmp_path, model_type, changes)
    again = AutoConfig.for_model(**ours.for_transformers())
    for key in FAMILIES[model_type].keys:
        expected = getattr(theirs, key, None)
        if expected is not None:
            assert getattr(again, key) == expected, key
    (tmp_path / "again.json").write_text(json.dumps(ours.for_transformers()))
    assert read_config(tmp_path / "again.json") == ours


def test_hidden_states_are_the_same_as_from_pretrained(family_folder):
    encoder = load(family_folder)
    theirs = AutoModel.from_pretrained(family_folder).eval()
    ours = AutoModel.from_config(AutoConfig.for_model(**encoder.config.for_transformers())).eval()
    ours.load_state_dict({name: torch.tensor(array) for name, array in encoder.tensors.items()})
    ids = torch.tensor(encoder.tokenize(["the cat sat on the mat"])[0].windows[0].ids)[None].long()
    with torch.no_grad():
        expected = theirs(input_ids=ids, output_hidden_states=True).hidden_states
        found = ours(input_ids=ids, output_hidden_states=True).hidden_states
    assert len(found) == len(expected) == encoder.depth + 1
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy())


@pytest.mark.parametrize("model_type", list(FAMILIES))
def test_defaults_are_transformers_own(tmp_path, model_type):
    theirs = AutoConfig.for_model(model_type)
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"model_type": model_type}))
    ours = AutoConfig.for_model(**read_config(path).for_transformers())
    given = [key for key in FAMILIES[model_type].keys if hasattr(theirs, key)]
    assert len(given) >= 8
    for key in (*given, *(["rope_parameters"] if FAMILIES[model_type].rotary else [])):
        assert getattr(ours, key) == (getattr(theirs, key) or getattr(ours, key)), key


def test_old_modernbert_keys(tmp_path):
    path = tmp_path / "config.json"
    old = {"global_rope_theta": 90_000, "local_rope_theta": 500.0, "global_attn_every_n_layers": 2}
    path.write_text(json.dumps({"model_type": "modernbert", "vocab_size": 60_000, **old}))
    theirs = AutoConfig.for_model("modernbert", **old)
    config = read_config(path)
    assert config["layer_types"] == theirs.layer_types
    assert config["rope_parameters"] == theirs.rope_parameters


def test_transformers_knows_every_activation():
    names = ACTIVATION.expected.removeprefix("one of ").split(", ")
    assert set(names) <= set(ACT2FN)
    assert len(names) == 10
