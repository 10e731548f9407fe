"""poolwise.diagnose: each source of vectors, and what its result shows."""

from __future__ import annotations

import json
import re
import shutil
import sys

import numpy as np
import pytest

import poolwise
from poolwise.errors import EncoderError, EndpointError, OptionError
from poolwise.readouts import parse

TEXTS = [f"the {a} {b} sat on {c}" for a in ("old", "big") for b in "abcdefgh" for c in "vwxyz"]


@pytest.fixture(scope="module")
def declaring(tiny, modules, tmp_path_factory):
    """An encoder whose folder declares the mean, normalised."""
    folder = shutil.copytree(tiny("bert"), tmp_path_factory.mktemp("diagnose") / "model")
    modules(folder, "mean", "Normalize")
    return poolwise.load(folder)


@pytest.fixture(scope="module")
def differing(declaring):
    """The diagnosis of a function that reads [CLS] of the first block."""
    plain = declaring.prompted("")
    with pytest.warns(poolwise.PoolwiseWarning, match="were cut"):
        return poolwise.diagnose(declaring, vectors=lambda texts: plain.embed(texts, "cls@1"))


def test_a_function_that_reads_otherwise_than_declared(differing):
    assert differing.identified
    assert differing.agrees is False
    assert differing.readout == "cls@1"
    assert differing["readout"].agrees is False
    assert differing["readout"].declared == "mean@-1"
    assert "<lambda>" in differing.source
    assert {"readout", "normalisation"} <= {remedy.aspect for remedy in differing.remedies}
    assert differing.commands["as declared"].endswith(" -r 'mean@-1|l2'")
    assert differing.commands["as found"].endswith(" -r cls@1")


def test_its_nearest_is_itself_and_the_runner_up_next(differing):
    nearest = differing.nearness.nearest
    assert nearest[0].name == "cls@1"
    assert nearest[0].distance < 1e-5
    others = [way.distance for way in nearest[1:] if not way.same]
    assert others == sorted(others)
    assert others[0] == pytest.approx(differing["readout"].next_error, rel=0.05)
    cosines = differing.nearness.cosines
    assert max(cosines, key=cosines.__getitem__) == "cls@1"
    assert {parse(spec).pool.kind for spec in cosines} >= {"cls", "mean", "max"}


def test_it_is_plain_data(differing):
    data = json.loads(json.dumps(differing.to_json(), allow_nan=False))
    assert data["verdict"] == differing.verdict
    assert data["agrees"] is False
    assert {row["aspect"]: row["value"] for row in data["statements"]}["readout"] == "cls@1"
    assert data["remedies"][0]["aspect"] == "readout"
    assert data["made"]["model_hash"]


def test_a_notebook_and_a_page_show_it(differing):
    html = differing._repr_html_()
    assert differing.verdict in html
    assert "≠\N{NO-BREAK SPACE}readout" in html
    page = differing.page()
    assert "How near the nearest readouts are" in page
    assert "in the folder charts" not in page  # it is alone
    assert not re.search(r'(src|href)="https?:', page)


def test_stored_vectors_as_declared(declaring):
    found = poolwise.diagnose(declaring, vectors=declaring.embed(TEXTS), texts=TEXTS)
    assert found.agrees is True
    assert found.readout == "mean@-1|l2"
    assert found.commands == {}
    assert found.texts == len(TEXTS)
    assert "as its folder declares" in str(found)


def test_more_rows_are_read_of_wide_models(tiny, monkeypatch):
    model = poolwise.load(tiny("bert", hidden_size=1024, intermediate_size=32, num_hidden_layers=1))
    asked = {}

    def stored(vectors, **options):
        asked.update(options)
        raise OptionError("enough")

    monkeypatch.setattr(sys.modules["poolwise.api.diagnose"], "stored_vectors", stored)
    with pytest.raises(OptionError, match="enough"):
        poolwise.diagnose(model, vectors="v.npy", texts="t.txt")
    assert asked["limit"] > 1024 * 1.25


def test_a_model_that_declares_nothing_has_nothing_to_agree_with(tiny):
    model = poolwise.load(tiny("bert"))
    found = poolwise.diagnose(model, vectors=model.embed(TEXTS, "max@2"), texts=TEXTS)
    assert found.identified
    assert found.agrees is None
    assert found["readout"].value == "max@2"


def test_vectors_of_nothing_that_is_known(declaring):
    vectors = np.random.default_rng(0).normal(size=(len(TEXTS), 32)).astype(np.float32)
    found = poolwise.diagnose(declaring, vectors=vectors, texts=TEXTS)
    assert not found.identified
    assert found.agrees is False
    assert found.nearness.nearest[0].distance > found.tolerance
    assert "No readout of " in found._repr_html_()


def test_a_folder_of_sentence_transformers(declaring):
    found = poolwise.diagnose(declaring, sentence_transformers=declaring.folder)
    assert found.agrees is True, found.verdict
    assert found["truncation"].value == "64 right"
    assert str(declaring.folder) in found.source


def test_what_sentence_transformers_cannot_load(declaring, tmp_path):
    with pytest.raises(EncoderError, match="sentence-transformers cannot load"):
        poolwise.diagnose(declaring, sentence_transformers=tmp_path)


def identity(texts):
    return np.eye(len(texts), 32)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "found no vectors, expected one of endpoint, vectors, sentence_transformers"),
        ({"endpoint": "http://x", "vectors": "v.npy"}, "found endpoint and vectors, expected one"),
        ({"vectors": "v.npy", "key": "secret"}, "^key: of endpoint, and vectors is given"),
        ({"endpoint": "http://x", "texts": TEXTS}, "^texts: of vectors, and endpoint is given"),
        ({"vectors": identity, "texts": TEXTS}, "is a function.*leave out texts"),
        ({"endpoint": 8080}, r"endpoint is int \(8080\), expected a text"),
        ({"sentence_transformers": 3}, "expected a text"),
    ],
)
def test_exactly_one_source(declaring, options, said):
    with pytest.raises(OptionError, match=said):
        poolwise.diagnose(declaring, **options)


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda texts: [[1.0, 2.0]] * 3, "3 vectors for 1 texts"),
        (lambda texts: np.ones(32), r"the shape \[32\], expected \[1, d\]"),
        (lambda texts: [[float("nan")] * 32], "expected finite numbers"),
        (lambda texts: [["a"]], "expected numbers"),
        (lambda texts: None, "expected numbers"),
        (lambda texts: [[1.0], [2.0, 3.0]], "no array"),
        (lambda texts: {}[texts[0]], "raises KeyError"),
    ],
)
def test_a_function_that_makes_no_vectors(declaring, function, said):
    with pytest.raises(EndpointError, match=said):
        poolwise.diagnose(declaring, vectors=function)
