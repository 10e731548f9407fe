"""ONNX exports, run by onnxruntime with the tokenizer that lies beside them.

Tracing takes seconds: of the families three are drawn, by ``POOLWISE_GRAPH_SEED``;
``POOLWISE_GRAPHS=all`` traces every one.
"""

from __future__ import annotations

import json
import os
import random
import sys

import numpy as np
import onnx
import pytest
from click.testing import CliRunner
from onnxruntime import InferenceSession
from tokenizers import Tokenizer

import poolwise
from poolwise.cli.export import command
from poolwise.errors import MissingExtraError, OptionError, ReadoutError, StoreError
from poolwise.exports import export
from poolwise.exports.check import check_texts
from poolwise.transforms.fitted_readout import FittedReadout

FEW = ["the cat sat on a mat", "a dog", "", "they ran over the old hill to the sea " * 9]
VERBS = ("was calm", "ran away", "saw us again", "is big and red", "will not come back")

FAMILIES = {
    "bert": "mean@-1|l2|center|truncate(7)|l2",
    "mpnet": "token[3]@1",
    "albert": "pooler",
    "deberta-v2": "sep@concat(1,-1)",
    "modernbert": "max@-1|truncate(9)",
    "nomic_bert": "mean[words]@avg(1,-1)",
}
WHOLE = os.environ.get("POOLWISE_GRAPHS") == "all"
SEED = int(os.environ.get("POOLWISE_GRAPH_SEED", "0"))


def traced():
    """Families and the readout of each."""
    names = [*FAMILIES] if WHOLE else random.Random(SEED).sample([*FAMILIES], 3)
    return [(name, FAMILIES[name]) for name in names]


def run(folder, texts, graph="onnx/model.onnx"):
    """All that onnxruntime makes of ``texts`` in one batch, and which tokens are no padding."""
    read = Tokenizer.from_file(str(folder / "tokenizer.json")).encode_batch(texts)
    session = InferenceSession(folder / graph)
    given = {
        "input_ids": np.array([text.ids for text in read]),
        "attention_mask": np.array([text.attention_mask for text in read]),
    }
    assert [wanted.name for wanted in session.get_inputs()] == [*given]
    assert session.get_inputs()[0].shape == ["batch_size", "sequence_length"]
    names = [made.name for made in session.get_outputs()]
    return dict(zip(names, session.run(names, given), strict=True)), given["attention_mask"]


@pytest.mark.parametrize(("family", "spec"), traced())
def test_the_traced_graph_gives_the_same(tiny, tmp_path, family, spec, fitted, stock):
    encoder = poolwise.load(tiny(family, num_hidden_layers=2))
    readout, steps, ours = fitted(encoder, spec, FEW)
    chosen = FittedReadout(readout, steps, encoder.provenance())
    made = export(encoder, chosen, tmp_path / "out", format="onnx")
    assert (made.modules[0], made.reader) == ("onnx/model.onnx", "onnxruntime")
    assert made.difference <= 1e-5
    outputs, mask = run(tmp_path / "out", FEW)
    found = outputs.pop("sentence_embedding")
    assert found.shape == (4, made.width)
    close = 1e-5 * np.nanmax(np.abs(ours))
    np.testing.assert_allclose(found, ours, atol=close)
    alone = run(tmp_path / "out", FEW[:1])[0]["sentence_embedding"]
    np.testing.assert_allclose(alone, ours[:1], atol=close)
    with_tokens = len(made.modules) > 1
    assert [*outputs] == ["last_hidden_state"] * with_tokens
    assert (tmp_path / "out" / "modules.json").exists() == with_tokens
    for tokens in outputs.values():
        np.testing.assert_allclose(stock(tmp_path / "out", tokens, mask), ours, atol=close)


def test_the_demo_model_in_float32_and_int8(tmp_path):
    """Whitening, which a mean commutes with, is in the token vectors."""
    encoder = poolwise.load("demo")
    texts = [f"the {noun} {verb}" for noun in ("cat", "dog", "sea", "old hill") for verb in VERBS]
    readout = poolwise.parse("mean@concat(2,-1)|whiten(8)|l2")
    chosen = FittedReadout(readout, encoder.fit(texts, readout), encoder.provenance())
    made = export(encoder, chosen, tmp_path / "out", format="onnx", check=texts[:8], quantize=True)
    assert made.modules[1:] == ("Pooling", "Normalize")
    assert made.difference <= 1e-5
    assert made.quantized.size < 0.3 * made.quantized.float_size
    assert 0.9 < made.quantized.worst_cosine <= made.quantized.mean_cosine < 0.9999
    assert made.quantized.texts == 8


