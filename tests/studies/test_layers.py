import numpy as np
import pytest

import poolwise
from poolwise.statistics.clusters import count_independent
from poolwise.statistics.dependent_correlations import williams
from poolwise.studies.layers import Layers
from poolwise.studies.run import context_for
from poolwise.texts import LabelledTexts, TextPairs

WORDS = "cat dog mat hill sea house tree bird man woman child one two old red big".split()


@pytest.fixture(scope="module")
def model(tiny):
    return poolwise.load(tiny("bert"))


def sentences(n, seed=0):
    rng = np.random.default_rng(seed)
    return [" ".join(rng.choice(WORDS, rng.integers(3, 9))) for _ in range(n)]


def pairs(model, readout, n=400, noise=0.005):
    """Pairs that one readout scores perfectly but for noise."""
    first, second = sentences(n), sentences(n, 1)
    a, b = (model.embed(side, readout + "|l2") for side in (first, second))
    scores = np.sum(a * b, axis=1) + np.random.default_rng(2).normal(scale=noise, size=n)
    return TextPairs("planted", first, second, scores, [""] * n, [""] * n, "")


def answer(model, data):
    study = Layers(data)
    context = context_for(model, [study])
    cache = context.vectors
    (finding,) = study.run(context)
    return finding, cache, study


def numbers(finding, name):
    return {n.where["readout"]: n for n in finding.numbers if n.name == name}


def numbers_of(finding, name, pool):
    return [n for n in finding.numbers if n.name == name and n.where["readout"].startswith(pool)]


def test_the_planted_layer_is_taken_and_the_last_one_costs(model):
    finding, *_ = answer(model, pairs(model, "mean@1"))
    assert finding.verdict.startswith("Of mean, take mean@1: it scores higher than mean@-1; of cls")
    assert finding.evidence.startswith("mean@1 Spearman 0.9")
    assert ", against the last layer +0." in finding.evidence
    (regret,) = numbers(finding, "regret of the last layer, mean").values()
    assert regret.low > 0
    assert "after Holm over" in regret.note
    assert "mean@1 scores higher than every other layer of mean" in finding.notes


def test_regrets_are_what_staying_costs_where_no_layer_was_chosen(model):
    finding, *_ = answer(model, pairs(model, "cls@2"))
    scores = {n.where["layer"]: n.value for n in numbers_of(finding, "Spearman", "cls")}
    assert finding.verdict.startswith("Of cls, take cls@2")
    for name, k in (("the last layer", 3), ("the middle layer", 1), ("the embeddings", 0)):
        (regret,) = numbers(finding, f"regret of {name}, cls").values()
        assert regret.where["layer"] == k
        # Layer 2 is chosen without any fold, so nothing is taken off for having been chosen.
        expected = None if scores[k] is None else scores[2] - scores[k]
        assert regret.value == (expected and pytest.approx(expected))
        assert regret.where["part"] == "all rows"
    # Layer 2 of 3 blocks is the second to last: it costs nothing to stay with what is chosen.
    assert not numbers(finding, "regret of the second-to-last layer, cls")


def test_a_second_opinion_stands_beside_the_bootstrap(model):
    from scipy.stats import spearmanr

    finding, cache, study = answer(model, pairs(model, "mean@1", noise=0.1))
    (found,) = numbers(finding, "p of regret of the last layer, mean (Williams)").values()
    columns = [
        study.task.cosines(cache, cache[readout]) for readout in (found.where["readout"], "mean@-1")
    ]
    r = spearmanr(np.column_stack([*columns, study.task.pairs.scores])).statistic
    n = int(count_independent(study.task.groups)[0])
    assert found.value == pytest.approx(williams(r[0, 2], r[1, 2], r[0, 1], n).p)


def test_a_layer_of_one_vector_has_no_score_and_is_named(model):
    finding, *_ = answer(model, pairs(model, "mean@1"))
    assert "no score at cls@0: the same for every row, up to rounding" in finding.notes


def test_noise_tells_no_layer_from_another(model):
    data = pairs(model, "mean@1")
    rng = np.random.default_rng(0)
    scores = rng.permutation(data.scores)
    finding, *_ = answer(
        model,
        TextPairs("noise", data.first, data.second, scores, data.subsets, data.splits, ""),
    )
    assert any(note.startswith("mean@") and "cannot be told from" in note for note in finding.notes)
    assert "keep mean@-1" in finding.verdict
    assert not any(finding.charts[1].data["clear"])


def test_when_the_last_layer_is_best_no_regret_of_it_is_given(model):
    finding, *_ = answer(model, pairs(model, "mean@3"))
    assert finding.verdict.startswith("Of mean, keep mean@-1: no layer scores higher")
    assert not numbers(finding, "regret of the last layer, mean")
    assert not any("Williams" in n.name and "mean" in n.name for n in finding.numbers)


def test_labels_have_no_second_opinion(model):
    texts = list(dict.fromkeys(sentences(500)))[:300]
    labels = ["cat" if "cat" in text else "no cat" for text in texts]
    finding, *_ = answer(model, LabelledTexts("cats", texts, labels, [""] * len(texts), ""))
    assert not any("Williams" in n.name for n in finding.numbers)
    curves, costs = finding.charts
    assert curves.kind == "by_layer"
    assert set(curves.data["series"]) == {"mean", "cls"}
    assert costs.kind == "forest"


def test_one_block_has_two_layers(tiny):
    model = poolwise.load(tiny("bert", num_hidden_layers=1))
    finding, *_ = answer(model, pairs(model, "mean@1"))
    names = {n.name for n in finding.numbers if n.name.startswith("regret")}
    # The middle and the second-to-last layer are the embeddings here: one comparison, not three.
    assert len(names) == 2
