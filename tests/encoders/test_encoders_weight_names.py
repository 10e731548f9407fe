"""Names around an encoder's own: prefixes understood, heads left aside, the rest refused."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModel

from poolwise.encoders import FAMILIES, load
from poolwise.encoders.weight_names import in_encoder, read_names
from poolwise.errors import EncoderError


@pytest.fixture
def folder(tiny, tmp_path):
    """A tiny BERT of one's own."""
    return shutil.copytree(tiny("bert"), tmp_path / "folder")


def rewrite(folder, change):
    """Pass the checkpoint's tensors through ``change``."""
    tensors = load_file(folder / "model.safetensors")
    save_file({k: v.contiguous() for k, v in change(tensors).items()}, folder / "model.safetensors")


def prefixed(prefix):
    return lambda tensors: {f"{prefix}{name}": tensor for name, tensor in tensors.items()}


PREFIXES = [
    "module.",
    "0.auto_model.",
    "0.model.",
    "auto_model.",
    "model.",
    "_orig_mod.",
    "{family}",
    "module.{family}",
    "model.{family}",
    "model.module.{family}",
    "module.0.auto_model.",
]


@pytest.mark.parametrize("prefix", PREFIXES)
def test_prefixes(family_folder, tmp_path, prefix):
    folder = shutil.copytree(family_folder, tmp_path / "folder")
    before = load(folder)
    rewrite(folder, prefixed(prefix.format(family=before.family.prefix)))
    after = load(folder)
    assert after.hash == before.hash
    assert after.notes == ()


@pytest.mark.parametrize("prefix", ["encoder.", "bert_model.", "student.", "0.", "roberta."])
def test_other_prefixes_are_not_guessed(folder, prefix):
    rewrite(folder, prefixed(prefix))
    with pytest.raises(EncoderError, match=r"missing: embeddings\.word_embeddings\.weight"):
        load(folder)


def test_the_state_dict_of_a_whole_sentence_transformer(folder):
    before = load(folder)

    def whole(tensors):
        dense = {"2.linear.weight": torch.ones(8, 32), "2.linear.bias": torch.ones(8)}
        return {**prefixed("0.auto_model.")(tensors), **dense}

    rewrite(folder, whole)
    encoder = load(folder)
    assert encoder.hash == before.hash
    (note,) = encoder.notes
    assert note.startswith("tensors that are no part of BERT are left aside: 2.linear.")


HEADS = [
    "projector.weight",
    "2.linear.bias",
    "linear.weight",
    "dense.weight",
    "c_head.0.attention.self.query.weight",
    "momentum_encoder.encoder.layer.0.output.dense.weight",
    "module.projector.weight",
    "crf.transitions",
]


@pytest.mark.parametrize("with_prefix", [True, False])
@pytest.mark.parametrize("name", HEADS)
def test_an_unknown_head_is_left_aside_and_noted(folder, tiny, name, with_prefix):
    before = load(folder)
    change = prefixed("bert." if with_prefix else "")
    rewrite(folder, lambda t: {**change(t), name: torch.ones(3, dtype=torch.int64)})
    encoder = load(folder)
    assert encoder.hash == before.hash
    assert encoder.notes == (f"tensors that are no part of BERT are left aside: {name}",)
    # transformers leaves it aside too.
    state = AutoModel.from_pretrained(folder).state_dict()
    np.testing.assert_array_equal(
        state["pooler.dense.weight"], encoder.tensors["pooler.dense.weight"]
    )


def test_a_note_names_some_of_many(folder):
    rewrite(folder, lambda t: {**t, **{f"head.{n}": torch.ones(1) for n in range(9)}})
    (note,) = load(folder).notes
    assert note.endswith("head.0, head.1, head.2, head.3 and 5 more")


PARTS = [
    "encoder.layer.12.output.dense.weight",
    "encoder.layer.1.attention.self.q_lora.weight",
    "encoder.layer.1.attention.self.query.lora_A.default.weight",
    "encoder.layer.1.attention.self.distance_embedding.weight",
    "encoder.layer.1.mlp.gated_layers.weight",
    "encoder.extra",
    "embeddings.norm.weight",
    "pooler.other.weight",
    "bert.rotary.inv_freq",
    "0.auto_model.adapter.weight",
    "module.bert.relative_attention_bias.weight",
]


@pytest.mark.parametrize("name", PARTS)
def test_an_unknown_part_of_the_encoder_is_refused(folder, name):
    rewrite(folder, lambda t: {**t, name: torch.ones(1)})
    with pytest.raises(EncoderError, match=f"unknown tensors: {name}"):
        load(folder)


def test_beside_code_of_its_own_only_a_prefix_tells_a_head(folder):
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "auto_map": {"AutoModel": "m.M"}}))
    original = load_file(folder / "model.safetensors")
    rewrite(folder, lambda t: {**t, "scale.weight": torch.ones(1)})
    with pytest.raises(EncoderError, match=r"unknown tensors: scale\.weight"):
        load(folder)
    save_file(original, folder / "model.safetensors")
    rewrite(folder, lambda t: {**prefixed("bert.")(t), "scale.weight": torch.ones(1)})
    assert "left aside: scale.weight" in " ".join(load(folder).notes)


def test_names_are_shown_without_control_characters(folder):
    rewrite(folder, lambda t: {**t, "head\x1b[2J": torch.ones(1), "encoder.\x1b[2J": torch.ones(1)})
    with pytest.raises(EncoderError) as caught:
        load(folder)
    assert "encoder.\\x1b[2J" in str(caught.value)
    assert "\x1b" not in str(caught.value)


def test_two_names_for_one_head_are_none_of_our_business(folder):
    rewrite(folder, lambda t: {**t, "cls.bias": torch.ones(1), "module.cls.bias": torch.ones(1)})
    assert load(folder).notes == ()


def test_old_norms(tiny, tmp_path):
    for name, norm in (("distilbert", "sa_layer_norm"), ("albert", "full_layer_layer_norm")):
        folder = shutil.copytree(tiny(name), tmp_path / name)
        before = load(folder).hash
        rewrite(
            folder,
            lambda t, norm=norm: {
                k.replace(f"{norm}.weight", f"{norm}.gamma").replace(
                    f"{norm}.bias", f"{norm}.beta"
                ): v
                for k, v in t.items()
            },
        )
        assert load(folder).hash == before


@pytest.mark.parametrize("model_type", list(FAMILIES))
def test_every_tensor_of_a_table_is_in_the_encoder(model_type):
    family = FAMILIES[model_type]
    for name in (module for _, rows in family.table for module in rows):
        assert all(in_encoder(found, family) for found in read_names(name, family))
        (found,) = read_names(f"{family.prefix}{name}", family)
        assert found.canonical == name
