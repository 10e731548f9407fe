"""ONNX exports, run by onnxruntime with the tokenizer that lies beside them."""

from __future__ import annotations

import json
import sys

import numpy as np
import onnx
import pytest
import torch
from click.testing import CliRunner
from onnxruntime import InferenceSession
from tokenizers import Tokenizer

import poolwise
from poolwise.cli.export import command
from poolwise.errors import MissingExtraError, ReadoutError, StoreError
from poolwise.exports import export
from poolwise.exports.onnx_readout import ReadoutGraph
from poolwise.transforms import stateless
from poolwise.transforms.fitted_readout import FittedReadout
from poolwise.tuning.classifier_module import collate

FEW = ["the cat sat on a mat", "a dog", "", "they ran over the old hill to the sea " * 9]


def theirs(folder, texts):
    """What onnxruntime makes of ``texts`` in one batch."""
    read = Tokenizer.from_file(str(folder / "tokenizer.json")).encode_batch(texts)
    session = InferenceSession(folder / "onnx" / "model.onnx")
    given = {
        "input_ids": np.array([text.ids for text in read]),
        "attention_mask": np.array([text.attention_mask for text in read]),
    }
    return session.run(["sentence_embedding"], given)[0]


def own(encoder, spec, texts):
    """poolwise's vectors without its warnings of cut and empty texts."""
    batches = encoder.extract(texts, [spec])
    return np.concatenate([batch.vectors[spec] for batch in batches])


SPECS = [
    "pooler",
    "sep@concat(1,-1)",
    "meanmax@concat(0,2)",
    "token[3]@avg(1,2)",
    "token[-2]@1",
    "mean[words]@-1",
    "max[words]@weights(1=2,2=-0.5)",
    "sqrtmean@2",
    "wmean@embeddings",
    "cls@-1|l2",
    "mean@-1|l2|center|truncate(7)|l2",
]


def asked(encoder, spec):
    """The readout, its steps as fitted on ``FEW``, and what poolwise makes of ``FEW``."""
    readout = poolwise.parse(spec)
    steps = encoder.fit(FEW, readout) if readout.needs_fit else stateless(readout)
    return readout, steps, steps.apply(own(encoder, str(readout.pooled), FEW))


@pytest.mark.parametrize("spec", SPECS)
def test_the_graph_of_every_readout_gives_its_vectors(tiny, spec):
    """Before it is traced; NaN, in both, where a text lacks what is read."""
    encoder = poolwise.load(tiny("bert"))
    readout, steps, ours = asked(encoder, spec)
    inputs = collate([text.windows[0] for text in encoder.tokenize(FEW)], None, 0)
    with torch.inference_mode():
        graph = ReadoutGraph(encoder, readout, steps)
        found = graph(inputs["input_ids"], inputs["attention_mask"])[-1].numpy()
    np.testing.assert_allclose(found, ours, atol=1e-5 * np.nanmax(np.abs(ours)))


@pytest.mark.parametrize(
    ("family", "spec"),
    [
        ("bert", "mean@-1|l2|center|truncate(7)|l2"),
        ("mpnet", "token[3]@1"),
        ("albert", "pooler"),
        ("deberta-v2", "sep@concat(1,-1)"),
        ("modernbert", "meanmax@-1"),
    ],
)
def test_what_modules_cannot_express_is_expressed(tiny, tmp_path, family, spec):
    encoder = poolwise.load(tiny(family, num_hidden_layers=2))
    readout, steps, ours = asked(encoder, spec)
    chosen = FittedReadout(readout, steps, encoder.provenance())
    made = export(encoder, chosen, tmp_path / "out", format="onnx")
    assert (made.modules[0], made.reader) == ("onnx/model.onnx", "onnxruntime")
    assert made.difference <= 1e-5
    found = theirs(tmp_path / "out", FEW)
    assert found.shape == (4, made.width)
    close = 1e-5 * np.nanmax(np.abs(ours))
    np.testing.assert_allclose(found, ours, atol=close)
    np.testing.assert_allclose(theirs(tmp_path / "out", FEW[:1]), ours[:1], atol=close)


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
    onnx.checker.check_model(file, full_check=True)
    model = onnx.load(file)
    told = {entry.key: entry.value for entry in model.metadata_props}
    encoder = poolwise.load(tiny("roberta"))
    assert told["readout"] == "mean[words]@2"
    assert told["source_model_hash"] == encoder.hash
    monkeypatch.chdir(tmp_path)
    names: dict[str, np.ndarray] = {}
    exec(code, names)
    ours = encoder.embed(["A sentence.", "And another."], "mean[words]@2")
    np.testing.assert_allclose(names["vectors"], ours, atol=1e-5)
