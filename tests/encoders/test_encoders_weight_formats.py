"""Folders whose weights are of another kind: what is there, and what to do, in words."""

from __future__ import annotations

import json
import shutil

import pytest
from safetensors.torch import load_file, save_file

from poolwise.encoders import load
from poolwise.encoders.conversion.conversion import convert
from poolwise.encoders.weight_formats import FORMATS, detect_formats
from poolwise.errors import EncoderError

POINTER = (
    "version https://git-lfs.github.com/spec/v1\n"
    "oid sha256:7c6c2c4d9a2c2b8e0d8a0b5f7ba6e9a6a4de4cbd5f6a6a0b6ee5b1dd4c1f0aa3\n"
    "size 90868376\n"
)


@pytest.fixture
def folder(tiny, tmp_path):
    """A tiny BERT of one's own."""
    return shutil.copytree(tiny("bert"), tmp_path / "folder")


def refusal(folder):
    with pytest.raises(EncoderError) as caught:
        load(folder)
    return str(caught.value)


# Files of another kind in the place of model.safetensors

KINDS = [
    (["pytorch_model.bin"], "only pytorch_model.bin, a pickle,", "poolwise convert {} OUT"),
    (["tf_model.h5"], "only tf_model.h5, weights for TensorFlow.", "poolwise convert {} OUT"),
    (["flax_model.msgpack"], "only flax_model.msgpack, weights for Flax.", "from_flax=True"),
    (["model.onnx"], "only model.onnx, a graph for ONNX.", "needs the checkpoint"),
    (["onnx/model.onnx"], "only onnx/model.onnx, a graph for ONNX.", "needs the checkpoint"),
    (["model.gguf"], "only model.gguf, weights for llama.cpp", "needs the checkpoint"),
    (["openvino/openvino_model.xml"], "a graph for OpenVINO", "needs the checkpoint"),
    (["openvino_model.xml"], "a graph for OpenVINO", "needs the checkpoint"),
    (["saved_model.pb"], "only saved_model.pb, a graph for TensorFlow", "needs the checkpoint"),
    (["saved_model/1/saved_model.pb"], "only saved_model/1/saved_model.pb, a graph for", ""),
    (["2_Dense/model.safetensors", "training_args.bin"], "no model.safetensors. If the model", ""),
    (["bert_model.ckpt.index"], "a checkpoint of TensorFlow 1", "from_tf=True"),
    (
        ["model.fp16.safetensors"],
        "only model.fp16.safetensors, weights under",
        "name the file model",
    ),
    (["model.weights.h5"], "a file of Keras that transformers has not written", ""),
    (
        ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"],
        "only model-00001-of-00002.safetensors, a shard without the index of all shards",
        "Put the shards' index (its name ends in .index.json) beside",
    ),
    (["pytorch_model-00001-of-00002.bin"], "00002.bin, a shard without the index", ".index.json"),
    (["tf_model-00001-of-00002.h5"], "00002.h5, a shard without the index", ".index.json"),
    (["pytorch_model.fp16.bin"], "a pickle under another name", "poolwise convert {} OUT"),
    (["model.pt"], "only model.pt, a pickle under another name", "name it pytorch_model.bin, then"),
    (["adapter_model.safetensors"], "LoRA weights without adapter_config.json", "merge_and_unload"),
    (["all.zip"], "only all.zip, an archive", "Unpack it"),
    (
        ["tf_model.h5", "onnx/model.onnx", "onnx/model_O4.onnx"],
        "only tf_model.h5, weights for TensorFlow, and onnx/model.onnx, a graph for ONNX.",
        "poolwise convert {} OUT",
    ),
]


@pytest.mark.parametrize(("names", "said", "todo"), KINDS)
def test_other_kinds_of_weights(folder, names, said, todo):
    (folder / "model.safetensors").unlink()
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"weights")
    message = refusal(folder)
    assert f"{folder}: has {said}" in message or said in message
    assert todo.format(folder) in message


