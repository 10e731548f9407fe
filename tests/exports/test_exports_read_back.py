"""Every folder that poolwise writes is read by poolwise as it was meant, and by its own library."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer

import poolwise
from poolwise.exports import export

TEXTS = ["", "the cat sat on the mat", "a dog ran over the old hill to the sea", "two birds"] * 5
LEARN = [f"the {a} {b} ran to {c}" for a in ("old", "big", "red") for b in ("cat", "dog")
         for c in ("sea", "hill", "house", "tree")]  # fmt: skip

READOUTS = [
    "mean@-1|l2",
    "pooler",
    "meanmax@-1",
    "cls+mean+sep@2",
    "mean@sum(1,2)",
    "mean@avg(1,-1)|l2",
    "max@weights(1=0.25,3=0.75)",
    "mean@embeddings",
    "wmean@1|truncate(8)",
    "mean@-1|center",
    "cls@-1|standardize|whiten(8)|l2",
    "pooler|drop(2)|truncate(5)|l2",
]


def same(made, expected):
    scale = np.abs(expected).max()
    np.testing.assert_allclose(made, expected, atol=1e-5 * scale)


@pytest.fixture(scope="module")
def bert(tiny):
    return poolwise.load(tiny("bert"))


@pytest.fixture(scope="module")
def with_head(tiny, tmp_path_factory, modules):
    folder = tmp_path_factory.mktemp("with_head") / "folder"
    shutil.copytree(tiny("bert"), folder)
    dense = ("Dense", 16, "GELU"), "LayerNorm", ("Dense", 8, "PReLU", "residual")
    modules(folder, "cls", "Normalize", *dense, "Normalize")
    return poolwise.load(folder)


@pytest.mark.parametrize("spec", READOUTS)
def test_a_sentence_transformers_folder(bert, tmp_path, spec):
    fit = LEARN if poolwise.parse(spec).needs_fit else None
    export(bert, spec, tmp_path / "out", fit=fit)
    expected = bert.embed(TEXTS, spec, fit=fit)
    again = poolwise.load(tmp_path / "out")
    assert again.declared is not None
    same(again.embed(TEXTS), expected)
    theirs = SentenceTransformer(str(tmp_path / "out"), device="cpu", local_files_only=True)
    same(theirs.encode(TEXTS, show_progress_bar=False), expected)
    export(again, None, tmp_path / "twice")
    same(poolwise.load(tmp_path / "twice").embed(TEXTS), expected)


@pytest.mark.parametrize("spec", ["cls@-1", "mean@2", "pooler", "mean[words]@1", "token[3]@2"])
def test_an_encoder_alone(bert, tmp_path, spec):
    export(bert, spec, tmp_path / "out", format="transformers")
    with np.errstate(invalid="ignore"):
        made = poolwise.load(tmp_path / "out").embed(TEXTS[1:3])
    same(made, bert.embed(TEXTS[1:3], spec))


@pytest.mark.parametrize(
    "spec", [None, "cls@-1|dense", "mean@2|l2|dense", "cls@-1|center|dense|truncate(3)|l2"]
)
def test_layers_of_its_own_stay(with_head, tmp_path, spec):
    readout = with_head.resolve_readout(spec).readout
    fit = LEARN if readout.needs_fit else None
    export(with_head, spec, tmp_path / "out", fit=fit)
    expected = with_head.embed(TEXTS, readout, fit=fit)
    again = poolwise.load(tmp_path / "out")
    same(again.embed(TEXTS), expected)
    theirs = SentenceTransformer(str(tmp_path / "out"), device="cpu", local_files_only=True)
    same(theirs.encode(TEXTS, show_progress_bar=False), expected)


def test_layers_of_its_own_in_a_graph(with_head, tmp_path):
    made = export(with_head, None, tmp_path / "out", format="onnx")
    assert made.difference <= 1e-5
    assert made.width == 8


def test_the_winner_of_a_sweep_exports_as_it_is(bert, tmp_path):
    from poolwise.transforms.fitted_readout import FittedReadout

    chosen = FittedReadout(poolwise.parse("mean@2|l2"))
    chosen.save(tmp_path / "readout.toml")
    export(bert, str(tmp_path / "readout.toml"), tmp_path / "out")
    norms = np.linalg.norm(poolwise.load(tmp_path / "out").embed(TEXTS), axis=1)
    np.testing.assert_allclose(norms, 1, atol=1e-6)
