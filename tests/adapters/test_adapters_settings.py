"""An embedder by its settings."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import poolwise
from poolwise.adapters.settings import embedder_from, require_embedder, settings_of
from poolwise.embedder import Embedder, NotOfferedError
from poolwise.errors import EncoderError, OptionError

TEXTS = ["the cat sat", "a dog", "two men"]


def test_settings_are_json_and_give_the_same_vectors(tiny):
    embedder = Embedder(tiny("bert"), "mean@2|l2", max_length=8)
    settings = json.loads(json.dumps(settings_of(embedder)))
    assert settings["model"] == str(tiny("bert"))
    again = embedder_from(settings)
    assert again.get_params() == {**embedder.get_params(), "model": str(tiny("bert"))}
    assert again.encode(TEXTS).tolist() == embedder.encode(TEXTS).tolist()


def test_another_model_is_refused_by_its_hash(tiny, other_model):
    changed = other_model(settings_of(Embedder(tiny("bert"), "cls@-1")))
    with pytest.raises(EncoderError, match="expected the model of hash"):
        embedder_from(changed)
    del changed["model_hash"]
    assert embedder_from(changed).loaded_model.folder == Path(changed["model"])


def test_what_a_fit_learned_is_saved_as_a_file(tiny, tmp_path):
    embedder = Embedder(str(tiny("bert")), "mean@-1|center").fit(TEXTS)
    with pytest.raises(NotOfferedError, match=r"fitted_readout\(\)\.save\("):
        settings_of(embedder)
    file = Path(tmp_path / "readout.toml")
    embedder.fitted_readout().save(file)
    again = embedder_from(settings_of(Embedder(str(tiny("bert")), file)))
    assert again.encode(TEXTS).tolist() == embedder.encode(TEXTS).tolist()


def test_a_dimension_set_on_the_embedder_belongs_into_the_readout(tiny):
    embedder = Embedder(str(tiny("bert")), "mean@-1")
    embedder.truncate_dim = 8
    with pytest.raises(NotOfferedError, match=r"mean@-1\|truncate\(8\)"):
        settings_of(embedder)


@pytest.mark.parametrize("value", ["demo", None, "a model"])
def test_what_is_no_embedder_is_refused(tiny, value):
    with pytest.raises(OptionError, match='expected an Embedder, as Embedder\\("demo"'):
        require_embedder(poolwise.load(tiny("bert")) if value == "a model" else value)
