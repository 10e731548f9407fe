"""tf_model.h5: written here as transformers' classes for TensorFlow did, and read back."""

from __future__ import annotations

import json
import re
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from poolwise.encoders import load
from poolwise.encoders.conversion.conversion import convert
from poolwise.encoders.conversion.keras_file import open_keras
from poolwise.errors import EncoderError, MissingExtraError

h5py = pytest.importorskip("h5py", reason="h5py is not installed")

# The layer that holds the encoder in each of TensorFlow's classes, and the class's own name.
CLASSES = {
    "bert": ("bert", "tf_bert_model"),
    "roberta": ("roberta", "tf_roberta_model"),
    "xlm-roberta": ("roberta", "tfxlm_roberta_model"),
    "camembert": ("roberta", "tf_camembert_model"),
    "distilbert": ("distilbert", "tf_distil_bert_model"),
    "electra": ("electra", "tf_electra_model"),
    "mpnet": ("mpnet", "tfmp_net_model"),
    "albert": ("albert", "tf_albert_model"),
    "deberta-v2": ("deberta", "tf_deberta_v2_model"),
}
LISTS = re.compile(r"(albert_layer_groups|albert_layers|layer)/(\d+)(?=/|$)")


def variable(name, array):
    """A tensor of PyTorch's as Keras names and holds it."""
    module, _, kind = name.rpartition(".")
    path = LISTS.sub(r"\1_._\2", module.replace(".", "/"))
    last = {"weight": "kernel", "bias": "bias"}[kind]
    if "norm" in module.lower():
        last = {"weight": "gamma", "bias": "beta"}[kind]
    elif module.endswith("word_embeddings"):
        last = "weight"
    elif module.endswith("rel_embeddings"):
        return f"{path}.weight:0", array
    elif module.endswith(("_embeddings", "relative_attention_bias")):
        last = "embeddings"
    return f"{path}/{last}:0", array.T if last == "kernel" else array


def write_keras(path, layers):
    """``layers``: the variables of each of a model's layers, as ``Model.save_weights`` has them."""
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = list(layers)
        file.attrs["backend"] = "tensorflow"
        for layer, variables in layers.items():
            group = file.create_group(layer)
            group.attrs["weight_names"] = list(variables)
            for name, array in variables.items():
                group.create_dataset(name, data=array)


def in_tensorflow(folder, name):
    """The folder's weights as TensorFlow's variables, ``{"bert/encoder/…:0": array}``."""
    layer, _ = CLASSES[name]
    tensors = load_file(folder / "model.safetensors")
    found = dict(variable(name, array) for name, array in tensors.items())
    return {f"{layer}/{name}": array for name, array in found.items()}


@pytest.fixture
def keras(tiny, tmp_path):
    """``keras("bert")``: a tiny encoder whose weights are a tf_model.h5, with heads beside it."""

    def make(name):
        folder = shutil.copytree(tiny(name), tmp_path / "folder")
        layer, model = CLASSES[name]
        variables = {f"{model}/{at}": a for at, a in in_tensorflow(folder, name).items()}
        heads = {
            "dropout_7": {},
            "classifier": {f"{model}/classifier/kernel:0": np.ones((32, 3), np.float32)},
            "mlm___cls": {f"{model}/mlm___cls/predictions/bias:0": np.ones(9, np.float32)},
        }
        write_keras(folder / "tf_model.h5", {layer: variables, **heads})
        (folder / "model.safetensors").unlink()
        return folder

    return make


@pytest.mark.parametrize("name", list(CLASSES))
def test_the_same_encoder_comes_back(keras, tiny, tmp_path, name):
    assert convert(keras(name), tmp_path / "out") == ()
    encoder = load(tmp_path / "out")
    assert encoder.hash == load(tiny(name)).hash
    assert encoder.notes == ()
    found = load_file(tmp_path / "out" / "model.safetensors")
    assert found["classifier.weight"].shape == (3, 32)
    assert found["cls.predictions.bias"].shape == (9,)
    assert not (tmp_path / "out" / "tf_model.h5").exists()


def test_shards(keras, tiny, tmp_path):
    """tf_model-00001-of-00002.h5 and so on hold the variables without layer and model."""
    folder = keras("bert")
    (folder / "tf_model.h5").unlink()
    variables = in_tensorflow(tiny("bert"), "bert")
    names = list(variables)
    shards = {"tf_model-00001-of-00002.h5": names[:20], "tf_model-00002-of-00002.h5": names[20:]}
    for shard, held in shards.items():
        with h5py.File(folder / shard, "w") as file:
            file.attrs["layer_names"] = held
            for name in held:
                file.create_dataset(name, data=variables[name])
    index = {"weight_map": {name: shard for shard, held in shards.items() for name in held}}
    (folder / "tf_model.h5.index.json").write_text(json.dumps(index))
    assert convert(folder, tmp_path / "out") == ()
    assert load(tmp_path / "out").hash == load(tiny("bert")).hash
    assert not list((tmp_path / "out").glob("tf_model*"))


