"""Exports read texts as their source does: cut on its side, padded on the right, as long."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer
from tokenizers import Tokenizer
from transformers import AutoTokenizer

import poolwise
from poolwise.errors import PoolwiseWarning
from poolwise.exports import export

TEXTS = ["the cat", "the cat sat on a mat and they ran over the old hill to the sea", "a dog"]


@pytest.fixture
def folder(tiny, modules, tmp_path):
    made = shutil.copytree(tiny("bert"), tmp_path / "folder")
    modules(made, "mean")
    config = json.loads((made / "tokenizer_config.json").read_text())
    sides = {"truncation_side": "left", "padding_side": "left"}
    (made / "tokenizer_config.json").write_text(json.dumps({**config, **sides}))
    module = {"max_seq_length": 9, "tokenizer_args": {"extra_special_tokens": ["cat"]}}
    (made / "sentence_bert_config.json").write_text(json.dumps(module))
    return made


@pytest.mark.filterwarnings("ignore::poolwise.errors.PoolwiseWarning")
@pytest.mark.parametrize("form", ["sentence-transformers", "transformers", "onnx"])
def test_sides_and_limits_survive(folder, tmp_path, form):
    model = poolwise.load(folder)
    export(model, "mean@-1", tmp_path / "out", format=form)
    expected = [text.windows[0].ids.tolist() for text in model.tokenize(TEXTS)]
    if form == "onnx":
        import tokenizers

        made = tokenizers.Tokenizer.from_file(str(tmp_path / "out" / "tokenizer.json"))
        found = [
            [i for i, m in zip(e.ids, e.attention_mask, strict=True) if m]
            for e in made.encode_batch(TEXTS)
        ]
    else:
        made = AutoTokenizer.from_pretrained(tmp_path / "out")
        assert made.padding_side == "right"
        found = made(TEXTS, truncation=True)["input_ids"]
        again = poolwise.load(tmp_path / "out")
        assert [text.windows[0].ids.tolist() for text in again.tokenize(TEXTS)] == expected
        assert again.max_length == 9
    assert found == expected


def test_batches_of_an_export_are_its_single_texts(folder, tmp_path):
    with pytest.warns(PoolwiseWarning, match="cut to 9 tokens"):
        expected = poolwise.load(folder).embed(TEXTS)
    export(poolwise.load(folder), "mean@-1", tmp_path / "out")
    loaded = SentenceTransformer(str(tmp_path / "out"), device="cpu")
    found = loaded.encode(TEXTS, batch_size=3, show_progress_bar=False)
    assert np.abs(found - expected).max() <= 1e-5 * np.abs(expected).max()


LONG = ["the cat", "", "the cat sat on a mat and ran over the old hill to the sea " * 9]


@pytest.mark.parametrize("form", ["sentence-transformers", "transformers"])
def test_every_family_cuts_where_poolwise_does(family_folder, tmp_path, form):
    model = poolwise.load(family_folder, max_length=11)
    export(model, "mean@-1", tmp_path / "out", format=form)
    expected = [text.windows[0].ids.tolist() for text in model.tokenize(LONG)]
    assert max(map(len, expected)) == 11
    loaded = AutoTokenizer.from_pretrained(tmp_path / "out")
    assert loaded(LONG, truncation=True)["input_ids"] == expected
    alone = Tokenizer.from_file(str(tmp_path / "out" / "tokenizer.json"))
    encodings = alone.encode_batch(LONG)
    assert {len(encoding.ids) for encoding in encodings} == {11}  # padded to the longest
    real = [np.array(e.ids)[np.array(e.attention_mask) == 1].tolist() for e in encodings]
    assert real == expected
