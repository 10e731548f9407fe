"""What is downloaded of a folder is all that is read of it."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

import poolwise
from poolwise.encoders.location import PATTERNS
from poolwise.encoders.modules.transformer_module import FILES

TEXTS = ["the cat sat on [NEW] mat", "a dog ran over the old hill to the sea"]


@pytest.fixture
def folder(tiny, tmp_path, modules):
    """A folder in which every file says something that changes vectors, but for its module's."""
    copy = shutil.copytree(tiny("bert"), tmp_path / "whole")
    words = json.loads((copy / "tokenizer.json").read_text())["model"]["vocab"]
    (copy / "tokenizer.json").unlink()
    (copy / "vocab.txt").write_text("\n".join(words) + "\n", encoding="utf-8")
    (copy / "tokenizer_config.json").write_text('{"do_lower_case": false}')
    (copy / "added_tokens.json").write_text(json.dumps({"cat": words["cat"]}))
    modules(copy, "mix", "cls+mean", "Normalize", ("Dense", 16, "PReLU"), "LayerNorm")
    said = {"prompts": {"query": "one two "}, "default_prompt_name": "query"}
    (copy / "config_sentence_transformers.json").write_text(json.dumps(said))
    return copy


def downloaded(folder, to):
    for pattern in PATTERNS:
        for path in folder.glob(pattern):
            target = to / path.relative_to(folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
    return to


@pytest.mark.parametrize("name", FILES)
def test_what_the_hub_gives_is_read_as_the_folder_is(folder, tmp_path, name):
    (folder / name).write_text('{"max_seq_length": 14, "do_lower_case": true}')
    whole, given = (poolwise.load(f) for f in (folder, downloaded(folder, tmp_path / "given")))
    assert (given.hash, given.declared, given.prompts) == (
        whole.hash,
        whole.declared,
        whole.prompts,
    )
    assert given.max_length == whole.max_length == 14
    np.testing.assert_array_equal(given.embed(TEXTS[:1]), whole.embed(TEXTS[:1]))


def test_every_file_of_it_says_something(folder, tmp_path):
    whole = poolwise.load(folder)
    for name in ("added_tokens.json", "config_sentence_transformers.json", "tokenizer_config.json"):
        changed = shutil.copytree(folder, tmp_path / name.partition(".")[0])
        (changed / name).unlink()
        other = poolwise.load(changed)
        assert (other.hash, other.prefix) != (whole.hash, whole.prefix), name
