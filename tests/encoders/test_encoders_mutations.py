"""2,000 seeded mutations of model files: each embeds or is refused in words, and quickly."""

from __future__ import annotations

import json
import math
import os
import random
import shutil
import struct
import time
from copy import deepcopy
from pathlib import PurePath

import pytest
from safetensors.numpy import load_file, save_file

from poolwise import load
from poolwise.errors import EncoderError, TextError

EACH = 91  # x 2 batches x (11 families + 2 other layouts) = 2,366 mutations
SEED = int(os.environ.get("POOLWISE_MUTATION_SEED", "0"))
NAMES = ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"]
SENTENCE = "The cat sat on the mat, [SEP] naïve 猫!"

STRANGE = [
    *(None, True, False, 0, -1, 1, 2, 3, 7, 255, 2**31, 2**32, 2**63, 10**30, 10**300, 0.5, -0.0),
    *(1e-45, 1e300, "", "a", "\0", "[CLS]", "gelu", "x" * 10_000, "\ud800", "../..", "/etc/passwd"),
    *([], {}, [[]], [0], {"a": 1}, [None] * 50, {"type": "Lowercase"}, {"Regex": "(a+)+$"}),
]


def flip_bytes(data, rng):
    data = bytearray(data)
    for _ in range(rng.choice([1, 1, 2, 8, 64])):
        data[rng.randrange(len(data))] = rng.randrange(256)
    return bytes(data)


def truncate(data, rng):
    return data[: rng.randrange(len(data))]


def grow(data, rng):
    at = rng.randrange(len(data))
    return data[:at] + rng.randbytes(rng.choice([1, 8, 1000])) + data[at:]


def nodes(value, found):
    """Every container in a JSON value."""
    if isinstance(value, (dict, list)) and value:
        found.append(value)
        for child in value.values() if isinstance(value, dict) else value[:40]:
            nodes(child, found)
    return found


def place(rng, value):
    node = rng.choice(nodes(value, []))
    return node, rng.choice(list(node) if isinstance(node, dict) else range(len(node)))


def put_strange(rng, value):
    node, key = place(rng, value)
    node[key] = deepcopy(rng.choice(STRANGE))


def put_huge(rng, value):
    node, key = place(rng, value)
    old = node[key]
    if isinstance(old, int):
        node[key] = old * rng.choice([-1, 2, 1000, 10**9])
    elif not isinstance(old, (dict, list)):
        node[key] = [old] * 5000


def nest(rng, value):
    node, key = place(rng, value)
    inner = node[key]
    for _ in range(rng.choice([1, 3, 50, 400])):
        inner = [inner] if rng.random() < 0.5 else {"type": "Sequence", "normalizers": [inner]}
    node[key] = inner


def delete(rng, value):
    node, key = place(rng, value)
    del node[key]


def swap(rng, value):
    (one, key), (other, other_key) = place(rng, value), place(rng, value)
    one[key], other[other_key] = deepcopy(other[other_key]), deepcopy(one[key])


def rename(rng, value):
    node, key = place(rng, value)
    if isinstance(node, dict):
        names = ["auto_map", "is_decoder", "type", "", key + "x", key[:-1]]
        node[rng.choice(names)] = node.pop(key)


def duplicate(rng, value):
    node, key = place(rng, value)
    if isinstance(node, list):
        node.insert(0, deepcopy(node[key]))
    else:
        node[f"{key}\x01"] = deepcopy(node[key])  # becomes the same key below


CHANGES = [put_strange, put_strange, put_huge, nest, delete, swap, swap, rename, duplicate]


def mutate_json(data, rng):
    value = [json.loads(data)]
    try:
        for _ in range(rng.choice([1, 1, 1, 2, 4])):
            rng.choice(CHANGES)(rng, value)
        return json.dumps(value[0]).replace("\\u0001", "").encode()
    except (IndexError, RecursionError):  # nothing left, or nested too deeply to write
        return rng.choice([b"", b"[" * 5_000])


def mutate_header(data, rng):
    (length,) = struct.unpack("<Q", data[:8])
    header = mutate_json(data[8 : 8 + length], rng)
    length = rng.choice([len(header)] * 8 + [0, len(header) + 1, 2**63, 10**8])
    return struct.pack("<Q", length) + header + data[8 + length :]


def mutated(name, data, rng):
    raw = rng.choice([flip_bytes, flip_bytes, truncate, grow])
    structures = {".json": mutate_json, ".safetensors": mutate_header}
    structural = structures.get(PurePath(name).suffix, raw)
    return (structural if rng.random() < 0.7 else raw)(data, rng)


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


def check(folder, names, seed, tmp_path, monkeypatch):
    originals = {name: (folder / name).read_bytes() for name in names}
    monkeypatch.chdir(tmp_path)
    before = everything_under(tmp_path)
    rng = random.Random(f"{SEED} {seed}")
    ends = []
    for number in range(EACH):
        name = rng.choice(names)
        (folder / name).write_bytes(mutated(name, originals[name], rng))
        started = time.monotonic()
        try:
            ends.append(outcome(folder))
        except BaseException:
            print(f"mutation {number} of {name}, kept in {folder}")
            raise
        assert time.monotonic() - started < 2, f"mutation {number} of {name}, kept in {folder}"
        (folder / name).write_bytes(originals[name])
    assert everything_under(tmp_path) == before
    assert {"refused", "loaded"} == set(ends)


@pytest.mark.parametrize("batch", range(2))
def test_mutated_model_files(family, family_folder, tmp_path, monkeypatch, capfd, batch):
    folder = shutil.copytree(family_folder, tmp_path / "folder")
    check(folder, NAMES, f"{family} {batch}", tmp_path, monkeypatch)
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
def test_mutated_layouts(tiny, tmp_path, monkeypatch, capfd, name, arrange, batch):
    folder = shutil.copytree(tiny(name), tmp_path / "folder")
    names = arrange(folder)
    assert outcome(folder) == "loaded"
    check(folder, names, f"{arrange.__name__} {batch}", tmp_path, monkeypatch)
    capfd.readouterr()
