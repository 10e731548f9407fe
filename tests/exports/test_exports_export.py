"""Exports, loaded by the libraries that they are for."""

from __future__ import annotations

import csv
import json
import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from sentence_transformers import SentenceTransformer
from transformers import AutoModel

import poolwise
from poolwise.cli.export import command
from poolwise.encoders.variants.rearrange import rearrange
from poolwise.errors import EncoderError, ReadoutError, StoreError
from poolwise.exports import ExportResult, export
from poolwise.readouts import POOLS
from poolwise.transforms import stateless
from poolwise.transforms.fitted_readout import FittedReadout

BANKING = Path(__file__).parent.parent.parent / "examples" / "banking77.csv"
FEW = ["the cat sat on a mat", "a dog", "", "they ran over the old hill to the sea"]


@pytest.fixture(scope="module")
def texts():
    with BANKING.open(encoding="utf-8", newline="") as lines:
        return [row["text"] for row in csv.DictReader(lines)]


def theirs(folder, texts, caplog):
    """What sentence-transformers makes of ``texts``; it may not say a word."""
    with caplog.at_level(logging.WARNING):
        found = SentenceTransformer(str(folder), device="cpu").encode(texts)
    assert not caplog.records
    return found


@pytest.mark.parametrize(
    ("spec", "blocks", "modules"),
    [
        ("mean@-1", 6, ["Pooling"]),
        ("cls@4", 4, ["Pooling"]),
        ("mean@avg(1,-1)", 6, ["WeightedLayerPooling", "Pooling"]),
        ("pooler", 6, ["Pooling", "Dense"]),
        ("mean@-1|whiten(128)", 6, ["Pooling", "Dense"]),
    ],
)
def test_the_demo_model_reads_back_the_same(demo, texts, tmp_path, caplog, spec, blocks, modules):
    readout, held_out = poolwise.parse(spec), texts[5::500]
    steps = demo.fit(texts[::40], readout) if readout.needs_fit else stateless(readout)
    ours = steps.apply(demo.embed(held_out, readout.pooled))
    made = export(demo, FittedReadout(readout, steps, demo.provenance()), tmp_path / "out")
    found = theirs(tmp_path / "out", held_out, caplog)
    assert np.abs(found - ours).max() <= 1e-5 * np.abs(ours).max()
    config = json.loads((tmp_path / "out" / "config.json").read_text())
    assert (made.blocks, config["num_hidden_layers"]) == (blocks, blocks)
    listed = json.loads((tmp_path / "out" / "modules.json").read_text())
    kinds = [module["type"].removeprefix("sentence_transformers.models.") for module in listed]
    assert kinds == ["Transformer", *modules]


def test_every_family_reads_back_the_same(family_folder, tmp_path, caplog):
    spec = "max@weights(1=2,2=0.5)|l2"
    encoder = poolwise.load(family_folder)
    assert export(encoder, spec, tmp_path / "out").difference <= 1e-5
    np.testing.assert_allclose(
        theirs(tmp_path / "out", FEW, caplog), encoder.embed(FEW, spec), atol=1e-5
    )


@pytest.mark.parametrize("kind", ["mean", "max", "meanmax", "sqrtmean", "wmean", "cls", "sep"])
def test_every_pool_of_a_checkpoint_without_a_pooler(tiny, tmp_path, caplog, kind):
    encoder = poolwise.load(tiny("bert", pooler=False))
    export(encoder, f"{kind}@-1", tmp_path / "out")
    ours = encoder.embed(FEW, f"{kind}@-1")
    np.testing.assert_allclose(theirs(tmp_path / "out", FEW, caplog), ours, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "spec", "declared"),
    [
        ("bert", "cls@2", "cls@-1"),
        ("bert", "mean@avg(1,-1)|l2", "mean@avg(1,3)|l2"),
        ("bert", "mean@embeddings", "mean@0"),
        ("modernbert", "cls@1", "cls@1"),
    ],
)
def test_an_export_declares_its_readout(tiny, tmp_path, name, spec, declared):
    encoder = poolwise.load(tiny(name))
    export(encoder, spec, tmp_path / "out")
    again = poolwise.load(tmp_path / "out")
    assert str(again.declared) == declared
    assert again.max_length == encoder.max_length
    np.testing.assert_allclose(again.embed(FEW), encoder.embed(FEW, spec), atol=1e-6)


