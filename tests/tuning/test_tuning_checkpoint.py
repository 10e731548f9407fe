"""Checkpoint folders, read by transformers and by poolwise."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from transformers import (
    AlbertForSequenceClassification,
    AutoModel,
    AutoTokenizer,
    BertForSequenceClassification,
)

import poolwise
from poolwise.classifier.output_space import OutputSpace
from poolwise.encoders.variants.rearrange import rearrange
from poolwise.errors import EncoderError, PoolwiseWarning, StoreError
from poolwise.tuning.checkpoint import write_checkpoint
from poolwise.tuning.classifier_module import ReadoutClassifier, collate
from poolwise.tuning.trainable_readout import parse_trainable

TEXTS = ["the cat sat on a mat", "a", "they ran over the old hill to the sea"]
CLASSES = OutputSpace("classification", ("no", "perhaps", "yes"))
OUTPUT_SPACES = {
    "single_label_classification": (CLASSES, np.array([2, 0, 1])),
    "multi_label_classification": (
        OutputSpace("multilabel", ("new", "old")),
        np.array([[0, 1], [0, 0], [1, 1]], np.float32),
    ),
    "regression": (OutputSpace("regression"), np.array([0.5, -2.0, 1.25], np.float32)),
}
BERTS = {"bert": BertForSequenceClassification, "albert": AlbertForSequenceClassification}


def moved(module):
    """``module`` with values that no encoder began with."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator), alpha=0.05)
    return module


def tuned(folder, spec, output_space=CLASSES, **options):
    model = poolwise.load(folder, **options)
    return model, moved(ReadoutClassifier(model, parse_trainable(spec, model.depth), output_space))


def batch(model, targets=None):
    tokens = [text.windows[0] for text in model.tokenize(TEXTS)]
    return collate(tokens, targets, model.config.pad_token_id)


def without_words(inputs):
    return {name: tensor for name, tensor in inputs.items() if name != "words"}


