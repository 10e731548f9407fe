"""Pickles: converted in a process of their own, or refused without running."""

from __future__ import annotations

import json
import os
import pickle
import shutil

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from poolwise.encoders import load
from poolwise.encoders.conversion.conversion import convert
from poolwise.encoders.conversion.copies import MAX_EXTRA_FILE
from poolwise.errors import EncoderError, StoreError


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
    assert convert(folder, tmp_path / "deep" / "out") == ("evil.py",)
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
        return []

    monkeypatch.setattr("poolwise.encoders.conversion.conversion._run_worker", work)
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


# What is copied


def sentence_transformer(folder):
    """A Dense whose weights are a pickle, and all that may lie about in such a folder."""
    kinds = {"": "Transformer", "1_Pooling": "Pooling", "2_Dense": "Dense", "3_Norm": "Normalize"}
    modules = [
        {"idx": n, "name": str(n), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for n, (path, kind) in enumerate(kinds.items())
    ]
    dense = {"in_features": 32, "out_features": 8, "bias": True}
    dense["activation_function"] = "torch.nn.modules.activation.Tanh"
    pooling = {"word_embedding_dimension": 32, "pooling_mode_mean_tokens": True}
    contents = {
        "modules.json": modules,
        "1_Pooling/config.json": pooling,
        "2_Dense/config.json": dense,
        "sentence_bert_config.json": {"max_seq_length": 20, "do_lower_case": False},
        "config_sentence_transformers.json": {"prompts": {}, "similarity_fn_name": "dot"},
        "added_tokens.json": {},
        "eval/results.json": {"spearman": 0.8},
    }
    for name, content in contents.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(json.dumps(content))
    (folder / "README.md").write_text("A model.")
    (folder / ".gitattributes").write_text("*.bin filter=lfs")
    torch.manual_seed(0)
    linear = {"linear.weight": torch.randn(8, 32), "linear.bias": torch.randn(8)}
    torch.save(linear, folder / "2_Dense" / "pytorch_model.bin")
    return folder


def names_in(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_all_is_copied_and_pickles_of_modules_are_converted(folder, tmp_path):
    from sentence_transformers import SentenceTransformer

    sentence_transformer(folder)
    before = names_in(folder)
    assert convert(folder, tmp_path / "out") == ()
    pickles = {"pytorch_model.bin", "2_Dense/pytorch_model.bin"}
    made = {"model.safetensors", "2_Dense/model.safetensors"}
    assert names_in(tmp_path / "out") == before - pickles | made
    texts = ["the cat sat on the mat", "a"]
    old, new = (
        SentenceTransformer(str(path), device="cpu", local_files_only=True).encode(texts)
        for path in (folder, tmp_path / "out")
    )
    assert old.shape == (2, 8)
    np.testing.assert_array_equal(new, old)


def test_one_pickle_of_a_module_is_enough(folder, tmp_path):
    sentence_transformer(folder)
    save_file(torch.load(folder / "pytorch_model.bin"), folder / "model.safetensors")
    # What is no longer read is a pickle all the same.
    assert convert(folder, tmp_path / "out") == ("pytorch_model.bin",)
    assert load_file(tmp_path / "out" / "2_Dense" / "model.safetensors")["linear.bias"].shape == (
        8,
    )


def test_what_is_left_out_is_told(folder, tmp_path):
    for name in ("modeling.py", "training_args.bin", "optimizer.pt", "onnx/model.onnx", "a.gguf"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"x")
    (folder / ".git").mkdir()
    (folder / ".git" / "HEAD").touch()
    with (folder / "corpus.txt").open("wb") as file:
        file.truncate(MAX_EXTRA_FILE + 1)
    secret = tmp_path / "secret.txt"
    secret.write_text("not of this folder")
    (folder / "notes.txt").symlink_to(secret)
    (folder / "outside").symlink_to(tmp_path, target_is_directory=True)
    (folder / "vocab-link.json").symlink_to("config.json")
    before = names_in(folder) - {".git/HEAD"}
    left = convert(folder, tmp_path / "out")
    expected = ["a.gguf", "corpus.txt", "modeling.py", "notes.txt", "onnx/model.onnx"]
    assert sorted(left) == [*expected, "optimizer.pt", "training_args.bin"]
    made = {"pytorch_model.bin": "model.safetensors"}
    kept = {made.get(name, name) for name in before - set(left) if not name.startswith("outside/")}
    assert names_in(tmp_path / "out") == kept
    assert "vocab-link.json" in kept


def test_a_snapshot_in_the_hub_cache_links_to_its_blobs(folder, tmp_path):
    repository = tmp_path / "models--someone--something"
    snapshot = repository / "snapshots" / "abc"
    (repository / "blobs").mkdir(parents=True)
    snapshot.mkdir(parents=True)
    (folder / "added_tokens.json").write_text("{}")
    for path in folder.iterdir():
        shutil.copy(path, repository / "blobs" / path.name)
        (snapshot / path.name).symlink_to(f"../../blobs/{path.name}")
    assert convert(snapshot, tmp_path / "out") == ()
    assert (tmp_path / "out" / "added_tokens.json").read_text() == "{}"
    assert load(tmp_path / "out").depth == 3


@pytest.mark.parametrize("name", ["vocab.txt", "pytorch_model.bin"])
@pytest.mark.parametrize("parent", ["", "snapshots"])
def test_a_link_out_of_the_folder_is_not_followed(folder, tmp_path, name, parent):
    """In a folder named as the hub's cache names them, too: only its blobs are of it."""
    secret = tmp_path / "secret"
    secret.write_text("not of this folder")
    (folder / name).unlink(missing_ok=True)
    (folder / name).symlink_to(secret)
    place = tmp_path / parent / "model"
    place.parent.mkdir(exist_ok=True)
    folder.rename(place)
    with pytest.raises(EncoderError, match=f"{name}: leads out of the folder, to {secret}"):
        convert(place, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_nor_is_one_to_a_sentencepiece_model(tiny, tmp_path):
    folder = shutil.copytree(tiny("albert"), tmp_path / "folder")
    (folder / "tokenizer.json").rename(tmp_path / "elsewhere")
    (folder / "spiece.model").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(EncoderError, match=r"spiece\.model: leads out of the folder"):
        convert(folder, tmp_path / "out")


def test_files_keep_who_may_read_them(folder, tmp_path):
    (folder / "README.md").write_text("A model.")
    for name, mode in {
        "README.md": 0o640,
        "config.json": 0o4755,
        "pytorch_model.bin": 0o600,
    }.items():
        (folder / name).chmod(mode)
    out = tmp_path / "out"
    convert(folder, out)
    modes = {path.name: path.stat().st_mode & 0o7777 for path in out.iterdir()}
    assert modes["README.md"] == 0o640
    assert modes["config.json"] == 0o755
    assert modes["model.safetensors"] == 0o600


def test_all_that_is_written_is_made_durable(folder, tmp_path, monkeypatch):
    synced = set()
    fsync = os.fsync

    def noted(descriptor):
        synced.add(os.fstat(descriptor).st_ino)
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", noted)
    convert(folder, tmp_path / "out")
    made = [tmp_path, tmp_path / "out", *(tmp_path / "out").iterdir()]
    assert {path.stat().st_ino for path in made} <= synced


@pytest.mark.parametrize("call", ["mkdir", "fsync"])
def test_what_the_disk_refuses_names_the_folder(folder, tmp_path, monkeypatch, call):
    def refused(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, call, refused)
    with pytest.raises(StoreError, match=f"{tmp_path / 'out'} cannot be written: No space left"):
        convert(folder, tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder"]


def test_a_folder_inside_the_folder(folder, monkeypatch):
    monkeypatch.chdir(folder)
    convert(".", "out")
    convert(".", "again/out")
    assert load("again/out").hash == load("out").hash


def test_what_came_of_it_is_named_by_where_it_came_from(folder, tmp_path):
    (folder / "tokenizer.json").write_text("[")
    with pytest.raises(EncoderError) as caught:
        convert(folder, tmp_path / "out")
    assert str(caught.value).startswith(f"{folder / 'tokenizer.json'}: not acceptable JSON")


def test_folders_with_nothing_to_convert(tiny, tmp_path):
    folder = shutil.copytree(tiny("bert"), tmp_path / "folder")
    (folder / "model.safetensors").rename(folder / "model.onnx")
    with pytest.raises(EncoderError, match=r"has only model\.onnx, a graph for ONNX"):
        convert(folder, tmp_path / "out")
    (folder / "config.json").unlink()
    with pytest.raises(EncoderError, match=r"it has no config\.json"):
        convert(folder, tmp_path / "out")
    (folder / "adapter_config.json").write_text("{}")
    with pytest.raises(EncoderError, match="LoRA weights for another model"):
        convert(folder, tmp_path / "out")
    (folder / "modules.json").write_text("[]")
    with pytest.raises(EncoderError, match="expected a list of modules"):
        convert(folder, tmp_path / "out")


def test_a_missing_shard_is_named(folder, tmp_path):
    (folder / "pytorch_model.bin").unlink()
    index = {"weight_map": {"pooler.dense.bias": "pytorch_model-1.bin"}}
    (folder / "pytorch_model.bin.index.json").write_text(json.dumps(index))
    with pytest.raises(EncoderError, match=r"pytorch_model-1\.bin: no such file"):
        convert(folder, tmp_path / "out")


def test_links_in_a_circle(folder, tmp_path):
    (folder / "pytorch_model.bin").unlink(missing_ok=True)
    (folder / "pytorch_model.bin").symlink_to("other.bin")
    (folder / "other.bin").symlink_to("pytorch_model.bin")
    with pytest.raises(EncoderError):
        convert(folder, tmp_path / "converted")
    assert not (tmp_path / "converted").exists()
