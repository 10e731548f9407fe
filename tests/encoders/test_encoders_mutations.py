"""Seeded mutations of model files: each embeds or is refused in words, and quickly."""

from __future__ import annotations

import json
import math
import os
import random
import shutil
import time

import pytest
from safetensors.numpy import load_file, save_file

from poolwise import load
from poolwise.errors import EncoderError, TextError

EACH = int(os.environ.get("POOLWISE_MUTATIONS", "40"))
"""Times 2 batches, times 14 families and 2 other layouts. ``make soak`` asks for more."""

SEED = int(os.environ.get("POOLWISE_MUTATION_SEED", "0"))
NAMES = ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"]
SENTENCE = "The cat sat on the mat, [SEP] naïve 猫!"


def outcome(folder):
    """How it ends; anything but these two is an error that pytest reports."""
    try:
        encoder = load(folder)
        assert encoder.engine.name
    except EncoderError:
        return "refused"
    assert encoder.max_length >= 3
    assert all(math.prod(t.shape) == t.size > 0 for t in encoder.tensors.values())
    try:
        (text,) = encoder.tokenize([SENTENCE])
    except (EncoderError, TextError):
        return "loaded"
    assert 0 < text.n_tokens <= encoder.max_length
    (batch,) = encoder.extract([SENTENCE], ["mean@-1"])
    assert batch.vectors["mean@-1"].shape == (1, encoder.width)
    assert text.windows[0].ids.max() < encoder.config.vocab_size
    return "loaded"


def everything_under(folder):
    return {(p.relative_to(folder), p.stat().st_size) for p in folder.rglob("*")}


def check(folder, names, seed, tmp_path, monkeypatch, mutated):
    originals = {name: (folder / name).read_bytes() for name in names}
    monkeypatch.chdir(tmp_path)
    before = everything_under(tmp_path)
    rng = random.Random(f"{SEED} {seed}")
    ends = []
    for number in range(EACH):
        name = rng.choice(names)
        (folder / name).write_bytes(mutated(name, originals[name], rng))
        started = time.process_time()
        try:
            ends.append(outcome(folder))
        except BaseException:
            print(f"mutation {number} of {name}, kept in {folder}")
            raise
        assert time.process_time() - started < 2, f"mutation {number} of {name}, kept in {folder}"
        (folder / name).write_bytes(originals[name])
    assert everything_under(tmp_path) == before
    assert {"refused", "loaded"} == set(ends)


@pytest.mark.parametrize("batch", range(2))
def test_mutated_model_files(family, family_folder, tmp_path, monkeypatch, capfd, mutated, batch):
    folder = shutil.copytree(family_folder, tmp_path / "folder")
    check(folder, NAMES, f"{family} {batch}", tmp_path, monkeypatch, mutated)
    capfd.readouterr()  # the tokenizers library writes its panics to stderr


def sentence_transformers_layout(folder):
    """vocab.txt and everything that sentence-transformers adds."""
    spec = json.loads((folder / "tokenizer.json").read_text())
    (folder / "tokenizer.json").unlink()
    (folder / "vocab.txt").write_text("\n".join(spec["model"]["vocab"]), encoding="utf-8")
    (folder / "1_Pooling").mkdir()
    modules = [
        {"idx": 0, "path": "", "type": "sentence_transformers.models.Transformer"},
        {"idx": 1, "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
    ]
    contents = {
        "modules.json": modules,
        "1_Pooling/config.json": {"pooling_mode_mean_tokens": True},
        "sentence_bert_config.json": {"max_seq_length": 32, "do_lower_case": True},
        "config_sentence_transformers.json": {"default_prompt_name": "query", "prompts": {}},
        "special_tokens_map.json": {"cls_token": "[CLS]", "sep_token": {"content": "[SEP]"}},
    }
    for name, content in contents.items():
        (folder / name).write_text(json.dumps(content))
    return [*contents, "vocab.txt", "tokenizer_config.json"]


def sharded_layout(folder):
    """Weights in two files with an index, byte-level BPE in its old two files."""
    spec = json.loads((folder / "tokenizer.json").read_text())
    (folder / "tokenizer.json").unlink()
    (folder / "vocab.json").write_text(json.dumps(spec["model"]["vocab"]))
    merges = "\n".join(" ".join(pair) for pair in spec["model"]["merges"])
    (folder / "merges.txt").write_text(f"#version: 0.2\n{merges}\n", encoding="utf-8")
    tensors = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    shards = {"a.safetensors": list(tensors)[:9], "b.safetensors": list(tensors)[9:]}
    for shard, names in shards.items():
        save_file({name: tensors[name] for name in names}, folder / shard)
    index = {"weight_map": {name: shard for shard, names in shards.items() for name in names}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    return ["vocab.json", "merges.txt", "model.safetensors.index.json", "b.safetensors"]


@pytest.mark.parametrize("batch", range(2))
@pytest.mark.parametrize(
    ("name", "arrange"), [("bert", sentence_transformers_layout), ("roberta", sharded_layout)]
)
def test_mutated_layouts(tiny, tmp_path, monkeypatch, capfd, mutated, name, arrange, batch):
    folder = shutil.copytree(tiny(name), tmp_path / "folder")
    names = arrange(folder)
    assert outcome(folder) == "loaded"
    check(folder, names, f"{arrange.__name__} {batch}", tmp_path, monkeypatch, mutated)
    capfd.readouterr()
