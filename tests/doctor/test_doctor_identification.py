"""What a diagnosis says of vectors that transformers and sentence-transformers made: the readout,
prompt and truncation of setups by chance, and nothing of other models' vectors."""

from __future__ import annotations

import os

import numpy as np
import pytest
from draws import draw
from identified import OracleSource, mistakes
from oracles import Setup, encoder_of

import poolwise
from poolwise.doctor.diagnose import diagnose_source

FAMILIES = ["bert", "roberta", "distilbert", "modernbert"]
SEEDS = int(os.environ.get("POOLWISE_DOCTOR_SEEDS", "8"))
UNKNOWN = int(os.environ.get("POOLWISE_DOCTOR_UNKNOWN", "16"))
UNKNOWN_PROMPT = "the cat sat on "


def is_hidden(setup: Setup, model: poolwise.Model) -> bool:
    """Whether even short texts are cut behind their prompt, so that no text shows the prompt; or
    √tokens is divided out behind windows, of which the doctor tries the mean alone."""
    if setup.long == "windows" and setup.pool == "sqrtmean" and setup.steps[-1:] == ("l2",):
        return True
    (prompt,) = model.tokenize([setup.prompt or "a"])
    return setup.length is not None and setup.length < prompt.n_tokens + 9


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("seed", range(SEEDS))
def test_setups_by_chance_are_identified(seed, family, distinct, sentence_folder):
    numbers = (s for s in range(100 * seed, 100 * seed + 100))
    for number in numbers:
        setup = draw(number, family)
        folder = (
            sentence_folder(family, "mean", ("Dense", 32, "Tanh"))
            if setup.needs_dense
            else distinct(family)
        )
        model = poolwise.load(folder)
        if not is_hidden(setup, model):
            break
    source = OracleSource(encoder_of(folder), setup)
    diagnosis = diagnose_source(model, source, prompts=[UNKNOWN_PROMPT])
    assert mistakes(diagnosis, setup, model.max_length) == [], setup


DEMO = [
    Setup(layers=(6,), pool="mean", steps=("l2",)),
    Setup(layers=(6,), pool="cls", prompt="query: ", length=64),
    Setup(layers=(3,), pool="mean[words]", steps=("l2",), length=100, side="left"),
    Setup(layers=(1, 6), pool="mean", prompt="search_document: ", precision="float16"),
    Setup(layers=(5,), pool="max", steps=("truncate(128)", "l2"), length=128),
    Setup(layers=(4, 5), combine="concat", pool="mean", precision="digits6"),
    Setup(layers=(2,), pool="wmean", special="none", casing="kept"),
    Setup(layers=(6,), pool="mean", precision="half", length=32, long="windows"),
]


@pytest.mark.parametrize("setup", DEMO, ids=str)
def test_the_demo_model_is_identified(setup):
    model = poolwise.load("demo")
    diagnosis = diagnose_source(model, OracleSource(encoder_of(model.folder), setup))
    positions = model.config.positions  # which the oracle reads, not the folder's own length
    assert mistakes(diagnosis, setup, positions, model.depth) == []


@pytest.mark.parametrize("family", FAMILIES)
def test_less_exact_numbers_lower_the_confidence(family, distinct):
    model = poolwise.load(distinct(family))
    encoder = encoder_of(distinct(family))
    stated = {}
    for precision in ("float32", "digits6", "float16", "int8"):
        setup = Setup(layers=(2,), steps=("l2",), prompt="query: ", precision=precision)
        diagnosis = diagnose_source(model, OracleSource(encoder, setup))
        assert mistakes(diagnosis, setup, model.max_length) == []
        stated[precision] = diagnosis["readout"].confidence
    assert stated["float32"] > stated["float16"] > stated["int8"] > 0.5
    assert stated["digits6"] > stated["float16"]


def of_another_model(number: int, distinct) -> np.ndarray:
    """Vectors of a model that is not asked about, of as many dimensions."""
    family = FAMILIES[number % len(FAMILIES)]
    setup = draw(number, family)
    encoder = encoder_of(distinct(family, seed=1 + number % 3))
    if setup.needs_dense or len(setup.layers) > 1:
        setup = Setup(layers=(1 + number % 3,), pool=setup.pool.replace("pooler", "cls"))
    return OracleSource(encoder, setup)


@pytest.mark.parametrize("number", range(UNKNOWN))
def test_vectors_of_another_model_are_never_identified(number, distinct):
    model = poolwise.load(distinct(FAMILIES[(number // 4) % len(FAMILIES)]))
    source = of_another_model(number, distinct)
    diagnosis = diagnose_source(model, source)
    assert not diagnosis.identified, (source.setup, str(diagnosis))


@pytest.mark.parametrize(
    ("vectors", "sentence"),
    [
        (np.zeros((60, 32)), "Every vector is zero, whatever the text."),
        (np.ones((60, 1)), "Vectors of 1 bits show no readout"),
        (np.full((60, 3), 0.5), "Vectors of 3 dimensions show no readout"),
        (np.full((60, 32), 0.5), "No readout of"),
    ],
)
def test_vectors_that_say_nothing_are_told(vectors, sentence, distinct):
    model = poolwise.load(distinct("bert"))

    class Constant:
        description = "constant"

        def embed(self, texts):
            return vectors[: len(texts)]

    diagnosis = diagnose_source(model, Constant())
    assert not diagnosis.identified
    assert str(diagnosis).startswith(sentence)
