"""An embedder whose queries and documents have prompts of their own."""

from __future__ import annotations

import json
import shutil

import pytest

from poolwise.embedder import Embedder


@pytest.fixture(scope="session")
def prompted(tiny, modules, tmp_path_factory):
    """An embedder of a folder with prompts, which compares by the dot product."""
    folder = shutil.copytree(tiny("bert"), tmp_path_factory.mktemp("prompted") / "folder")
    modules(folder, "mean")
    prompts = {"query": "one two ", "document": "a "}
    config = {"prompts": prompts, "similarity_fn_name": "dot"}
    (folder / "config_sentence_transformers.json").write_text(json.dumps(config))
    return Embedder(str(folder))


@pytest.fixture
def other_model(tiny, tmp_path):
    """``other_model(settings)``: settings of an embedder whose model has changed since."""

    def change(settings):
        folder = shutil.copytree(tiny("bert", num_hidden_layers=2), tmp_path / "other")
        return {**settings, "model": str(folder)}

    return change
