from dataclasses import replace

import numpy as np
import pytest

import poolwise
from poolwise.errors import StudyError
from poolwise.records import Sentence
from poolwise.statistics.geometry import alignment, anisotropy
from poolwise.studies.geometry import Geometry
from poolwise.studies.geometry.similar_texts import similar_pairs
from poolwise.studies.run import context_for
from poolwise.texts import LabelledTexts, TextPairs

WORDS = "cat dog mat hill sea house tree bird man woman child one two old red big".split()


@pytest.fixture(scope="module")
def model(tiny):
    return poolwise.load(tiny("bert"))


def sentences(n, seed=0):
    rng = np.random.default_rng(seed)
    drawn = [" ".join(rng.choice(WORDS, rng.integers(3, 9))) for _ in range(2 * n)]
    return list(dict.fromkeys(drawn))[:n]


def labelled(n=300):
    texts = sentences(n)
    return LabelledTexts("words", texts, [text.split()[0] for text in texts], [""] * n, "")


def scored(n=200):
    texts = sentences(2 * n)
    scores = np.linspace(0, 5, n)
    return TextPairs("scored", texts[:n], texts[n:], scores, [""] * n, [""] * n, "")


def answer(model, data, seed=0):
    study = Geometry(data, seed=seed)
    context = context_for(model, [study])
    cache = context.vectors
    (finding,) = study.run(context)
    return finding, study, cache


def number(finding, name, readout):
    (found,) = [n for n in finding.numbers if n.name == name and n.where["readout"] == readout]
    return found


COSINE = "mean cosine of two random texts"


def test_the_cosine_is_that_of_texts_held_apart_from_the_standardising(model):
    finding, study, cache = answer(model, labelled())
    measured, fitted = cache.rows(study._measured), cache.rows(study._fitted)
    assert not set(measured.tolist()) & set(fitted.tolist())
    x = cache["mean@2"].astype(float)
    assert number(finding, COSINE, "mean@2").value == pytest.approx(anisotropy(x[measured]).value)
    scaled = (x[measured] - x[fitted].mean(axis=0)) / x[fitted].std(axis=0)
    found = number(finding, COSINE, "mean@2|standardize")
    assert found.value == pytest.approx(anisotropy(scaled).value, abs=1e-5)
    assert abs(found.value) < number(finding, COSINE, "mean@2").value


def test_controls_show_no_shape_or_that_of_means_and_deviations_alone(model):
    finding, *_ = answer(model, labelled())
    isotropic = number(finding, COSINE, "isotropic Gaussian vectors")
    assert isotropic.control
    assert isotropic.low < 0.01
    own = number(finding, COSINE, "Gaussian vectors of the means and deviations of mean@3")
    assert own.value == pytest.approx(number(finding, COSINE, "mean@3").value, abs=0.05)
    filled = number(finding, "dimensions filled", "mean@3").value
    assert filled < number(finding, "dimensions filled", "isotropic Gaussian vectors").value


def test_cls_of_the_embeddings_is_one_vector_and_has_no_shape(model):
    finding, *_ = answer(model, labelled())
    found = number(finding, COSINE, "cls@0")
    assert (found.value, found.note) == (None, "constant")
    assert any(note.startswith("cls@0: every text has the same vector") for note in finding.notes)


def test_texts_of_one_label_are_compared_with_random_ones(model):
    finding, study, cache = answer(model, labelled())
    like = study._like
    first = {text: text.split()[0] for text in study.request(model).texts}
    assert all(
        first[a] == first[b] and a != b for a, b in zip(like.first, like.second, strict=True)
    )
    assert not {*like.first, *like.second} & set(study._fitted)
    x = cache["cls@3"]
    expected = alignment(x[cache.rows(like.first)], x[cache.rows(like.second)])
    name = "squared distance of texts that are alike"
    assert number(finding, name, "cls@3").value == pytest.approx(expected.value)
    random = number(finding, "squared distance of two random texts", "cls@3")
    assert random.control
    assert random.value == pytest.approx(2 - 2 * number(finding, COSINE, "cls@3").value)


def test_pairs_are_alike_from_four_fifths_of_the_scale():
    data = scored()
    like = similar_pairs(data, {data.first[-1]}, 1000, np.random.default_rng(0))
    kept = {data.first.index(text) for text in like.first}
    assert kept == set(np.flatnonzero(data.scores >= 4).tolist()) - {len(data) - 1}
    assert like.reason == "pairs of a score of 4 or more (the scores run from 0 to 5)"


def test_plain_texts_and_sentences_have_all_but_alignment(model):
    texts = sentences(200)
    finding, *_ = answer(model, texts)
    assert not any("alike" in n.name for n in finding.numbers)
    assert any("no alignment" in note and "labels" in note for note in finding.notes)
    again, *_ = answer(model, [Sentence(text, i) for i, text in enumerate(texts)])
    assert again.verdict == finding.verdict


def test_the_verdict_is_of_the_last_layer_and_the_charts_of_all(model):
    finding, *_ = answer(model, scored())
    assert finding.verdict.startswith("Two random texts are ")
    assert "alike under cls@-1" in finding.verdict
    assert finding.evidence.startswith("mean cosine of two random texts ")
    assert "under cls@3 and " in finding.evidence
    assert "nothing that is defined" not in finding.evidence
    lines, panels = finding.charts
    assert (lines.kind, panels.kind) == ("by_layer", "multiples")
    assert set(lines.data["layer"]) == {0, 1, 2, 3}
    columns = ("panel", "layer", "series", "value", "low", "high")
    assert len({len(panels.data[name]) for name in columns}) == 1
    assert set(panels.data["bands"]["name"]) == {"isotropic Gaussian vectors"}
    assert "squared distance of texts that are alike" in panels.data["panel"]


def test_the_seed_decides(model):
    a, b, c = (answer(model, labelled(), seed)[0] for seed in (1, 1, 2))
    assert a == b
    assert a.numbers != c.numbers


def test_too_few_texts_are_refused(model):
    with pytest.raises(StudyError, match="29 different texts that are not empty"):
        answer(model, [*sentences(29), "", *sentences(10)])


def test_scores_that_are_all_the_same_make_every_pair_alike():
    data = replace(scored(), scores=np.ones(200))
    assert len(similar_pairs(data, set(), 1000, np.random.default_rng(0))) == 200