@pytest.mark.parametrize("problem", OUTPUT_SPACES)
@pytest.mark.parametrize("name", BERTS)
def test_transformers_reads_ours(tiny, tmp_path, name, problem):
    output_space, targets = OUTPUT_SPACES[problem]
    model, module = tuned(tiny(name, hidden_dropout_prob=0.3), "pooler", output_space)
    write_checkpoint(module, model, tmp_path / "out", provenance={})
    theirs, found = BERTS[name].from_pretrained(tmp_path / "out", output_loading_info=True)
    assert not any(found.values()), found
    assert theirs.config.architectures == [BERTS[name].__name__]
    assert theirs.config.problem_type == problem
    assert theirs.config.hidden_dropout_prob == 0.3
    names = dict(enumerate(output_space.labels or ["LABEL_0"]))
    assert theirs.config.id2label == names
    assert theirs.config.label2id == {label: i for i, label in names.items()}
    inputs = batch(model, targets)
    out, expected = theirs(**without_words(inputs)), module(**inputs)
    torch.testing.assert_close(out.logits, expected.logits, rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(out.loss, expected.loss, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", BERTS)
def test_transformers_own_tokenizer_reads_the_same_tokens(tiny, tmp_path, name):
    model, module = tuned(tiny(name), "pooler")
    write_checkpoint(module, model, tmp_path / "out", provenance={})
    inputs = AutoTokenizer.from_pretrained(tmp_path / "out")(
        TEXTS, padding=True, return_tensors="pt"
    )
    assert torch.equal(inputs["input_ids"], batch(model)["input_ids"])


@pytest.mark.parametrize("name", BERTS)
def test_theirs_load_here(tiny, tmp_path, name):
    torch.manual_seed(5)
    theirs = BERTS[name].from_pretrained(tiny(name), num_labels=3)
    theirs.save_pretrained(tmp_path)
    AutoTokenizer.from_pretrained(tiny(name)).save_pretrained(tmp_path)
    model = poolwise.load(tmp_path)
    module = ReadoutClassifier(model, parse_trainable("pooler", model.depth), CLASSES)
    state = {n: torch.from_numpy(t) for n, t in load_file(tmp_path / "model.safetensors").items()}
    module.load_state_dict(state, strict=True)
    inputs = batch(model, np.array([2, 0, 1]))
    out, expected = module(**inputs), theirs(**without_words(inputs))
    torch.testing.assert_close(out.logits, expected.logits, rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(out.loss, expected.loss, rtol=1e-6, atol=1e-6)
    write_checkpoint(module, model, tmp_path / "again", provenance={})
    again = load_file(tmp_path / "again" / "model.safetensors")
    assert again.keys() == state.keys()
    assert all(np.array_equal(again[n], tensor.numpy()) for n, tensor in state.items())


@pytest.mark.parametrize("spec", ["cls@-1", "mean[words]@-2", "max@mix", "attention@avg(1,2)"])
def test_poolwise_reads_every_family_as_an_encoder(family, family_folder, tmp_path, spec):
    model, module = tuned(family_folder, spec)
    write_checkpoint(module, model, tmp_path / "out", provenance={"seed": 3})
    read = poolwise.load(tmp_path / "out")
    about = json.loads((tmp_path / "out" / "poolwise.json").read_text(encoding="utf-8"))
    assert about == {
        "format": 1,
        "kind": "classification",
        "readout": str(module.learned_readout()),
        "asked": spec,
        "attention": spec.startswith("attention"),
        "labels": ["no", "perhaps", "yes"],
        "made": {"seed": 3},
    }
    tensors = load_file(tmp_path / "out" / "model.safetensors")
    heads = {name: t.shape for name, t in tensors.items() if name.startswith("classifier.")}
    query = {"classifier.query": (32,)} if about["attention"] else {}
    assert heads == {"classifier.weight": (3, 32), "classifier.bias": (3,), **query}
    assert all(name.startswith((model.family.prefix, "classifier.")) for name in tensors)
    assert read.depth == module.encoder.depth
    assert not read.has_pooler
    assert str(read.declared) == (about["readout"] if not about["attention"] else "None")
    assert any("learned attention" in note for note in read.notes) == about["attention"]
    assert read.hash == module.tuned_encoder().hash
    vectors = module.vectors(**batch(model)).detach().numpy()
    if about["attention"]:
        vectors = tuned_mean(module, model)
        with pytest.warns(PoolwiseWarning, match="declares learned attention"):
            made = read.embed(TEXTS, about["readout"])
    else:
        made = read.embed(TEXTS, about["readout"])
    np.testing.assert_allclose(made, vectors, atol=1e-5 * np.abs(vectors).max())


def tuned_mean(module, model):
    """What the module pools with a query of zeros."""
    with torch.no_grad():
        module.pooling.query.zero_()
    return module.vectors(**batch(model)).detach().numpy()


def test_transformers_reads_the_encoder_of_another_readout(tiny, tmp_path):
    model, module = tuned(tiny("bert"), "mean@2")
    write_checkpoint(module, model, tmp_path / "out", provenance={})
    theirs = AutoModel.from_pretrained(tmp_path / "out", add_pooling_layer=False)
    assert theirs.config.architectures == ["BertModel"]
    assert theirs.config.num_hidden_layers == 2
    inputs = batch(model)
    hidden = theirs(**without_words(inputs)).last_hidden_state
    expected = module.base(**without_words(inputs)).last_hidden_state
    torch.testing.assert_close(hidden, expected, rtol=1e-6, atol=1e-6)


def test_training_can_go_on_from_a_checkpoint(tiny, tmp_path):
    model, module = tuned(tiny("distilbert", seq_classif_dropout=0.35), "cls@-1")
    write_checkpoint(module, model, tmp_path / "out", provenance={})
    on = ReadoutClassifier(poolwise.load(tmp_path / "out"), module.trainable, CLASSES)
    assert on.dropout.p == 0.35
    for name, tensor in module.base.state_dict().items():
        assert torch.equal(on.base.state_dict()[name], tensor), name


def test_the_length_of_texts_comes_along(tiny, tmp_path):
    model, module = tuned(tiny("bert"), "cls@-1", max_length=16)
    write_checkpoint(module, model, tmp_path / "out", provenance={})
    assert poolwise.load(tmp_path / "out").max_length == 16


def test_a_readout_that_is_none_is_named_with_its_file(tiny, tmp_path):
    model, module = tuned(tiny("bert"), "cls@-1")
    write_checkpoint(module, model, tmp_path / "out", provenance={})
    (tmp_path / "out" / "poolwise.json").write_text('{"readout": "best@-1"}')
    with pytest.raises(EncoderError, match=r"poolwise\.json: .*best"):
        poolwise.load(tmp_path / "out")


def test_the_demo_models_settings_come_along(demo, tmp_path):
    module = ReadoutClassifier(demo, parse_trainable("mean@1", demo.depth), CLASSES)
    write_checkpoint(module, demo, tmp_path / "out", provenance={})
    read = poolwise.load(tmp_path / "out")
    assert (read.depth, read.max_length) == (1, demo.max_length)
    texts = ["The CAT.", "a dog"]
    np.testing.assert_allclose(read.embed(texts, "mean@1"), demo.embed(texts, "mean@1"), atol=1e-6)


def test_a_checkpoint_replaces_another_but_nothing_else(tiny, tmp_path):
    model, module = tuned(tiny("bert"), "cls@-1")
    out = tmp_path / "out"
    write_checkpoint(module, model, out, provenance={"seed": 0})
    with pytest.raises(StoreError, match="not empty"):
        write_checkpoint(module, model, out, provenance={})
    write_checkpoint(module, model, out, provenance={"seed": 1}, replace=True)
    assert json.loads((out / "poolwise.json").read_text())["made"] == {"seed": 1}
    (out / "diary.txt").write_text("mine")
    with pytest.raises(StoreError, match=r"diary\.txt"):
        write_checkpoint(module, model, out, provenance={}, replace=True)
    own = shutil.copytree(tiny("bert"), tmp_path / "own")
    model, module = tuned(own, "cls@-1")
    with pytest.raises(StoreError, match="holds the model"):
        write_checkpoint(module, model, own, provenance={}, replace=True)


def test_a_failure_leaves_nothing_behind(tiny, tmp_path):
    model, module = tuned(tiny("bert"), "cls@-1")
    with pytest.raises(TypeError):
        write_checkpoint(module, model, tmp_path / "out", provenance={"when": object()})
    assert not list(tmp_path.iterdir())


def test_tokens_in_another_order_cannot_be_written(tiny, tmp_path):
    model = rearrange(poolwise.load(tiny("bert")), "removed")
    module = ReadoutClassifier(model, parse_trainable("cls@-1", model.depth), CLASSES)
    with pytest.raises(EncoderError, match="order"):
        write_checkpoint(module, model, tmp_path / "out", provenance={})


@pytest.mark.parametrize("spec", ["cls@-1", "mean@2", "wmean@-1", "attention@-1", "cls+max@-1"])
@pytest.mark.parametrize("pooled", [True, False])
def test_a_checkpoint_keeps_the_prompt_it_was_tuned_with(tiny, tmp_path, modules, spec, pooled):
    folder = shutil.copytree(tiny("bert"), tmp_path / "folder")
    modules(folder, "mean", include_prompt=pooled)
    said = {"prompts": {"query": "find the cat: "}, "default_prompt_name": "query"}
    (folder / "config_sentence_transformers.json").write_text(json.dumps(said))
    model, module = tuned(folder, spec)
    inputs = batch(model)
    assert ("read" in inputs) == (not pooled)
    write_checkpoint(module, model, tmp_path / "out", provenance={})
    classifier = poolwise.load_classifier(tmp_path / "out")
    assert (classifier.model.prefix, classifier.model.prompts.pooled) == ("find the cat: ", pooled)
    with torch.no_grad():
        expected = module(**inputs).logits.numpy()
    np.testing.assert_allclose(classifier.outputs(TEXTS), expected, atol=1e-5)
    if spec != "attention@-1":
        vectors = poolwise.load(tmp_path / "out").embed(TEXTS)
        with torch.no_grad():
            pooled_ = module.vectors(**inputs).numpy()
        np.testing.assert_allclose(vectors, pooled_, atol=1e-5)
