"""Whole folders, mutated by seeds: each works or is refused in a sentence, in bounded memory and
time.

Files are changed by their structure, exchanged, left out, cut, grown, or replaced by what is no
file at all. A process of its own reads each folder, so that what ends a process is seen too.
``POOLWISE_FOLDERS`` says how many there are, ``POOLWISE_MUTATION_SEED`` which.
"""

from __future__ import annotations

import json
import os
import random
import select
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import poolwise

FOLDERS = int(os.environ.get("POOLWISE_FOLDERS", "150"))
SEED = os.environ.get("POOLWISE_MUTATION_SEED", "0")
MEMORY = 2 << 30
SECONDS = 10  # of computing
PATIENCE = 600  # seconds on the clock, after which a folder counts as one that hangs
TERABYTE = 1 << 40

NAMES = [
    *("config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"),
    *("added_tokens.json", "vocab.txt", "vocab.json", "merges.txt", "modules.json"),
    *("sentence_bert_config.json", "config_sentence_transformers.json", "adapter_config.json"),
    *("model.safetensors", "model.safetensors.index.json", "pytorch_model.bin"),
    *("pytorch_model.bin.index.json", "tf_model.h5", "poolwise.json", "1_Pooling/config.json"),
    *("spiece.model", "sentencepiece.bpe.model"),
]


# What there is to mutate


def to_plain(folder):
    return "read"


def sentence_transformers(*modules):
    def arrange(folder):
        write, *listed = modules
        write(folder, *listed)
        contents = {
            "sentence_bert_config.json": {"max_seq_length": 32, "do_lower_case": True},
            "config_sentence_transformers.json": {
                "prompts": {"query": "find: ", "document": "", "own": "x"},
                "default_prompt_name": "query",
                "similarity_fn_name": "dot",
            },
        }
        if "[CLS]" in (folder / "tokenizer.json").read_text():
            roles = {"cls_token": "[CLS]", "sep_token": {"content": "[SEP]"}}
            contents["special_tokens_map.json"] = roles
            contents["added_tokens.json"] = {"[MASK]": 4}
        for name, content in contents.items():
            (folder / name).write_text(json.dumps(content))
        return "read"

    return arrange


def old_vocabulary(folder):
    """vocab.txt, or vocab.json and merges.txt."""
    model = json.loads((folder / "tokenizer.json").read_text())["model"]
    (folder / "tokenizer.json").unlink()
    if model["type"] == "WordPiece":
        (folder / "vocab.txt").write_text("\n".join(model["vocab"]), encoding="utf-8")
    else:
        (folder / "vocab.json").write_text(json.dumps(model["vocab"]))
        merges = "\n".join(" ".join(pair) for pair in model["merges"])
        (folder / "merges.txt").write_text(f"#version: 0.2\n{merges}\n", encoding="utf-8")
    return "read"


def index_of(shards):
    return json.dumps({"weight_map": {n: shard for shard, held in shards.items() for n in held}})


def shards(folder):
    tensors = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    names = list(tensors)
    parts = {"a.safetensors": names[:9], "b.safetensors": names[9:20], "c.safetensors": names[20:]}
    for shard, held in parts.items():
        save_file({name: tensors[name] for name in held}, folder / shard)
    (folder / "model.safetensors.index.json").write_text(index_of(parts))
    return "read"


def checkpoint(folder):
    """As tune writes it, with attention."""
    rng = np.random.default_rng(0)
    head = {"weight": (3, 32), "bias": (3,), "query": (32,)}
    drawn = {f"classifier.{n}": rng.normal(size=s).astype("f4") for n, s in head.items()}
    path = folder / "model.safetensors"
    save_file({**load_file(path), **drawn}, path, metadata={"format": "pt"})
    about = {
        "format": 1,
        "kind": "classification",
        "readout": "mean@-1",
        "asked": "mean@-1",
        "attention": True,
        "labels": ["cat", "dog", "tree"],
        "made": {"seed": 3},
        "prompt_pooled": True,
    }
    (folder / "poolwise.json").write_text(json.dumps(about))
    return "classify"