def test_weights_of_layers_are_declared_as_shares(tiny, tmp_path):
    encoder = poolwise.load(tiny("bert"))
    export(encoder, "mean@weights(1=0.25,3=0.75)", tmp_path / "out")
    assert str(poolwise.load(tmp_path / "out").declared) == "mean@weights(1=0.25,3=0.75)"
    config = tmp_path / "out" / "config.json"
    whole = config.read_text()
    config.write_text(
        whole.replace('"output_hidden_states": true', '"output_hidden_states": false')
    )
    assert poolwise.load(tmp_path / "out").declared is None
    config.write_text(whole)
    (tmp_path / "out" / "1_WeightedLayerPooling" / "model.safetensors").unlink()
    with pytest.raises(EncoderError, match=r"1_WeightedLayerPooling: .* lacks model\.safetensors"):
        poolwise.load(tmp_path / "out")


@pytest.mark.parametrize("spec", ["cls@2", "pooler"])
def test_the_encoder_alone_is_what_transformers_reads(tiny, tmp_path, spec):
    made = export(poolwise.load(tiny("roberta")), spec, tmp_path / "out", format="transformers")
    assert made.modules[:2] == ("Transformer", "Pooling")
    assert made.difference <= 1e-5
    assert poolwise.load(tmp_path / "out").has_pooler == (spec == "pooler")


def test_a_folder_that_reads_back_otherwise_is_never_there(tiny, tmp_path, monkeypatch):
    monkeypatch.setitem(POOLS, "mean", replace(POOLS["mean"], pooling_mode="max_tokens"))
    with pytest.raises(StoreError, match=r"other vectors .* nothing was written"):
        export(poolwise.load(tiny("bert")), "mean@-1", tmp_path / "out")
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_warned_of_is_never_there(tiny, tmp_path, monkeypatch):
    def forgets(encoder):
        return {}

    monkeypatch.setattr("poolwise.encoders.saving._zero_pooler", forgets)
    with pytest.raises(StoreError, match=r"warns of the export: .*MISSING"):
        export(poolwise.load(tiny("bert")), "mean@1", tmp_path / "out")
    assert not list(tmp_path.iterdir())


def test_a_pooler_that_is_left_out_is_zero(tiny, tmp_path):
    export(poolwise.load(tiny("bert")), "mean@1", tmp_path / "out")
    states = AutoModel.from_pretrained(tmp_path / "out").state_dict()
    assert [states[f"pooler.dense.{part}"].any().item() for part in ("weight", "bias")] == [0, 0]
    assert not poolwise.load(tmp_path / "out").has_pooler
    # Options for AutoModel are refused by backend="onnx".
    settings = json.loads((tmp_path / "out" / "sentence_bert_config.json").read_text())
    assert settings == {"max_seq_length": 64, "do_lower_case": False}


def test_digits_that_float32_cannot_hold_are_named(demo, texts, tmp_path):
    with pytest.raises(StoreError, match="dimensions that hardly vary"):
        export(demo, "max@3|standardize", tmp_path / "out", fit=texts[::40])


def test_what_has_no_folder_is_refused(tiny, tmp_path):
    bert = poolwise.load(tiny("bert"))
    with pytest.raises(ReadoutError, match="has to be fitted"):
        export(bert, "mean@-1|whiten(4)", tmp_path / "out")
    with pytest.raises(ReadoutError, match="declares no pooling"):
        export(bert, None, tmp_path / "out")
    with pytest.raises(EncoderError, match="another order"):
        export(rearrange(bert, "removed"), "cls@-1", tmp_path / "out")
    other = poolwise.load(tiny("bert-cased"))
    readout = poolwise.parse("mean@-1|center")
    chosen = FittedReadout(readout, bert.fit(FEW, readout), bert.provenance())
    with pytest.raises(ReadoutError, match="was fitted on"):
        export(other, chosen, tmp_path / "out")
    assert not list(tmp_path.iterdir())


