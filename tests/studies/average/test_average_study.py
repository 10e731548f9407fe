"""A planted average is found and called one; what is none, or cannot be said, is not."""

import shutil

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import poolwise
from poolwise.errors import StudyError
from poolwise.reports import to_json, write_report
from poolwise.studies.average import Average
from poolwise.studies.average.combinations import (
    BELOW,
    COMBINATIONS,
    EQUAL,
    OTHER,
    OTHER_SHIFTED,
    OTHER_SPAN,
    OWN,
    SHIFTED,
    SPAN,
    WORD,
    LayerStates,
)
from poolwise.studies.average.numbers import EXPLAINED, RELATIVE, WEIGHT, family
from poolwise.studies.average.sentence_fits import fit_sentences
from poolwise.studies.average.shares import LEAST_SPREAD, layer_statistics, ratio
from poolwise.studies.study import Context
from poolwise.texts import texts_from

WORDS = (
    "a cat dog sat mat ran hill old sea house tree bird small big red saw man child they".split()
)


def sentences(n=150):
    rng = np.random.default_rng(0)
    made = [" ".join(rng.choice(WORDS, rng.integers(3, 9))) + " ." for _ in range(2 * n)]
    return list(dict.fromkeys(made))[:n]


def planted(folder, to, **changed):
    """A copy of a model's folder, in which tensors with these words in their name are changed."""
    shutil.copytree(folder, to)
    tensors = load_file(to / "model.safetensors")
    for name, tensor in tensors.items():
        for part, change in changed.items():
            if part in name.replace(".", "_"):
                tensors[name] = change(tensor).astype(np.float32)
    save_file(tensors, to / "model.safetensors", metadata={"format": "pt"})
    return poolwise.load(to)


def states(rng, n, t, d):
    return rng.normal(size=(n, t, d)) + rng.normal(size=d)


def explained(given, offset=0.0, below=None, word=2):
    """Residuals by way of the sentences [n, t, d], of which the first lends the last its tokens."""
    ring = np.concatenate([given, given[:1]])
    off = np.broadcast_to(np.float64(offset), ring.shape[2:])
    under = None if below is None else LayerStates(np.concatenate([below, below[:1]]), off)
    found = LayerStates(ring, off).approximate(np.full(len(given), word), under)
    return dict(zip(COMBINATIONS, found.residuals.T, strict=True)), found.weights


def test_each_way_explains_by_its_own_tokens():
    rng = np.random.default_rng(0)
    given = states(rng, 20, 8, 30)
    weights = rng.dirichlet(np.ones(7), 20)
    given[:, 0] = np.einsum("nt,ntd->nd", weights, given[:, 1:])
    left, found = explained(given)
    np.testing.assert_allclose(found[OWN], weights, atol=1e-6)
    assert left[OWN].max() < 1e-10
    assert left[SPAN].max() < 1e-9
    assert np.isnan(left[BELOW]).all()
    for way in (OTHER, EQUAL, OTHER_SPAN, WORD):
        assert left[way].min() > 0.1
    np.testing.assert_allclose(
        left[EQUAL], np.square(given[:, 0] - given[:, 1:].mean(axis=1)).sum(axis=1)
    )
    assert (left[OTHER_SPAN] <= left[OTHER]).all()


def test_a_random_word_is_explained_by_all_others_and_a_layer_by_that_below():
    rng = np.random.default_rng(1)
    given, below = states(rng, 10, 6, 20), states(rng, 10, 6, 20)
    given[:, 2] = (given[:, 0] + given[:, 5]) / 2
    given[:, 0] = 0.25 * below[:, 0] + 0.75 * below[:, 4]
    left, found = explained(given, below=below)
    np.testing.assert_allclose(found[BELOW], [[0.25, 0, 0, 0, 0.75, 0]] * 10, atol=1e-6)
    assert left[BELOW].max() < 1e-10
    moved = given.copy()
    moved[:, 2] = (given[:, 0] + given[:, 5]) / 2
    left, _ = explained(moved)
    assert left[WORD].max() < 1e-10


