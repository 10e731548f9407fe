"""The torch graph of a readout, before it is traced, and what an ONNX folder says of it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from tokenizers import AddedToken, Tokenizer
from transformers import AutoTokenizer

import poolwise
from poolwise.encoders.modules.modules import read_modules
from poolwise.exports.onnx_card import onnx_loaders
from poolwise.exports.onnx_files import write_config, write_framing_tokenizer
from poolwise.exports.onnx_readout import ReadoutGraph
from poolwise.exports.result import ExportResult
from poolwise.exports.stack_files import write_modules
from poolwise.transforms import stateless
from poolwise.tuning.classifier_module import collate

FEW = ["the cat sat on a mat", "a dog", "", "they ran over the old hill to the sea " * 9]


def inputs(encoder, texts):
    """What the graph takes of ``texts``."""
    read = collate([text.windows[0] for text in encoder.tokenize(texts)], None, 0)
    return {name: read[name] for name in ("input_ids", "attention_mask")}


def untraced(graph, encoder, texts):
    """What the torch graph gives."""
    with torch.inference_mode():
        return [output.numpy() for output in graph(**inputs(encoder, texts))]


CASES = [
    ("bert", "mean@-1|l2|center|truncate(7)|l2", "Pooling Normalize Dense Normalize"),
    ("roberta", "cls@2|whiten(3)|l2", "Pooling"),
    ("distilbert", "mean@avg(1,-1)|whiten(3)|l2", "Pooling Normalize"),
    ("mpnet", "wmean@concat(1,-1)|center", "Pooling"),
    ("albert", "pooler", "Pooling"),
    ("deberta-v2", "sep@concat(1,-1)", "Pooling"),
    ("modernbert", "max@-1|truncate(9)", "Pooling Dense"),
    ("xlm-roberta", "sqrtmean@weights(1=2,2=-0.5)", "Pooling"),
    ("electra", "max+mean@-1", "Pooling"),
    ("mpnet", "token[3]@1", ""),
    ("camembert", "mean[words]@-1", ""),
    ("bert", "meanmax@concat(0,2)", ""),
    ("bert", "token[-2]@1", ""),
    ("bert", "max[words]@weights(1=2,2=-0.5)", ""),
    ("bert", "wmean@embeddings", "Pooling"),
    ("bert", "cls@-1|l2", "Pooling"),
]


@pytest.mark.parametrize(("family", "spec", "modules"), CASES)
def test_vectors_and_token_vectors_give_the_readout(
    tiny, tmp_path, family, spec, modules, fitted, stock
):
    """Before the graph is traced; the latter by sentence-transformers' modules, read from files.

    NaN, in both, where a text lacks what is read.
    """
    encoder = poolwise.load(tiny(family))
    readout, steps, ours = fitted(encoder, spec, FEW)
    graph = ReadoutGraph(encoder, readout, steps)
    *tokens, found = untraced(graph, encoder, FEW)
    close = 1e-5 * np.nanmax(np.abs(ours))
    np.testing.assert_allclose(found, ours, atol=close)
    assert " ".join(module.kind for module in graph.stock_modules) == modules
    assert len(tokens) == bool(modules)
    for vectors in tokens:
        write_modules(graph.stock_modules, tmp_path)
        mask = inputs(encoder, FEW)["attention_mask"].numpy()
        np.testing.assert_allclose(stock(tmp_path, vectors, mask), ours, atol=close)


def test_a_text_whose_last_special_token_was_cut_off_has_it_again(tiny, own):
    """transformers.js cuts after it has added them."""
    encoder = poolwise.load(tiny("bert"))
    (text,) = encoder.tokenize(FEW[-1:], long="window")
    (first, second, *_) = (window.ids.tolist() for window in text.windows)
    ids = torch.tensor([[*first[:-1], second[1]]])
    assert len(first) == encoder.max_length
    readout = poolwise.parse("mean@-1")
    with torch.inference_mode():
        graph = ReadoutGraph(encoder, readout, stateless(readout))
        found = graph(ids, torch.ones_like(ids))[-1].numpy()
    np.testing.assert_allclose(found, own(encoder, "mean@-1", FEW[-1:]), atol=1e-5)


def test_special_tokens_that_a_text_spells_are_words(tiny, own):
    """As in poolwise, where only those that the tokenizer adds are not."""
    encoder = poolwise.load(tiny("bert"))
    texts = ["the cat [SEP] sat [MASK] on", "the cat", "[CLS]"]
    readout = poolwise.parse("mean[words]@-1")
    found = untraced(ReadoutGraph(encoder, readout, stateless(readout)), encoder, texts)[-1]
    np.testing.assert_allclose(found, own(encoder, "mean[words]@-1", texts), atol=1e-5)


def test_the_tokenizer_is_the_same_to_all_who_read_it(family_folder, tmp_path):
    encoder = poolwise.load(family_folder)
    source = read_modules(family_folder).transformer
    write_config(encoder, tmp_path, source, [])
    write_framing_tokenizer(encoder, tmp_path, source)
    texts = [*FEW, "the cat<mask> sat [SEP] on", "  The  CAT "]
    ours = [text.windows[0].ids.tolist() for text in encoder.tokenize(texts)]
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    assert tokenizer(texts, truncation=True)["input_ids"] == ours
    assert [*tokenizer("a")] == ["input_ids", "attention_mask"]
    fresh = Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    roles = json.loads((tmp_path / "special_tokens_map.json").read_text())
    fresh.add_special_tokens([AddedToken(**token) for token in roles.values()])
    found = fresh.encode_batch(texts)
    assert [text.ids[: sum(text.attention_mask)] for text in found] == ours


def test_the_card_names_the_spelling_of_each_loader(tiny):
    encoder = poolwise.load(tiny("bert"))

    def table(spec, *modules):
        parsed = poolwise.parse(spec)
        made = ("onnx/model.onnx", *modules)
        result = ExportResult(Path("out"), "onnx", parsed, made, 3, 3, 32, 0.0, 6)
        return onnx_loaders(result, encoder, "out")

    assert '{ pooling: "mean", normalize: true }' in table("mean@1|l2", "Pooling", "Normalize")
    assert "pipeline(" not in table("max@-1|truncate(8)", "Pooling", "Dense")
    words = table("mean[words]@-1")
    assert "| optimum | stops: it reads `last_hidden_state` alone |" in words
    assert "with `--pooling mean`, unused: it reads `sentence_embedding`" in words