def test_a_variant_with_the_name_that_it_is_told_to_take(folder, tiny):
    tensors = {k: v.half() for k, v in load_file(folder / "model.safetensors").items()}
    (folder / "model.safetensors").unlink()
    save_file(tensors, folder / "model.fp16.safetensors")
    assert "half precision is read too" in refusal(folder)
    (folder / "model.fp16.safetensors").rename(folder / "model.safetensors")
    assert load(folder).depth == 3


def test_every_kind_is_told_apart():
    assert [kind for kind in FORMATS if not kind.patterns] == []
    descriptions = [kind.description for kind in FORMATS]
    assert len(set(descriptions)) == len(descriptions)
    assert (
        detect_formats(["config.json", "vocab.txt", "README.md", "2_Dense/pytorch_model.bin"]) == {}
    )


# LoRA

ABOUT = {"peft_type": "LORA", "base_model_name_or_path": "bert-base-uncased", "r": 8}


@pytest.mark.parametrize("alone", [True, False])
def test_lora_weights(folder, alone):
    if alone:
        (folder / "config.json").unlink()
        (folder / "model.safetensors").unlink()
    (folder / "adapter_config.json").write_text(json.dumps(ABOUT))
    (folder / "adapter_model.safetensors").touch()
    message = refusal(folder)
    assert "LoRA weights for 'bert-base-uncased', which poolwise does not apply" in message
    assert "merge_and_unload" in message


# Folders without config.json


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ([], "it has no config.json; it is empty"),
        (["README.md"], "not an encoder's folder, it has no config.json"),
        (["model.Q4.gguf"], "no config.json. It has model.Q4.gguf, weights for llama.cpp"),
        (["x.zip"], "no config.json. It has x.zip, an archive. Unpack it and give the folder"),
        (
            ["bert_config.json", "bert_model.ckpt.index"],
            "a checkpoint of TensorFlow 1. Load it with",
        ),
        (["pytorch_model.bin"], "It has pytorch_model.bin, a pickle"),
        (["tiny/config.json", "tiny/model.safetensors"], "folder/tiny has one; is it meant?"),
        (["1_Pooling/config.json"], "it has no config.json"),
        (["model.safetensors", "vocab.txt"], "not an encoder's folder, it has no config.json"),
    ],
)
def test_without_a_config(tmp_path, names, said):
    folder = tmp_path / "folder"
    folder.mkdir()
    for name in names:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).touch()
    assert said in refusal(folder)


# Git-LFS pointers


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json", "config.json"])
def test_pointers(folder, name):
    (folder / name).write_text(POINTER)
    message = refusal(folder)
    assert message.startswith(f"{folder / name}: a git-LFS pointer, not the file itself. Run `git")
    assert "header" not in message


def test_pointers_of_shards(folder):
    (folder / "model.safetensors").unlink()
    (folder / "m.safetensors").write_text(POINTER)
    index = {"weight_map": {"pooler.dense.bias": "m.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    assert f"{folder / 'm.safetensors'}: a git-LFS pointer" in refusal(folder)


@pytest.mark.parametrize("name", ["pytorch_model.bin", "tf_model.h5"])
def test_pointers_are_not_converted(folder, tmp_path, name):
    (folder / "model.safetensors").unlink()
    (folder / name).write_text(POINTER)
    with pytest.raises(EncoderError, match=f"{name}: a git-LFS pointer, not the file itself"):
        convert(folder, tmp_path / "out")


def test_a_pointer_for_a_sentencepiece_model_is_not_converted(tiny, tmp_path):
    folder = shutil.copytree(tiny("albert"), tmp_path / "folder")
    (folder / "tokenizer.json").unlink()
    (folder / "spiece.model").write_text(POINTER)
    with pytest.raises(EncoderError, match=r"spiece\.model: a git-LFS pointer, not the file"):
        convert(folder, tmp_path / "out")
