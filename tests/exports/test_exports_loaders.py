"""Exports say which loaders leave out a part of them."""

from __future__ import annotations

import json

import numpy as np
import pytest
from click.testing import CliRunner

import poolwise
from poolwise.cli.export import command
from poolwise.exports import export
from poolwise.exports.loaders import misreadings
from poolwise.exports.modules import NORMALIZE, dense, pooling

TXTAI = "txtai, by default"
TRANSFORMERS = "transformers (AutoModel, pipeline)"
SERVER = "text-embeddings-inference"
GGUF = "llama.cpp (GGUF)"
OPTIMUM = "optimum, by its pipeline"
ST_ONNX = 'sentence-transformers with backend="onnx" or "openvino"'


@pytest.mark.parametrize(
    ("form", "spec", "omits", "loaders"),
    [
        ("sentence-transformers", "mean@-1|l2", "", ()),
        ("sentence-transformers", "cls@2", "", ()),
        ("sentence-transformers", "pooler", "Dense", (TRANSFORMERS, OPTIMUM, TXTAI, GGUF)),
        (
            "sentence-transformers",
            "mean@avg(1,-1)",
            "all layers but the last",
            (TRANSFORMERS, OPTIMUM, ST_ONNX, TXTAI, SERVER),
        ),
        ("sentence-transformers", "max+mean@-1", "all pools but one", (TXTAI, SERVER, GGUF)),
        ("transformers", "cls@2", "", ()),
        ("transformers", "pooler", "Dense", (OPTIMUM, TXTAI, GGUF)),
        (
            "transformers",
            "mean[words]@-1",
            "the pool, for which it takes mean",
            ("sentence-transformers", ST_ONNX, TXTAI),
        ),
    ],
)
def test_loaders_that_leave_something_out(tiny, tmp_path, form, spec, omits, loaders):
    made = export(poolwise.load(tiny("bert")), spec, tmp_path / "out", format=form)
    assert tuple(m.loader for m in made.misreadings if omits in m.omits) == loaders
    card = (tmp_path / "out" / "README.md").read_text()
    assert ("## Loaders" in card) == bool(loaders)
    for loader in loaders:
        assert f"| {loader} | {omits} |" in card


def test_a_prompt_that_most_loaders_leave_out(tiny, tmp_path):
    model = poolwise.load(tiny("bert")).prompted("query: ")
    made = export(model, "mean@-1", tmp_path / "out")
    assert {m.loader for m in made.misreadings} == {TRANSFORMERS, OPTIMUM, TXTAI, SERVER, GGUF}
    assert {m.omits for m in made.misreadings} == {("the prompt",)}


@pytest.mark.parametrize(
    ("form", "mode", "loaders"),
    [
        ("sentence-transformers", "mean_tokens", {TRANSFORMERS, OPTIMUM, TXTAI, SERVER, GGUF}),
        ("sentence-transformers", "weightedmean_tokens", {TRANSFORMERS, OPTIMUM, TXTAI}),
        (
            "onnx",
            "lasttoken",
            {
                "fastembed",
                "transformers.js, by its pipeline",
                OPTIMUM,
                "txtai, the graph's file",
            },
        ),
    ],
)
def test_a_normalize_in_the_middle(form, mode, loaders):
    head = dense(np.eye(4), np.zeros(4))
    found = misreadings(form, [pooling(4, [mode]), NORMALIZE, head], prompt="")
    assert {each.loader for each in found} == loaders
    assert all("Normalize before the last module" in each.omits for each in found)


def test_a_graph_without_token_vectors_is_read_right():
    assert misreadings("onnx", [], prompt="") == ()


def test_the_command_names_them(tiny, tmp_path):
    args = [str(tiny("bert")), "-r", "pooler", "-o", str(tmp_path / "out")]
    done = CliRunner().invoke(command, args, catch_exceptions=False)
    line = f"Libraries that leave out Dense: {TRANSFORMERS}; {OPTIMUM}; {TXTAI}; {GGUF}."
    assert line in done.output
    done = CliRunner().invoke(command, [*args, "--force", "--json"], catch_exceptions=False)
    txtai = json.loads(done.output)["misreadings"][2]
    assert txtai == {
        "loader": TXTAI,
        "omits": ["Dense"],
        "instead": 'Embeddings(path=…, method="sentence-transformers")',
    }
