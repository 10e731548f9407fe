"""A folder's own layers after pooling, several poolings, and what is missing: as there."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer
from torch.nn.modules import activation as torch_activations

import poolwise
from poolwise.encoders.modules.activations import ACTIVATIONS
from poolwise.encoders.modules.dense_modules import READERS
from poolwise.errors import EncoderError, PoolwiseWarning, ReadoutError

TEXTS = ["the cat sat on the mat", "a dog", "they ran over the old hill to the sea", ""]


@pytest.fixture
def folder(tiny, tmp_path):
    return shutil.copytree(tiny("bert"), tmp_path / "folder")


def theirs(folder, texts=TEXTS):
    loaded = SentenceTransformer(str(folder), device="cpu", local_files_only=True)
    return loaded.encode(texts, batch_size=1, show_progress_bar=False)


def check(folder, spec):
    model = poolwise.load(folder)
    assert str(model.declared) == spec
    expected = theirs(folder)
    np.testing.assert_allclose(model.embed(TEXTS), expected, atol=1e-5 * np.abs(expected).max())
    np.testing.assert_array_equal(model.embed(TEXTS, spec), model.embed(TEXTS))
    return model


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.filterwarnings("ignore:Implicit dimension choice:UserWarning")
def test_activations_are_those_of_torch(name):
    x = np.random.default_rng(0).normal(scale=4, size=(20, 8))
    module = torch.nn.Identity() if name == "Identity" else getattr(torch_activations, name)()
    expected = module.eval()(torch.from_numpy(x)).numpy()
    np.testing.assert_allclose(ACTIVATIONS[name](x), expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    ("stack", "spec"),
    [
        (["cls", ("Dense", 16, "Tanh"), "Normalize"], "cls@-1|dense|l2"),
        (["mean", ("Dense", 64, "Identity"), ("Dense", 8, "GELU")], "mean@-1|dense"),
        (["mean", "Normalize", ("Dense", 16, "ReLU"), "Normalize"], "mean@-1|l2|dense|l2"),
        (["mean", ("Dense", 16, "PReLU"), "Normalize", ("Dense", 4, "SiLU")], "mean@-1|dense"),
        (["mean", "LayerNorm", "Dropout", "Normalize", "Normalize"], "mean@-1|dense|l2"),
        (["mean", "Dropout", "Normalize", "Normalize"], "mean@-1|l2"),
        (["mean", ("Dense", 32, "Tanh", "residual")], "mean@-1|dense"),
        (["mean", ("Dense", 8, "Tanh", "residual", "no bias")], "mean@-1|dense"),
        (["mean", ("Dense", 16, "GLU")], "mean@-1|dense"),
        (["mean+max", ("Dense", 16, "Tanh")], "max+mean@-1|dense"),
        (["cls+max+mean+sqrt+weighted+last"], "cls+max+mean+sqrtmean+wmean+sep@-1"),
    ],
)
def test_every_stack_of_stock_modules_is_a_readout(folder, modules, stack, spec):
    modules(folder, *stack)
    check(folder, spec)


def test_the_head_is_part_of_the_hash_and_of_the_width(folder, modules):
    modules(folder, "cls", ("Dense", 16, "Tanh"))
    one = poolwise.load(folder)
    assert one.embed([]).shape == (0, 16)
    modules(folder, "cls", ("Dense", 16, "ReLU"))
    assert poolwise.load(folder).hash != one.hash


def test_steps_learn_behind_the_head(folder, modules):
    modules(folder, "cls", ("Dense", 16, "Tanh"))
    model = poolwise.load(folder)
    made = model.embed(TEXTS, "cls@-1|dense|center", fit=TEXTS)
    np.testing.assert_allclose(made.mean(0), 0, atol=1e-5)
    with pytest.raises(ReadoutError, match="takes 32 dimensions, not 64"):
        model.embed(TEXTS, "cls+mean@-1|dense")


def test_a_readout_that_leaves_the_head_out_says_so(folder, modules):
    modules(folder, "cls", ("Dense", 16, "Tanh"), "Normalize")
    model = poolwise.load(folder)
    with pytest.warns(PoolwiseWarning, match=r"declares cls@-1\|dense\|l2; mean@-1 leaves out"):
        model.embed(TEXTS, "mean@-1")
    with pytest.warns(PoolwiseWarning, match="leaves out dense"):
        poolwise.Embedder(str(folder), "mean@-1").fit_transform(TEXTS)
    model.embed(TEXTS, "mean@-1|dense")
    modules(folder, "mean", "Normalize")
    poolwise.load(folder).embed(TEXTS, "mean@-1")


def test_a_model_without_a_head_has_no_dense(folder):
    with pytest.raises(ReadoutError, match="this model has none"):
        poolwise.load(folder).embed(TEXTS, "cls@-1|dense")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"activation_function": "my.Code"}, "activation_function is 'my.Code', expected a class"),
        ({"activation_function": "torch.tanh"}, "activation_function is 'torch.tanh'"),
        ({"activation_function": None}, "activation_function is None"),
        ({"in_features": "x"}, "in_features is 'x'"),
        ({"out_features": 7}, r"holds .*\(16, 32\).* asks for .*\(7, 32\)"),
        ({"use_residual": True}, "residual.weight"),
    ],
)
def test_a_dense_that_cannot_be_is_named(folder, modules, change, said):
    modules(folder, "cls", ("Dense", 16, "Tanh"))
    path = folder / "2_Dense" / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(EncoderError, match=said):
        poolwise.load(folder)


@pytest.mark.parametrize("kind", ["Pooling", "Dense", "LayerNorm", "WeightedLayerPooling"])
def test_missing_module_folders_are_named(folder, modules, kind):
    stack = {
        "Pooling": ["mean"],
        "Dense": ["mean", ("Dense", 16, "Tanh")],
        "LayerNorm": ["mean", "LayerNorm"],
        "WeightedLayerPooling": ["mix", "mean"],
    }[kind]
    modules(folder, *stack)
    (place,) = folder.glob(f"*_{kind}")
    shutil.rmtree(place)
    with pytest.raises(EncoderError, match=f"names this folder as {kind}"):
        poolwise.load(folder)


def test_a_missing_normalize_loads(folder, modules):
    modules(folder, "mean", "Normalize")
    assert not (folder / "2_Normalize").exists()
    check(folder, "mean@-1|l2")


def test_a_pickled_dense_names_convert(folder, modules):
    modules(folder, "cls", ("Dense", 16, "Tanh"))
    (folder / "2_Dense" / "model.safetensors").rename(folder / "2_Dense" / "pytorch_model.bin")
    with pytest.raises(EncoderError, match="poolwise convert"):
        poolwise.load(folder)


def test_modules_that_do_not_fit_are_named(folder, modules):
    modules(folder, "mean+max", ("Dense", 16, "Tanh", "takes 32"))
    with pytest.raises(EncoderError, match="takes 32 dimensions, not 64"):
        poolwise.load(folder)


def test_every_reader_is_tested():
    assert set(READERS) == {"Dense", "LayerNorm", "Normalize", "Dropout"}