def classifier(folder):
    """As transformers writes one."""
    checkpoint(folder)
    (folder / "poolwise.json").unlink()
    config = json.loads((folder / "config.json").read_text())
    config |= {"architectures": ["BertForSequenceClassification"]}
    config |= {"id2label": {"0": "cat", "1": "dog", "2": "tree"}}
    (folder / "config.json").write_text(json.dumps(config))
    return "classify"


def readout(folder):
    model = poolwise.load(folder)
    texts = [f"the {word} sat" for word in "cat dog tree house sea hill bird man".split()]
    spec = poolwise.parse("mean@-1|whiten(4)|l2")
    vectors = model.embed(texts, str(spec.pooled))
    from poolwise.transforms import fit
    from poolwise.transforms.fitted_readout import FittedReadout

    made = {"model": "tiny", "model_hash": model.hash, "data": "x.csv"}
    FittedReadout(spec, fit(spec, vectors), made, "find: ").save(folder / "readout.toml")
    return "choose"


def pickles(*, legacy=False, several=False):
    def arrange(folder):
        import torch

        options = {"_use_new_zipfile_serialization": False} if legacy else {}
        tensors = {n: torch.tensor(a) for n, a in load_file(folder / "model.safetensors").items()}
        tensors["classifier.weight"] = torch.ones(3, 32)
        (folder / "model.safetensors").unlink()
        for path in folder.glob("*_Dense/model.safetensors"):
            held = {name: torch.tensor(array) for name, array in load_file(path).items()}
            torch.save(held, path.with_name("pytorch_model.bin"), **options)
            path.unlink()
        if not several:
            torch.save(tensors, folder / "pytorch_model.bin", **options)
            return "convert"
        names = list(tensors)
        parts = {"p-1.bin": names[:20], "p-2.bin": names[20:]}
        for shard, held in parts.items():
            torch.save({name: tensors[name] for name in held}, folder / shard, **options)
        (folder / "pytorch_model.bin.index.json").write_text(index_of(parts))
        return "convert"

    return arrange


def hdf5(folder):
    """Names that Keras and PyTorch share are enough here."""
    h5py = pytest.importorskip("h5py", reason="h5py is not installed")
    with h5py.File(folder / "tf_model.h5", "w") as file:
        for name, array in load_file(folder / "model.safetensors").items():
            module, kind = name.rsplit(".", 1)
            kernel = array.ndim == 2 and "embeddings" not in name
            at = f"{module.replace('.', '/')}/{'kernel' if kernel else kind}"
            file.create_dataset(at, data=array.T if kernel else array)
    (folder / "model.safetensors").unlink()
    return "convert"


def both(first, second):
    def arrange(folder):
        first(folder)
        return second(folder)

    return arrange


@pytest.fixture(scope="module")
def kinds(tiny, families, modules, tmp_path_factory):
    """Every kind of folder, as its path and how it is read."""
    dense = sentence_transformers(
        modules, "mean+max", ("Dense", 16, "Tanh", "residual"), "LayerNorm", "Normalize"
    )
    mixed = sentence_transformers(modules, "mix", "cls", "Dropout", ("Dense", 8, "PReLU"))
    arranged = [
        *((family, to_plain) for family in families),
        *((name, dense) for name in ("bert", "roberta", "modernbert")),
        *(("bert", arrange) for arrange in (dense, mixed, mixed, old_vocabulary, shards)),
        *(("roberta", arrange) for arrange in (old_vocabulary, shards)),
        *(("bert", arrange) for arrange in (checkpoint, classifier, readout, hdf5)),
        *(("xlm-roberta", arrange) for arrange in (checkpoint, readout, hdf5)),
        *(("bert", pickles(legacy=old)) for old in (False, True)),
        ("albert", pickles()),
        ("roberta", pickles(several=True)),
        ("bert", both(dense, pickles())),
    ]
    made = []
    for number, (family, arrange) in enumerate(arranged):
        folder = shutil.copytree(tiny(family), tmp_path_factory.mktemp("kind") / str(number))
        made.append((folder, arrange(folder)))
    return made


# What becomes of a folder