def test_a_constant_is_taken_off():
    rng = np.random.default_rng(2)
    given, constant = states(rng, 10, 6, 20), 5 * rng.normal(size=20)
    given[:, 0] = given[:, 1:].mean(axis=1) + constant
    left, found = explained(given, offset=constant)
    assert left[SHIFTED].max() < 1e-10
    np.testing.assert_allclose(found[SHIFTED], np.full((10, 5), 0.2), atol=1e-6)
    assert left[OWN].min() > 10
    assert left[OTHER_SHIFTED].min() > 0.1


def test_a_ratio_has_an_interval_that_holds_it():
    rng = np.random.default_rng(3)
    inside = 0
    for _ in range(300):
        below = rng.gamma(2, size=80)
        above = 0.3 * below + rng.normal(size=80) * below / 4
        found = ratio(above, below)
        assert found.value == pytest.approx(above.sum() / below.sum())
        inside += found.low <= 0.3 <= found.high
    assert 0.9 <= inside / 300 <= 0.99
    assert ratio(np.ones(5), np.zeros(5)).value is None


@pytest.fixture(scope="module")
def averaging(tiny, tmp_path_factory):
    """Every token attends to all alike, and takes so much of their mean that little else counts."""
    return planted(
        tiny("bert", pooler=False),
        tmp_path_factory.mktemp("planted") / "model",
        query=np.zeros_like,
        key=np.zeros_like,
        value_weight=lambda w: 30 * np.eye(len(w)),
        value_bias=np.zeros_like,
        attention_output_dense_weight=lambda w: np.eye(len(w)),
        attention_output_dense_bias=np.zeros_like,
        intermediate=np.zeros_like,
        LayerNorm_weight=np.ones_like,
        LayerNorm_bias=np.zeros_like,
    )


def by(finding, name, way, layer):
    (found,) = [
        one
        for one in finding.numbers
        if one.name == name and one.where["by"] == way and one.where["layer"] == layer
    ]
    return found


def test_a_planted_average_is_recognised(averaging, tmp_path):
    (finding,) = Average(texts_from(sentences(), name="planted")).run(Context(averaging))
    assert finding.verdict.startswith("Yes: a weighted average "), finding.verdict
    assert " explains nearly all of how [CLS] differs " in finding.verdict
    assert finding.evidence.startswith("at layer ")
    for layer in (1, 2, 3):
        assert by(finding, EXPLAINED, OWN, layer).low > 0.9
        assert by(finding, EXPLAINED, OTHER, layer).high < 0.5
    assert by(finding, EXPLAINED, OWN, 0).value is None
    json = to_json(finding)
    assert json["study"] == "average"
    assert finding.provenance["texts measured"] == 150
    assert write_report([finding], tmp_path).exists()


def test_a_random_encoder_is_no_average(tiny):
    model = poolwise.load(tiny("bert"))
    (finding,) = Average(texts_from(sentences(), name="random")).run(Context(model))
    assert finding.verdict.startswith("No: "), finding.verdict
    assert max(by(finding, EXPLAINED, OWN, layer).value or 0 for layer in range(4)) < 0.5
    for layer in range(4):
        total = sum(
            one.value
            for one in finding.numbers
            if one.name == WEIGHT and one.where["by"] == OWN and one.where["layer"] == layer
        )
        assert total == pytest.approx(1)
        explained = by(finding, RELATIVE, OWN, layer).value
        assert explained <= by(finding, RELATIVE, EQUAL, layer).value
        assert explained >= by(finding, RELATIVE, SPAN, layer).value


def test_tokens_that_another_sentence_has_too_explain_nothing(tiny, tmp_path):
    """One word only: [CLS] varies with the length, and the control is as long."""
    model = planted(tiny("bert"), tmp_path / "model", word_embeddings=lambda w: w * 0 + w[:1])
    (finding,) = Average(texts_from(sentences(), name="one word")).run(Context(model))
    assert finding.verdict.startswith("No: "), finding.verdict
    assert "no clear difference to another sentence's" in finding.evidence
    assert "; with a constant, the same for every sentence, it explains " in finding.evidence
    assert "is at no layer shown to explain most" in finding.verdict
    assert by(finding, EXPLAINED, SHIFTED, 3).low > 0.9
    tested = family(list(layer_statistics(fit_sentences(model, sentences(), 0))))
    assert {tested.sign(one.name) for one in tested.comparisons} == {0}


