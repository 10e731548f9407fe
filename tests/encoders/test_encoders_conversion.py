"""Pickles: converted in a process of their own, or refused without running."""

from __future__ import annotations

import json
import os
import pickle
import shutil

import pytest
import torch
from safetensors.torch import load_file

from poolwise.encoders import load
from poolwise.encoders.conversion import convert
from poolwise.errors import EncoderError


@pytest.fixture
def folder(tiny, tmp_path):
    """A tiny BERT of one's own whose weights are a pickle."""
    folder = shutil.copytree(tiny("bert"), tmp_path / "folder")
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    return folder


def test_the_result_is_the_same_encoder(folder, tiny, tmp_path):
    state = torch.load(folder / "pytorch_model.bin")
    # Tied weights share their memory, which safetensors does not allow.
    state["cls.predictions.decoder.weight"] = state["embeddings.word_embeddings.weight"]
    torch.save(state, folder / "pytorch_model.bin")
    (folder / "evil.py").write_text("raise SystemExit")
    convert(folder, tmp_path / "deep" / "out")
    encoder = load(tmp_path / "deep" / "out")
    assert encoder.hash == load(tiny("bert")).hash
    names = {path.name for path in encoder.folder.iterdir()}
    assert names == {
        "config.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
    }
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["out"]


def test_shards_and_subfolders(folder, tiny, tmp_path):
    outer = tmp_path / "outer"
    inner = shutil.copytree(folder, outer / "0_Transformer")
    state = torch.load(inner / "pytorch_model.bin")
    (inner / "pytorch_model.bin").unlink()
    names = list(state)
    shards = {"pytorch_model-1.bin": names[:20], "pytorch_model-2.bin": names[20:]}
    for shard, held in shards.items():
        torch.save({name: state[name] for name in held}, inner / shard)
    index = {"weight_map": {name: shard for shard, held in shards.items() for name in held}}
    (inner / "pytorch_model.bin.index.json").write_text(json.dumps(index))
    kinds = {"0_Transformer": "Transformer", "1_Pooling": "Pooling"}
    modules = [
        {"path": path, "type": f"sentence_transformers.models.{kind}"}
        for path, kind in kinds.items()
    ]
    (outer / "modules.json").write_text(json.dumps(modules))
    (outer / "1_Pooling").mkdir()
    (outer / "1_Pooling" / "config.json").write_text('{"pooling_mode_mean_tokens": true}')
    convert(outer, tmp_path / "out")
    encoder = load(tmp_path / "out")
    assert encoder.hash == load(tiny("bert")).hash
    assert str(encoder.declared) == "mean@-1"


class Evil:
    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


@pytest.mark.parametrize("how", ["torch", "pickle"])
def test_a_malicious_pickle_does_not_run(folder, tmp_path, how):
    harm, out = tmp_path / "harm", tmp_path / "out"
    target = folder / "pytorch_model.bin"
    if how == "torch":
        torch.save({"pooler.dense.bias": Evil(harm)}, target)
    else:
        target.write_bytes(pickle.dumps({"pooler.dense.bias": Evil(harm)}))
    with pytest.raises(EncoderError, match=r"pytorch_model\.bin: cannot be converted: refused, it"):
        convert(folder, out)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder"]
    if how == "torch":  # read without the guard, it does its harm
        torch.load(target, weights_only=False)
        assert harm.exists()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"x": 3}, "not a state dict"),
        ({"x": torch.ones(1)}, "missing: embeddings.word_embeddings.weight"),
    ],
)
def test_other_pickles(folder, tmp_path, content, said):
    torch.save(content, folder / "pytorch_model.bin")
    with pytest.raises(EncoderError, match=said):
        convert(folder, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_what_stands_in_the_way(folder, tmp_path, tiny):
    (tmp_path / "out").mkdir()
    with pytest.raises(EncoderError, match="exists already"):
        convert(folder, tmp_path / "out")
    with pytest.raises(EncoderError, match="no such folder"):
        convert(tmp_path / "nothing", tmp_path / "new")
    with pytest.raises(EncoderError, match=r"has no pytorch_model\.bin and nothing else"):
        convert(tiny("bert"), tmp_path / "new")
    with pytest.raises(EncoderError, match=r"not converted within 0\.01 s"):
        convert(folder, tmp_path / "new", timeout=0.01)
    assert not (tmp_path / "new").exists()


def test_safetensors_are_kept_beside_a_sentencepiece_model(tiny, tmp_path, monkeypatch):
    folder = shutil.copytree(tiny("albert"), tmp_path / "folder")
    (folder / "tokenizer.json").rename(folder / "spiece.model")
    asked = []

    def work(task, target, *sources, timeout):
        asked.append((task, sources, timeout))
        shutil.copy(folder / "spiece.model", target)

    monkeypatch.setattr("poolwise.encoders.conversion._work", work)
    convert(folder, tmp_path / "out", timeout=5)
    assert asked == [("tokenizer", (str(folder),), 5)]
    assert load(tmp_path / "out").hash == load(tiny("albert")).hash


def test_a_sentencepiece_model_that_is_none(tiny, tmp_path):
    folder = shutil.copytree(tiny("albert"), tmp_path / "folder")
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "tokenizer.json").rename(folder / "spiece.model")
    with pytest.raises(EncoderError, match="cannot be converted"):
        convert(folder, tmp_path / "out")
    assert not (tmp_path / "out").exists()