def files_in(folder):
    return sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def whole_files(folder):
    return [path for path in files_in(folder) if 0 < path.stat().st_size < TERABYTE]


def no_file(path, rng):
    """Something else in a file's place."""
    path.unlink()
    match rng.choice(["nothing", "folder", "pipe", "zero", "loop", "sparse", "dangling", "tty"]):
        case "folder":
            path.mkdir()
        case "pipe":
            os.mkfifo(path)
        case "zero":
            path.symlink_to("/dev/zero")
        case "loop":
            path.symlink_to(path.name)
        case "dangling":
            path.symlink_to("nowhere")
        case "tty":
            path.symlink_to("/dev/tty")
        case "sparse":
            with path.open("wb") as file:
                file.truncate(TERABYTE)


def stretched(path, _):
    """Its content, and a terabyte of nothing."""
    os.truncate(path, TERABYTE)


def other_content(path, rng):
    path.write_bytes(rng.choice(whole_files(path.parent)).read_bytes())


def under_another_name(path, rng):
    target = path.parent / rng.choice(NAMES)
    free = target.is_file() or not os.path.lexists(target)
    if target != path and target.parent.is_dir() and free:
        shutil.copyfile(path, target)
        if rng.random() < 0.5:
            path.unlink()


def crowd(path, rng):
    """A name that a reader looks for, many times over."""
    for number in range(rng.choice([10, 300])):
        (path.parent / f"{number}_{path.name}").touch()


WHOLE = [no_file, no_file, other_content, under_another_name, stretched, crowd]


def change(folder, rng, mutated):
    """Up to three mutations; most change what a file holds."""
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        files = whole_files(folder)
        if not files:
            return
        path = rng.choice(files)
        if rng.random() < 0.15:
            rng.choice(WHOLE)(path, rng)
        else:
            path.write_bytes(mutated(path.name, path.read_bytes(), rng))


class Reader:
    """The process that reads; another one after it has ended."""

    def __init__(self):
        self.process = None

    def __call__(self, *given):
        if self.process is None:
            self.process = subprocess.Popen(
                [sys.executable, str(Path(__file__).with_name("read_folder.py"))],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                env={**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"},
            )
        self.process.stdin.write(f"{json.dumps(given)}\n")
        self.process.stdin.flush()
        ready, _, _ = select.select([self.process.stdout], [], [], PATIENCE)
        line = self.process.stdout.readline() if ready else ""
        if not line:
            return [f"hangs, or ended with {self.close()}", 0, 0]
        return json.loads(line)

    def close(self):
        process, self.process = self.process, None
        if process is None:
            return None
        process.stdin.close()
        try:
            status = process.wait(1)
        except subprocess.TimeoutExpired:
            process.kill()
            status = process.wait()
        process.stdout.close()
        return status


def test_mutated_folders(kinds, mutated, tmp_path):
    reader, ends, faults = Reader(), Counter(), []
    try:
        for original, how in kinds:  # as they are, all work
            said, _, _ = reader(how, str(original), True)
            assert said == "works", f"{original} {how}: {said}"
        for number in range(FOLDERS):
            rng = random.Random(f"{SEED} {number}")
            original, how = rng.choice(kinds)
            folder = shutil.copytree(original, tmp_path / f"{SEED}-{number}", symlinks=True)
            change(folder, rng, mutated)
            given = how, str(folder), rng.random() < 0.08
            said, memory, seconds = reader(*given)
            if seconds > SECONDS:  # the first of a process imports scikit-learn, or torch
                said, memory, seconds = reader(*given)
            end = said.partition(":")[0]
            if end in ("works", "refused") and memory <= MEMORY and seconds <= SECONDS:
                ends[end] += 1
                shutil.rmtree(folder)
            else:
                if memory > MEMORY:
                    reader.close()  # the next one begins with little again
                faults.append(f"{how} {folder}: {memory:,} bytes, {seconds:.1f} s: {said}")
    finally:
        reader.close()
    assert not faults, f"{len(faults)} of {FOLDERS}:\n" + "\n".join(faults[:40])
    assert min(ends["works"], ends["refused"]) > FOLDERS // 20, ends
    print(dict(ends))