def test_where_cls_is_the_same_in_all_sentences_nothing_is_said(tiny, tmp_path):
    same = {name: lambda w: w * 0 + w[:1] for name in ("word_embeddings", "position_embeddings")}
    model = planted(tiny("bert"), tmp_path / "model", **same)
    (finding,) = Average(texts_from(sentences(), name="alike")).run(Context(model))
    assert finding.verdict.startswith("Undefined: "), finding.verdict
    for layer in range(4):
        found = by(finding, EXPLAINED, OWN, layer)
        assert found.value is None
        assert "between sentences" in found.note
    read = fit_sentences(model, sentences(), 0)
    assert all(layer.spread < LEAST_SPREAD for layer in layer_statistics(read))


def test_numbers_are_those_of_the_formula(tiny):
    """Every share and residual once more, from vectors that ``embed`` gives."""
    model = poolwise.load(tiny("bert"))
    texts = ["the old cat sat .", "a big red bird .", "they saw the house"] * 12
    texts = list(
        dict.fromkeys(f"{text} {word}" for text, word in zip(texts, WORDS * 2, strict=False))
    )
    read = fit_sentences(model, texts, 0)
    found = list(layer_statistics(read))[2]
    cls = model.embed(texts, "cls@2").astype(np.float64)
    kept = read.vectors[0, 2].astype(np.float64)
    np.testing.assert_allclose(np.sort(kept[:, 0]), np.sort(cls[:, 0]), atol=1e-6)
    left = read.residuals[2, :, COMBINATIONS.index(OWN)]
    away = np.square(cls - cls.mean(axis=0)).sum()
    assert found.explained[OWN].value == pytest.approx(1 - left.sum() / away)
    square = np.square(kept).sum(axis=1)
    assert found.relative[OWN].value == pytest.approx(np.sqrt(left / square).mean())
    assert found.spread == pytest.approx(away / square.sum())


def test_other_families_have_an_answer(family_folder):
    (finding,) = Average(texts_from(sentences(60), name="words")).run(
        Context(poolwise.load(family_folder))
    )
    assert finding.verdict.startswith(("Yes: ", "No: ", "Undefined: ", "Partly: "))
    values = [one.value for one in finding.numbers if one.value is not None]
    assert np.isfinite(values).all()


def test_bare_and_lonely_texts_are_counted(tiny):
    model = poolwise.load(tiny("bert"))
    texts = [*sentences(60), "\u200d", "the " * 30]
    (finding,) = Average(texts_from(texts, name="mixed")).run(Context(model))
    notes = " ".join(finding.notes)
    assert "1 texts were left out" in notes
    assert "1 sentences have no other of their length" in notes


def test_too_few_texts_are_refused(tiny):
    with pytest.raises(StudyError, match="from 30 on"):
        list(
            Average(texts_from(sentences(10), name="few")).run(Context(poolwise.load(tiny("bert"))))
        )


def test_a_sample_is_drawn_by_its_seed(monkeypatch):
    monkeypatch.setattr("poolwise.studies.average.study.MOST_TEXTS", 20)
    texts = sentences(50)
    one, same, other = (Average(texts_from(texts, name=""), seed).texts for seed in (0, 0, 1))
    assert one == same != other
    assert len(set(one)) == 20


def test_states_that_are_not_finite_are_refused(tiny, monkeypatch):
    model = poolwise.load(tiny("bert"))
    look = type(model).token_outputs

    def broken(*given, **options):
        for some in look(*given, **options):
            some.hidden_states[-1] = np.nan
            yield some

    monkeypatch.setattr(type(model), "token_outputs", broken)
    with pytest.raises(StudyError, match="not finite"):
        list(Average(texts_from(sentences(40), name="")).run(Context(model)))