def test_what_int8_loses_is_told(tiny, tmp_path, own):
    """On poolwise's own texts where there are none to check; what follows the encoder is float."""
    encoder = poolwise.load(tiny("bert", num_hidden_layers=2))
    out, spec = tmp_path / "out", "mean@-1|truncate(8)"
    made = export(encoder, spec, out, format="onnx", quantize=True).quantized
    assert made.file == "onnx/model_quantized.onnx"
    assert made.float_size == (out / "onnx" / "model.onnx").stat().st_size
    assert made.size == (out / made.file).stat().st_size < made.float_size
    texts = check_texts(encoder)
    exact = own(encoder, spec, texts)
    found = run(out, texts, made.file)[0]["sentence_embedding"]
    cosines = (found * exact).sum(1) / np.linalg.norm(found, axis=1)
    cosines /= np.linalg.norm(exact, axis=1)
    assert made.texts == len(texts)
    assert made.mean_cosine == pytest.approx(cosines.mean(), abs=1e-3)
    assert made.worst_cosine == pytest.approx(cosines.min(), abs=1e-3)
    assert 0.9 < made.worst_cosine < 1 - 1e-5
    nodes = [node.op_type for node in onnx.load(out / made.file).graph.node]
    assert nodes.count("MatMulInteger") == 2 * 6
    assert f"| in int8 | {made} |" in (out / "README.md").read_text()


def test_only_a_graph_is_quantized(tiny, tmp_path):
    with pytest.raises(OptionError, match="for the format onnx alone, and the format is transf"):
        export(poolwise.load(tiny("bert")), "cls@2", tmp_path, format="transformers", quantize=True)


def test_a_graph_of_integers_is_refused_with_the_nearest(tiny, tmp_path):
    with pytest.raises(ReadoutError, match=r"Nearest is mean@-1\|l2"):
        export(poolwise.load(tiny("bert")), "mean@-1|l2|binary", tmp_path / "out", format="onnx")
    assert not list(tmp_path.iterdir())


def test_a_graph_that_reads_back_otherwise_is_never_there(tiny, tmp_path, monkeypatch):
    def first(pool, hidden, real, words):
        return hidden[:, 0]

    monkeypatch.setattr("poolwise.exports.onnx_readout.pool_tokens", first)
    with pytest.raises(StoreError, match="onnxruntime reads other vectors"):
        export(poolwise.load(tiny("bert")), "mean@-1", tmp_path / "out", format="onnx")
    assert not list(tmp_path.iterdir())


def test_without_the_exporter_its_part_is_named(tiny, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(MissingExtraError, match=r"poolwise\[onnx\]"):
        export(poolwise.load(tiny("bert")), "mean@-1", tmp_path / "out", format="onnx")


def test_the_command_writes_a_valid_graph_whose_card_runs_as_it_stands(tiny, tmp_path, monkeypatch):
    """Its weights in a file of their own, as those of 2 GB are."""
    monkeypatch.setattr("poolwise.exports.onnx_graph._LARGE", 0)
    args = [str(tiny("roberta")), "-r", "mean[words]@2", "-o", str(tmp_path / "graph")]
    done = CliRunner().invoke(command, [*args, "--format", "onnx", "--json"])
    said = json.loads(done.output)
    assert (said["format"], said["modules"], said["blocks"]) == ("onnx", ["onnx/model.onnx"], 2)
    assert "mean[words]@2 as onnx/model.onnx, 2 of 3 blocks; onnxruntime gives" in said["verdict"]
    card = (tmp_path / "graph" / "README.md").read_text()
    assert "as an onnx folder" in card
    assert "| onnxruntime 1." in card
    code = card.split("```python\n")[1].split("```")[0]
    file = tmp_path / "graph" / "onnx" / "model.onnx"
    assert b".py" not in file.read_bytes()
    assert file.stat().st_size < file.with_name("model.onnx_data").stat().st_size
    config = json.loads((tmp_path / "graph" / "config.json").read_text())
    assert config["transformers.js_config"] == {"use_external_data_format": {"model.onnx": True}}
    onnx.checker.check_model(file, full_check=True)
    model = onnx.load(file)
    weights = {tensor.name for tensor in model.graph.initializer}
    # onnxruntime before 1.32 does not write it in int8 where a weight's shape stands twice.
    assert weights.isdisjoint(info.name for info in model.graph.value_info)
    told = {entry.key: entry.value for entry in model.metadata_props}
    encoder = poolwise.load(tiny("roberta"))
    assert told["readout"] == "mean[words]@2"
    assert told["source_model_hash"] == encoder.hash
    monkeypatch.chdir(tmp_path)
    names: dict[str, np.ndarray] = {}
    exec(code, names)
    ours = encoder.embed(["A sentence.", "And another."], "mean[words]@2")
    np.testing.assert_allclose(names["vectors"], ours, atol=1e-5)