def test_config_keeps_what_strangers_need(tiny, tmp_path):
    folder = tmp_path / "source"
    folder.mkdir()
    for path in tiny("bert").iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    source = json.loads((folder / "config.json").read_text())
    source |= {"hidden_dropout_prob": 0.25, "id2label": {"0": "spam"}, "bos_token_id": 10**6}
    (folder / "config.json").write_text(json.dumps(source))
    export(poolwise.load(folder), "mean@2", tmp_path / "out")
    config = json.loads((tmp_path / "out" / "config.json").read_text())
    assert config["architectures"] == ["BertModel"]
    assert (config["hidden_dropout_prob"], config["initializer_range"]) == (0.25, 0.02)
    assert config["bos_token_id"] is None
    assert "id2label" not in config
    files = ("config.json", "model.safetensors")
    modes = {(tmp_path / "out" / name).stat().st_mode for name in files}
    assert len(modes) == 1


def sweep_folder(encoder, folder, spec):
    """readout.toml and findings.json, as a sweep leaves them."""
    folder.mkdir()
    made = {**encoder.provenance(), "data": "intents.csv"}
    readout = poolwise.parse(spec)
    FittedReadout(readout, encoder.fit(FEW, readout), made).save(folder / "readout.toml")
    where = {"readout": spec, "part": "test"}
    number = {"name": "accuracy of the chosen readout", "value": 0.9, "low": 0.875, "high": 0.925}
    finding = {"verdict": "Take it.", "made": made, "numbers": [{**number, "where": where}]}
    other = {**finding, "verdict": "Not this.", "made": {**made, "model_hash": "another"}}
    (folder / "findings.json").write_text(json.dumps([other, finding]))
    return folder / "readout.toml"


def test_the_command_exports_what_a_sweep_chose(tiny, tmp_path):
    encoder = poolwise.load(tiny("bert"))
    chosen = sweep_folder(encoder, tmp_path / "sweep", "mean@2|center")
    check = tmp_path / "check.txt"
    check.write_text("the cat\na dog ran\n")
    args = [str(tiny("bert")), "-r", str(chosen), "-o", str(tmp_path / "out"), "--json"]
    done = CliRunner().invoke(command, [*args, "--check", str(check)], catch_exceptions=False)
    said = json.loads(done.output)
    assert (said["readout"], said["blocks"], said["of"]) == ("mean@2|center", 2, 3)
    assert said["texts"] == 8
    card = (tmp_path / "out" / "README.md").read_text()
    for fact in (
        encoder.hash,
        "`mean@2|center` of",
        r"| `mean@2\|center`, 32 dimensions |",
        "2 of 3",
        "Take it.",
        "the pooler",
    ):
        assert fact in card
    assert "Accuracy 0.900 [0.875, 0.925] (95 %), test rows of intents.csv." in card
    assert "Not this." not in card
    assert str(tmp_path) not in card
    again = CliRunner().invoke(command, args)
    assert isinstance(again.exception, StoreError)
    assert CliRunner().invoke(command, [*args, "--force"]).exit_code == 0


def test_the_command_fits_steps_and_says_what_it_wrote(tiny, tmp_path):
    lines = tmp_path / "lines.txt"
    words = "the a cat dog sat ran on over mat hill sea and old".split()
    lines.write_text("".join(f"{a} {b}\n" for a in words for b in words))
    args = [str(tiny("bert")), "-r", "mean@-1|whiten(4)", "--fit", str(lines)]
    done = CliRunner().invoke(command, [*args, "-o", str(tmp_path / "out")], catch_exceptions=False)
    assert "Transformer → Pooling → Dense, 3 of 3 blocks" in done.output
    assert SentenceTransformer(str(tmp_path / "out"), device="cpu").encode(FEW).shape == (4, 4)


def test_findings_that_cannot_be_read_are_no_evidence(tiny, tmp_path):
    encoder = poolwise.load(tiny("bert"))
    bad = tmp_path / "findings.json"
    for text in ("{", "{}", '["x", {"numbers": [{}]}]'):
        bad.write_text(text)
        made = export(encoder, "mean@1", tmp_path / "out", findings=bad, force=True)
        assert isinstance(made, ExportResult)
    assert "Evidence" not in (tmp_path / "out" / "README.md").read_text()
