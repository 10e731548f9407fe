import numpy as np
import pytest

import poolwise
from poolwise.encoders.arrangement import MAX_MIDDLE
from poolwise.selection.vector_cache import cache_vectors
from poolwise.studies.first import First
from poolwise.studies.first.tokens import MIDDLE, RANDOM, TokenPositions, layers, token_vectors
from poolwise.studies.run import context_for
from poolwise.studies.study import Context
from poolwise.texts import LabelledTexts, TextPairs

WORDS = "cat dog mat hill sea house tree bird man woman child one two old red big".split()


@pytest.fixture(scope="module")
def model(tiny):
    return poolwise.load(tiny("bert"))


def sentences(n, seed=0, longest=9):
    rng = np.random.default_rng(seed)
    return [" ".join(rng.choice(WORDS, rng.integers(3, longest))) for _ in range(n)]


def pairs(model, readout, n=400):
    """Pairs that one readout scores perfectly but for noise."""
    first, second = sentences(n), sentences(n, 1)
    a, b = (model.embed(side, readout + "|l2") for side in (first, second))
    noise = np.random.default_rng(2).normal(scale=0.005, size=n)
    return TextPairs(
        "planted", first, second, np.sum(a * b, axis=1) + noise, [""] * n, [""] * n, ""
    )


def shelved(model, study):
    return context_for(model, [study]).vectors


def answer(model, data):
    study = First(data, rearrange=False)
    (finding,) = study.run(Context(model, cache=shelved(model, study)))
    return finding


def number(finding, name):
    (found,) = [n for n in finding.numbers if n.name == name]
    return found


def test_a_summary_in_the_first_token_is_found_in_no_other(model):
    finding = answer(model, pairs(model, "cls@-1"))
    assert finding.verdict.startswith("No other single token does as well as the first.")
    for name in ("token[1]", "token[2]", "sep", MIDDLE, RANDOM):
        assert number(finding, f"{name} less cls, last layer").high < 0
    assert number(finding, "token[1]@0 less cls, last layer").control


def test_a_summary_in_another_token_is_found_there(model):
    finding = answer(model, pairs(model, "token[2]@-1"))
    assert finding.verdict == "At the last layer token[2] scores higher than the first token."
    assert finding.evidence.startswith("cls@-1 Spearman 0.")
    assert "token[2] (+0." in finding.evidence
    assert number(finding, "token[2] less cls, last layer").low > 0


def test_a_lower_layer_is_compared_at_its_own(model):
    finding = answer(model, pairs(model, "sep@2"))
    found = number(finding, "sep less cls, best layers")
    assert found.where["readout"] == "sep@2"
    assert found.low > 0
    assert any("each at its best layer: better: sep (+" in note for note in finding.notes)


def test_a_best_layer_that_is_the_last_is_not_compared_twice(model):
    finding = answer(model, pairs(model, "cls@-1"))
    names = [n.name for n in finding.numbers]
    assert names.count("mean less cls, last layer") == 1
    for n in finding.numbers:
        if n.name.endswith("best layers"):
            assert not (n.where["readout"].endswith("@-1") and n.where["against"] == "cls@-1")


def test_middle_and_random_tokens_are_tokens_of_the_text(model):
    texts = [*dict.fromkeys(sentences(60, longest=30)), "cat"]
    study = First(
        LabelledTexts("x", texts, ["a", "b"] * (len(texts) // 2 + 1), [""] * len(texts), "")
    )
    cache = shelved(model, study)
    picked = TokenPositions(cache, texts, 0)
    rows = cache.rows(texts)
    n = cache.n_tokens[rows]
    assert n.tolist() == [len(text.split()) + 2 for text in texts]
    middle, some = picked.positions[MIDDLE][rows], picked.positions[RANDOM][rows]
    assert np.array_equal(middle, np.minimum((n - 1) // 2, MAX_MIDDLE))
    assert np.all((some >= 1) & (some <= np.minimum(n - 2, MAX_MIDDLE)))
    assert len(set(some[n > 18].tolist())) > 5
    vectors = token_vectors(cache, picked.positions[RANDOM], 2)
    for i in (0, 7, len(texts) - 1):
        expected = model.embed(texts[i], f"token[{some[i]}]@2")
        np.testing.assert_allclose(vectors[rows[i]], expected, atol=1e-5)
    notes = " ".join(picked.notes())
    assert f"{int(np.sum(n > 18))} of {len(texts)} texts have more than 16 tokens" in notes
    assert f"1 of {len(texts)} texts are one token long" in notes


def test_the_draw_does_not_depend_on_other_texts_of_the_shelf(model):
    texts = list(dict.fromkeys(sentences(50)))
    alone = cache_vectors(model, texts, [])
    among = cache_vectors(model, [*sentences(40, seed=9), *texts], [])
    a, b = (TokenPositions(cache, texts, 3).positions[RANDOM] for cache in (alone, among))
    assert np.array_equal(a[alone.rows(texts)], b[among.rows(texts)])


def test_labels_by_the_first_word_are_read_from_its_token(model):
    texts = list(dict.fromkeys(sentences(700)))[:500]
    labels = ["early" if text.split()[0] < "h" else "late" for text in texts]
    finding = answer(model, LabelledTexts("first words", texts, labels, [""] * len(texts), ""))
    accuracy = {n.where["readout"]: n.value for n in finding.numbers if n.name == "accuracy"}
    assert accuracy["token[1]@1"] > 0.9
    assert accuracy["token[1]@1"] > accuracy["token[2]@1"]
    assert "accuracy" in finding.evidence
    heat, forest = finding.charts
    assert (heat.kind, forest.kind) == ("heat", "forest")
    assert heat.data["best"].count(True) == 7
    assert len(heat.data["value"]) == 7 * len(layers(model))
    assert any("frozen" in note for note in finding.notes)


@pytest.mark.parametrize(
    ("depth", "expected"),
    [(1, [-1]), (2, [1, -1]), (6, [2, 3, 4, -1]), (12, [3, 6, 9, -1]), (24, [6, 12, 18, -1])],
)
def test_four_layers_stand_for_all(depth, expected):
    class Deep:
        pass

    deep = Deep()
    deep.depth = depth
    assert layers(deep) == expected
