import numpy as np
import pytest

import poolwise
from poolwise.encoders.variants.reinitialize import with_random_pooler
from poolwise.errors import StudyError
from poolwise.studies.pooler import CONTROLS, DRAWS, Pooler, random_layers
from poolwise.studies.run import context_for
from poolwise.texts import LabelledTexts, TextPairs

WORDS = "cat dog mat hill sea house tree bird man woman child one two old red big".split()


@pytest.fixture(scope="module")
def model(tiny):
    return poolwise.load(tiny("bert"))


def sentences(n, seed=0):
    rng = np.random.default_rng(seed)
    return [" ".join(rng.choice(WORDS, rng.integers(3, 9))) for _ in range(n)]


def pairs(model, readout, n=400):
    """Pairs that one readout scores perfectly but for noise."""
    first, second = sentences(n), sentences(n, 1)
    a, b = (model.embed(side, readout + "|l2") for side in (first, second))
    noise = np.random.default_rng(2).normal(scale=0.005, size=n)
    return TextPairs(
        "planted", first, second, np.sum(a * b, axis=1) + noise, [""] * n, [""] * n, ""
    )


def answer(model, data):
    study = Pooler(data)
    context = context_for(model, [study])
    cache = context.vectors
    (finding,) = study.run(context)
    return finding, cache


def number(finding, name, **where):
    (found,) = [
        n
        for n in finding.numbers
        if n.name == name and all(n.where.get(key) == value for key, value in where.items())
    ]
    return found


def test_a_pooler_that_summarises_is_said_to(model):
    finding, _ = answer(model, pairs(model, "pooler"))
    assert finding.verdict.startswith("Yes: it summarises the text better")
    assert "never trained" not in finding.verdict
    for other in ("cls@-1", "mean@-1", *CONTROLS):
        found = number(finding, f"{other} less pooler")
        assert found.high < 0
        assert found.control == (other in CONTROLS)
        assert "after Holm over 4" in found.note
    assert any("head" in note for note in finding.notes)


def test_a_mean_that_summarises_better_is_said_to(model):
    finding, _ = answer(model, pairs(model, "mean@-1"))
    assert finding.verdict == "No: cls@-1 and mean@-1 summarise the text better."
    assert finding.evidence.startswith("pooler Spearman 0.")
    assert "mean@-1 +0." in finding.evidence
    assert number(finding, "mean@-1 less pooler").low > 0
    (forest,) = finding.charts
    assert forest.kind == "forest"
    assert forest.data["clear"][forest.data["name"].index("mean@-1 less pooler")]


def test_a_control_is_the_mean_of_its_draws(model):
    finding, _ = answer(model, pairs(model, "mean@-1"))
    pooler = number(finding, "Spearman", readout="pooler").value
    for control in CONTROLS:
        scores = [
            number(finding, "Spearman", readout=f"{control} {k + 1}").value for k in range(DRAWS)
        ]
        assert len(set(scores)) == DRAWS
        gain = number(finding, f"{control} less pooler").value
        assert gain == pytest.approx(np.mean(scores) - pooler)


def test_a_draw_is_what_an_encoder_with_that_pooler_gives(model):
    study = Pooler(pairs(model, "mean@-1", n=100), seed=5)
    context = context_for(model, [study])
    cache = context.vectors
    list(study.run(context))
    drawn = with_random_pooler(model, 5)
    vectors = drawn.embed(list(study.task.pairs.first), "pooler|l2")
    others = drawn.embed(list(study.task.pairs.second), "pooler|l2")
    made = dict(random_layers(model, cache["cls@-1"], 5))["a re-initialised pooler 1"]
    column = study.task.cosines(cache, made)
    np.testing.assert_allclose(column, np.sum(vectors * others, axis=1), atol=1e-5)


def test_an_untrained_pooler_is_called_that(model):
    untrained = with_random_pooler(model, 9)
    finding, _ = answer(untrained, pairs(model, "mean@-1"))
    assert finding.verdict.startswith("No: this pooler was never trained")
    assert any("should not differ" in note for note in finding.notes)


def test_labels_will_do(model):
    texts = list(dict.fromkeys(sentences(500)))[:300]
    labels = ["cat" if "cat" in text else "no cat" for text in texts]
    finding, _ = answer(model, LabelledTexts("cats", texts, labels, [""] * len(texts), ""))
    assert "AUC" in finding.evidence
    assert 0.5 < number(finding, "AUC", readout="mean@-1").value <= 1
    assert any("the probe is a discriminant" in note for note in finding.notes)


def test_without_a_pooler_other_questions_are_named(tiny):
    model = poolwise.load(tiny("bert", pooler=False))
    with pytest.raises(StudyError, match=r"has no pooler.*ask layers .* or first"):
        Pooler(pairs(model, "mean@1", n=60)).request(model)