def test_a_pickle_is_preferred_to_weights_for_tensorflow(keras, tiny, tmp_path):
    import torch

    folder = keras("bert")
    state = load_file(tiny("bert") / "model.safetensors")
    tensors = {name: torch.tensor(array) for name, array in state.items()}
    torch.save(tensors, folder / "pytorch_model.bin")
    (folder / "tf_model.h5").write_bytes(b"not read")
    assert convert(folder, tmp_path / "out") == ("tf_model.h5",)
    assert load(tmp_path / "out").hash == load(tiny("bert")).hash


# Files that are something else


def refused(folder, out, said):
    with pytest.raises(EncoderError, match=said):
        convert(folder, out)
    assert not out.exists()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda file: file.__delitem__("bert"), "missing: embeddings.word_embeddings.weight"),
        (lambda file: [file.__delitem__(name) for name in list(file)], "it holds no tensors"),
        (lambda file: file.create_dataset("x/text", data="a"), "'x/text' is more than numbers"),
        (
            lambda file: file.create_dataset(
                "x", (4,), "f4", external=[("/etc/passwd", 0, h5py.h5f.UNLIMITED)]
            ),
            "'x' is more than numbers",
        ),
    ],
)
def test_other_files_of_hdf5(keras, tmp_path, change, said):
    folder = keras("bert")
    with h5py.File(folder / "tf_model.h5", "a") as file:
        change(file)
    refused(folder, tmp_path / "out", rf"{said}")


def test_links_are_not_followed(keras, tiny, tmp_path):
    folder = keras("bert")
    (tmp_path / "secret").mkdir()
    with h5py.File(tmp_path / "secret" / "other.h5", "w") as file:
        file.create_dataset("x", data=np.ones(3))
    with h5py.File(folder / "tf_model.h5", "a") as file:
        file["far"] = h5py.ExternalLink(str(tmp_path / "secret" / "other.h5"), "/x")
        file["near"] = h5py.SoftLink("/classifier")
    convert(folder, tmp_path / "out")
    assert not {"far", "near"} & {n.partition(".")[0] for n in open_keras(folder / "tf_model.h5")}
    assert load(tmp_path / "out").hash == load(tiny("bert")).hash


def test_no_hdf5(keras, tmp_path):
    folder = keras("bert")
    (folder / "tf_model.h5").write_bytes(b"x" * 1000)
    refused(folder, tmp_path / "out", r"tf_model\.h5: cannot be converted: not an HDF5 file that")


def test_without_h5py_its_extra_is_named(keras, monkeypatch):
    path = keras("bert") / "tf_model.h5"
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(MissingExtraError, match=r"reading tf_model.h5 .*poolwise\[keras\]"):
        open_keras(path)


# A real one


@pytest.mark.parametrize("language", ["de", "en", "es", "fr", "it", "pt"])
def test_categorium_was_trained_in_tensorflow(tmp_path, language):
    from transformers import BertForSequenceClassification

    spec = find_spec("categorium")
    if spec is None or not spec.submodule_search_locations:
        pytest.skip("pip install --no-deps categorium==0.2.2 gives the trained classifiers")
    model = Path(spec.submodule_search_locations[0]) / "modelos" / language
    folder = shutil.copytree(model / f"{language}_hultig_model", tmp_path / "folder")
    vocab = f"hultig-bert-token-uncased_{language}-vocab.txt"
    shutil.copy(model / vocab, folder / "vocab.txt")
    convert(folder, tmp_path / "out")
    encoder = load(tmp_path / "out")
    assert (encoder.pooler_state, encoder.notes[:-1]) == ("trained", ())
    _, info = BertForSequenceClassification.from_pretrained(
        tmp_path / "out", output_loading_info=True
    )
    assert not any(info.values()), info
    with h5py.File(folder / "tf_model.h5") as file:
        at = "bert/tf_bert_for_sequence_classification/bert/encoder/layer_._1/attention/self"
        for part in ("query", "key", "value"):
            found = encoder.tensors[f"encoder.layer.1.attention.self.{part}.weight"]
            np.testing.assert_array_equal(found, file[f"{at}/{part}/kernel:0"][()].T)
