"""What Python callers may pass by mistake: an error says which argument it is, in a sentence."""

from __future__ import annotations

import json
import shutil
import warnings

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import poolwise
from poolwise import Embedder
from poolwise.encoders import location as sources
from poolwise.errors import EncoderError, OptionError, PoolwiseError

TEXTS = ["the cat", "a dog ran"]

WRONG = [
    *(None, 3, -5, 2.5, True, float("nan"), 10**30, np.float32(2), np.array([1, 2])),
    *(b"x", "", "\0", "\ud800", "nonsense", "mean@-1", "a" * 5000, "(" * 5000),
    *([], [64], [None], [[1]], ["mean@-1", 3], ("mean@-1",), {"a": 1}, {1}, range(3)),
    *(object(), len, type),
]

CALLS = {
    "load, name": lambda at, x: poolwise.load(x),
    "load, max_length": lambda at, x: poolwise.load(at.folder, max_length=x),
    "load, revision": lambda at, x: poolwise.load(at.folder, revision=x),
    "load_classifier, name": lambda at, x: poolwise.load_classifier(x),
    "parse": lambda at, x: poolwise.parse(x),
    "extract, encoder": lambda at, x: list(poolwise.extract(x, TEXTS, "mean@-1")),
    "extract, engine": lambda at, x: list(poolwise.extract(at.model, TEXTS, "cls@1", engine=x)),
    "extract, texts": lambda at, x: list(at.model.extract(x, "mean@-1")),
    "extract, readouts": lambda at, x: list(at.model.extract(TEXTS, x)),
    "extract, transforms": lambda at, x: list(at.model.extract(TEXTS, "cls@1", transforms=x)),
    "extract, escape_special": lambda at, x: [*at.model.extract(TEXTS, "cls@1", escape_special=x)],
    "extract, progress": lambda at, x: list(at.model.extract(TEXTS, "cls@1", progress=x)),
    "embed, texts": lambda at, x: at.model.embed(x, "mean@-1"),
    "embed, readout": lambda at, x: at.model.embed(TEXTS, x),
    "embed, prompt": lambda at, x: at.model.embed(TEXTS, "mean@-1", prompt=x),
    "embed, prompt_name": lambda at, x: at.model.embed(TEXTS, "mean@-1", prompt_name=x),
    "embed, precision": lambda at, x: at.model.embed(TEXTS, "mean@-1", precision=x),
    "embed, long": lambda at, x: at.model.embed(TEXTS, "mean@-1", long=x),
    "embed, fit": lambda at, x: at.model.embed(TEXTS, "mean@-1|center", fit=x),
    "token_outputs, texts": lambda at, x: list(at.model.token_outputs(x)),
    "token_outputs, layers": lambda at, x: list(at.model.token_outputs(TEXTS, layers=x)),
    "token_outputs, attentions": lambda at, x: at.model.token_outputs(TEXTS, attentions=_slow(x)),
    "token_outputs, long": lambda at, x: list(at.model.token_outputs(TEXTS, long=x)),
    "token_outputs, precision": lambda at, x: list(at.model.token_outputs(TEXTS, precision=x)),
    "fit, readout": lambda at, x: at.model.fit(TEXTS, x),
    "fit, texts": lambda at, x: at.model.fit(x, "mean@-1|center"),
    "pooled, readout": lambda at, x: at.model.pooled(TEXTS, x),
    "tokenize, texts": lambda at, x: at.model.tokenize(x),
    "prompted, prompt": lambda at, x: at.model.prompted(x),
    "prompted, name": lambda at, x: at.model.prompted(name=x),
    "engine_for": lambda at, x: at.model.engine_for(x),
    "width_of": lambda at, x: at.model.width_of(x),
    "norm": lambda at, x: at.model.norm(x),
    "Embedder, model": lambda at, x: Embedder(x, "mean@-1").fit(TEXTS),
    "Embedder, readout": lambda at, x: Embedder(at.folder, x).fit(TEXTS),
    "Embedder, precision": lambda at, x: Embedder(at.folder, "cls@1", precision=x).fit(TEXTS),
    "Embedder, max_length": lambda at, x: Embedder(at.folder, "cls@1", max_length=x).fit(TEXTS),
    "Embedder, long": lambda at, x: Embedder(at.folder, "cls@1", long=x).fit(TEXTS),
    "Embedder, X": lambda at, x: at.embedder.transform(x),
    "encode, inputs": lambda at, x: at.embedder.encode(x),
    **{
        f"encode, {name}": lambda at, x, name=name: at.embedder.encode(TEXTS, **{name: x})
        for name in (
            *("prompt_name", "prompt", "batch_size", "show_progress_bar", "output_value"),
            *("precision", "convert_to_numpy", "normalize_embeddings", "truncate_dim", "sentences"),
        )
    },
    "similarity": lambda at, x: at.embedder.similarity(x, x),
    "Classifier, texts": lambda at, x: at.classifier.predict(x),
    "Classifier, precision": lambda at, x: at.classifier.predict(TEXTS, precision=x),
}


def _slow(x):
    """What is true has the maps computed by another engine, and says nothing new."""
    return False if isinstance(x, int | str | float | type) or not np.ndim(x) else x


def _no_hub(name, revision):
    raise EncoderError(f"{name}: no folder here, and no hub to ask")


class At:
    """Everything that can be called."""

    def __init__(self, folder):
        self.folder = folder
        self.model = poolwise.load(folder)
        self.embedder = Embedder(folder, "mean@-1").fit(TEXTS)
        self.classifier = poolwise.load_classifier(folder)


@pytest.fixture(scope="module")
def at(tiny, tmp_path_factory):
    folder = shutil.copytree(tiny("bert"), tmp_path_factory.mktemp("at") / "model")
    head = {"classifier.weight": np.ones((2, 32), "f4"), "classifier.bias": np.zeros(2, "f4")}
    path = folder / "model.safetensors"
    save_file({**load_file(path), **head}, path, metadata={"format": "pt"})
    about = {"format": 1, "kind": "classification", "readout": "mean@-1", "asked": "mean@-1"}
    about |= {"attention": False, "labels": ["x", "y"], "made": {}}
    (folder / "poolwise.json").write_text(json.dumps(about))
    return At(folder)


@pytest.mark.parametrize("call", CALLS)
def test_what_is_wrong_is_said_in_a_sentence(at, call, monkeypatch):
    """Nothing comes up from below: neither KeyError nor AttributeError, nor numpy's own words."""
    monkeypatch.setattr(sources, "_snapshot", _no_hub)
    for wrong in WRONG:
        with warnings.catch_warnings(action="ignore"):  # of texts that are cut or unknown
            try:
                CALLS[call](at, wrong)
            except PoolwiseError as error:
                said = str(error)
                assert len(said.split()) > 3
            except Exception as error:
                raise AssertionError(f"{call} of {wrong!r:.40}: {error!r}") from error


@pytest.mark.parametrize(
    ("layers", "said"),
    [
        ([-1], r"a layer of layers is int \(-1\), expected a whole number from 0 to 3"),
        ([4], "expected a whole number from 0 to 3"),
        ([1.5], "expected a whole number"),
        ([True], "expected a whole number"),
        ([], "layers names no hidden state"),
        ("12", "layers is '12', expected hidden states"),
    ],
)
def test_layers_are_hidden_states(at, layers, said):
    with pytest.raises(OptionError, match=said):
        at.model.token_outputs(TEXTS, layers=layers)
