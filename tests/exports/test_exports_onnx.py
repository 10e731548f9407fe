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
from sentence_transformers.sentence_transformer import modules as stock_modules
from tokenizers import AddedToken, Tokenizer
from transformers import AutoTokenizer

import poolwise
from poolwise.cli.export import command
from poolwise.encoders.modules.modules import read_modules
from poolwise.errors import MissingExtraError, OptionError, ReadoutError, StoreError
from poolwise.exports import export
from poolwise.exports.check import check_texts
from poolwise.exports.onnx_files import write_config, write_framing_tokenizer
from poolwise.exports.onnx_readout import ReadoutGraph
from poolwise.transforms import stateless
from poolwise.transforms.fitted_readout import FittedReadout
from poolwise.tuning.classifier_module import collate

FEW = ["the cat sat on a mat", "a dog", "", "they ran over the old hill to the sea " * 9]


def run(folder, texts, graph="onnx/model.onnx"):
    """All that onnxruntime makes of ``texts`` in one batch, and which tokens are no padding."""
    read = Tokenizer.from_file(str(folder / "tokenizer.json")).encode_batch(texts)
    session = InferenceSession(folder / graph)
    given = {
        "input_ids": np.array([text.ids for text in read]),
        "attention_mask": np.array([text.attention_mask for text in read]),
    }
    assert [wanted.name for wanted in session.get_inputs()] == [*given]
    names = [made.name for made in session.get_outputs()]
    return dict(zip(names, session.run(names, given), strict=True)), given["attention_mask"]


def stock(folder, tokens, mask):
    """What sentence-transformers' modules in ``folder`` make of token vectors."""
    features = {"token_embeddings": torch.tensor(tokens), "attention_mask": torch.tensor(mask)}
    listed = json.loads((folder / "modules.json").read_text())
    for module in listed[1:]:
        kind = getattr(stock_modules, module["type"].rpartition(".")[2])
        features = kind.load(str(folder), subfolder=module["path"])(features)
    return features["sentence_embedding"].detach().numpy()


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
    ("bert", "meanmax@-1", ""),
]


@pytest.mark.parametrize(("family", "spec", "modules"), CASES)
def test_vectors_and_token_vectors_give_the_readout(tiny, tmp_path, family, spec, modules):
    """The latter by sentence-transformers' own modules, read from the folder."""
    encoder = poolwise.load(tiny(family, num_hidden_layers=2))
    readout, steps, ours = asked(encoder, spec)
    chosen = FittedReadout(readout, steps, encoder.provenance())
    made = export(encoder, chosen, tmp_path / "out", format="onnx")
    assert (made.modules, made.reader) == (("onnx/model.onnx", *modules.split()), "onnxruntime")
    assert made.difference <= 1e-5
    outputs, mask = run(tmp_path / "out", FEW)
    found = outputs.pop("sentence_embedding")
    assert found.shape == (4, made.width)
    close = 1e-5 * np.nanmax(np.abs(ours))
    np.testing.assert_allclose(found, ours, atol=close)
    alone = run(tmp_path / "out", FEW[:1])[0]["sentence_embedding"]
    np.testing.assert_allclose(alone, ours[:1], atol=close)
    assert [*outputs] == ["last_hidden_state"] * bool(modules)
    assert (tmp_path / "out" / "modules.json").exists() == bool(modules)
    for tokens in outputs.values():
        pooled = stock(tmp_path / "out", tokens, mask)
        np.testing.assert_allclose(pooled, ours, atol=close)


def test_a_text_whose_last_special_token_was_cut_off_has_it_again(tiny, tmp_path):
    """transformers.js cuts after it has added them."""
    encoder = poolwise.load(tiny("bert"))
    export(encoder, "mean@-1", tmp_path / "out", format="onnx")
    uncut = Tokenizer.from_file(str(tmp_path / "out" / "tokenizer.json"))
    uncut.no_truncation()
    ids = np.array([uncut.encode(FEW[-1]).ids[: encoder.max_length]])
    assert ids[0, -1] != encoder.tokenizer.frame.after[0]
    session = InferenceSession(tmp_path / "out" / "onnx" / "model.onnx")
    given = {"input_ids": ids, "attention_mask": np.ones_like(ids)}
    (found,) = session.run(["sentence_embedding"], given)
    np.testing.assert_allclose(found, own(encoder, "mean@-1", FEW[-1:]), atol=1e-5)


def test_special_tokens_that_a_text_spells_are_words(tiny):
    """As in poolwise, where only those that the tokenizer adds are not."""
    encoder = poolwise.load(tiny("bert"))
    texts = ["the cat [SEP] sat [MASK] on", "the cat", "[CLS]"]
    inputs = collate([text.windows[0] for text in encoder.tokenize(texts)], None, 0)
    readout = poolwise.parse("mean[words]@-1")
    with torch.inference_mode():
        graph = ReadoutGraph(encoder, readout, stateless(readout))
        found = graph(inputs["input_ids"], inputs["attention_mask"])[-1].numpy()
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


@pytest.mark.parametrize("given", [[], ["the cat sat on a mat", "a dog", "they ran"]])
def test_what_int8_loses_is_told(tiny, tmp_path, given):
    """On the texts to check, or on poolwise's own; steps after the pool stay in float32."""
    encoder = poolwise.load(tiny("bert", num_hidden_layers=2))
    out = tmp_path / "out"
    made = export(
        encoder, "mean@-1|truncate(8)", out, format="onnx", check=given, quantize=True
    ).quantized
    assert made.file == "onnx/model_quantized.onnx"
    assert made.float_size == (out / "onnx" / "model.onnx").stat().st_size
    assert made.size == (out / made.file).stat().st_size < made.float_size
    texts = given or check_texts(encoder)
    exact = own(encoder, "mean@-1|truncate(8)", texts)
    found = run(out, texts, made.file)[0]["sentence_embedding"]
    cosines = (found * exact).sum(1) / np.linalg.norm(found, axis=1)
    cosines /= np.linalg.norm(exact, axis=1)
    assert made.texts == len(texts)
    assert made.mean_cosine == pytest.approx(cosines.mean(), abs=1e-3)
    assert made.worst_cosine == pytest.approx(cosines.min(), abs=1e-3)
    assert 0.9 < made.worst_cosine < 1 - 1e-5
    graph = onnx.load(out / made.file).graph
    integers = [node for node in graph.node if node.op_type == "MatMulInteger"]
    assert len(integers) == 2 * 6
    assert f"| in int8 | {made} |" in (out / "README.md").read_text()


def test_only_a_graph_is_quantized(tiny, tmp_path):
    with pytest.raises(OptionError, match="for the format onnx alone, and the format is transf"):
        export(poolwise.load(tiny("bert")), "cls@2", tmp_path, format="transformers", quantize=True)


def test_the_card_tells_loaders_that_pool_what_they_leave_out(tiny, tmp_path):
    encoder = poolwise.load(tiny("bert"))
    for spec in ("max@-1|truncate(8)", "mean[words]@-1"):
        export(encoder, spec, tmp_path / "out", format="onnx", force=True)
        card = (tmp_path / "out" / "README.md").read_text()
        if "words" in spec:
            assert "| optimum | stops: it reads `last_hidden_state` alone |" in card
            assert "with `--pooling mean`, unused: it reads `sentence_embedding`" in card
        else:
            assert "| transformers.js, by its pipeline | Dense | the output" in card
            assert "pipeline(" not in card


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
