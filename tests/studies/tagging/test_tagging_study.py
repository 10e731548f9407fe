"""A layer that is planted is found; controls show nothing; what cannot be answered is said."""

import sys

import numpy as np
import pytest

import poolwise
from poolwise.errors import MissingExtraError, StudyError
from poolwise.selection.splits import Splits
from poolwise.studies.study import Context
from poolwise.studies.tagging import Tagging
from poolwise.studies.tagging.corpus import TaggedCorpus, f1
from poolwise.studies.tagging.entities import ENTITIES
from poolwise.studies.tagging.experiment import (
    MOST_FREQUENT,
    SHUFFLED,
    STATIC,
    HeadResult,
    MixExperiment,
    count_trainings,
    most_frequent_tags,
)
from poolwise.studies.tagging.features import LayerMix, mix_features
from poolwise.studies.tagging.finding import build_finding
from poolwise.studies.tagging.linear import train_linear
from poolwise.studies.tagging.scores import F1Scores
from poolwise.studies.tagging.vectors import WordVectors
from poolwise.texts import TaggedSentences

NAMES = ("B-x", "I-x", "O")
DEPTH, WIDTH = 2, 16


def planted(rng, sentences=240):
    """Sentences in which a word is an entity at random, every other word is ``b``."""
    lengths = rng.integers(4, 7, sentences)
    offsets = np.cumsum([0, *lengths])
    tags = np.where(rng.random(offsets[-1]) < 0.3, 0, 2)
    rows = np.arange(sentences)
    corpus = TaggedCorpus(
        tag_names=NAMES,
        words=["a" if i % 2 else "b" for i in range(len(tags))],
        tags=tags,
        offsets=offsets,
        splits=Splits(rows[:140], rows[140:180], rows[180:], notes=("divided so",)),
        scheme=ENTITIES,
        notes=("cut so",),
    )
    states = rng.normal(size=(DEPTH + 1, len(tags), WIDTH)).astype(np.float32)
    return corpus, states


def experiment_of(corpus, states, rng):
    first = rng.integers(0, 5, states.shape[1])
    table = rng.normal(size=(5, WIDTH)).astype(np.float32)
    return MixExperiment(corpus, WordVectors(states, first), table, 0)


def test_the_layer_that_holds_the_tags_is_chosen():
    rng = np.random.default_rng(0)
    corpus, states = planted(rng)
    states[1, :, 3] += 6 * (corpus.tags == 0)
    experiment = experiment_of(corpus, states, rng)
    scores = experiment.run(lambda f, c, tags, _: train_linear(f, c, tags), 1, every_layer=True)
    assert scores.best_mix == "second to last"
    assert scores.single_layers == {0: "embeddings", 1: "second to last", 2: "last layer"}
    assert scores.test.values["second to last"] > 0.97
    assert scores.test.values["concat of the last 2"] > 0.9
    for name in ("embeddings", "last layer", STATIC, MOST_FREQUENT, SHUFFLED):
        assert scores.test.values[name] < 0.3

    finding = build_finding("Which?", HeadResult("a linear head", scores, corpus, 1, ["and so on"]))
    assert finding.verdict == (
        "Take the second to last layer instead of the last layer: it tags words better."
    )
    assert finding.evidence.startswith("the second to last layer: entity F1 0.9")
    assert finding.evidence.endswith(" against the last layer")
    assert {"divided so", "cut so", "and so on"} <= set(finding.notes)
    forest, layers = finding.charts
    assert forest.kind == "forest"
    clear = dict(zip(forest.data["name"], forest.data["clear"], strict=True))
    assert clear["second to last"]
    assert not clear["embeddings"]
    assert "last layer" not in clear
    control = dict(zip(forest.data["name"], forest.data["control"], strict=True))
    assert control[STATIC] and not control["embeddings"]  # noqa: PT018
    assert layers.kind == "by_layer"
    assert set(layers.data["layer"]) == {0, 1, 2}
    for number in finding.numbers:
        assert number.low <= number.value <= number.high
        assert number.control == (number.where["features"] in scores.controls)


def test_without_a_difference_the_answer_says_so():
    rng = np.random.default_rng(1)
    corpus, states = planted(rng)
    states[1:, :, 3] += 2 * (corpus.tags == 0)
    experiment = experiment_of(corpus, states, rng)
    mixes = [LayerMix("second to last", (1,)), LayerMix("last layer", (2,))]
    scores = experiment.run(lambda f, c, tags, _: train_linear(f, c, tags), 1, every_layer=False)
    for chosen, verdict in (
        ("second to last", "Keep the last layer: no other layer or mix of layers is shown"),
        ("last layer", "Take the last layer: no other layer or mix of layers tagged words better"),
    ):
        scores.dev.values[chosen] = 2.0
        text = build_finding("Which?", HeadResult("a linear head", scores, corpus, 1)).verdict
        assert text.startswith(verdict)
        scores.dev.values[chosen] = 0.0
    assert {mix.name for mix in mixes} <= {mix.name for mix in scores.mixes}


def test_a_bilstm_reads_neighbours_where_a_linear_head_cannot(monkeypatch):
    pytest.importorskip("torch")
    import torch

    from poolwise.progress import Progress
    from poolwise.studies.tagging import bilstm as heads

    monkeypatch.setattr(heads, "EPOCHS", (50, 0))

    rng = np.random.default_rng(2)
    corpus, states = planted(rng)
    before = np.roll(corpus.tags, -1) == 0
    states[2, :, 3] += 6 * before
    features = mix_features(
        WordVectors(states, np.zeros(len(corpus.tags), np.intp)),
        LayerMix("", (1, 2), "weighted sum"),
        corpus.word_rows(corpus.splits.train),
    )
    tags = corpus.tags[corpus.word_rows(corpus.splits.train)]

    def score(predictions):
        counts = corpus.span_counts(corpus.splits.test, predictions[1])
        return float(f1(counts.sum(axis=0)))

    state = torch.random.get_rng_state()
    bar = Progress("runs", 2, show=False)
    predictions = heads.train_bilstm(features, corpus, tags, seed=0, progress=bar)
    assert bar.count == pytest.approx(1)
    assert score(predictions) > 0.7
    assert score(train_linear(features, corpus, tags)) < 0.4
    monkeypatch.setattr(heads, "EPOCHS", (2, 0))
    first, second = (
        heads.train_bilstm(features, corpus, tags, seed=1, progress=bar) for _ in range(2)
    )
    np.testing.assert_array_equal(first[1], second[1])
    assert torch.equal(state, torch.random.get_rng_state())


def test_the_most_frequent_tag_of_a_word_is_learned_on_train_alone():
    rng = np.random.default_rng(3)
    corpus, _ = planted(rng)
    tags = np.array([1 if word == "a" else 2 for word in corpus.words])
    test = corpus.word_rows(corpus.splits.test)
    words = list(corpus.words)
    words[test[0]] = "never seen"
    tags[test[1:]] = 0
    retagged = TaggedCorpus(NAMES, words, tags, corpus.offsets, corpus.splits, ENTITIES)
    _, predictions = most_frequent_tags(retagged)
    expected = [1 if corpus.words[row] == "a" else 2 for row in test]
    expected[0] = np.bincount(tags[corpus.word_rows(corpus.splits.train)]).argmax()
    assert predictions.tolist() == expected


def test_differences_are_paired_and_restarts_count():
    rng = np.random.default_rng(4)
    there = rng.integers(1, 4, 300).astype(float)
    right = rng.binomial(there.astype(int), 0.6)
    counts = np.stack([right, there, there], axis=1)
    better = counts.copy()
    better[::10, 0] = there[::10]
    worse = counts.copy()
    worse[::4, 0] = 0
    names = {"a": [counts], "same": [counts], "b": [better], "uneven": [better, worse]}
    scores = F1Scores(names, 0)
    assert scores.values["a"] == pytest.approx(right.sum() / there.sum())
    same = scores.difference("same", "a")
    assert (same.value.value, same.value.low, same.value.high, same.p) == (0, 0, 0, 1)
    gain = scores.difference("b", "a")
    assert 0 < gain.value.low < gain.value.value < gain.value.high
    assert gain.p < 0.001
    even, uneven = scores.estimate("b"), scores.estimate("uneven")
    assert uneven.high - uneven.low > 1.5 * (even.high - even.low)
    assert even.low < even.value < even.high


def tagged(n=120, splits=(), **changes):
    """Animals are entities, and so are two words of a house."""
    rng = np.random.default_rng(5)
    tag_of = {"cat": "B-animal", "dog": "B-animal", "big": "B-house", "house": "I-house"}
    pool = "cat dog mat sat hill sea two on the".split()
    words = []
    for _ in range(n):
        sentence = rng.choice(pool, rng.integers(3, 6)).tolist()
        words.append([*sentence, "big", "house"] if rng.random() < 0.5 else sentence)
    tags = [[tag_of.get(word, "O") for word in sentence] for sentence in words]
    columns = {"words": words, "tags": tags, "splits": [*splits, *[""] * (n - len(splits))]}
    return TaggedSentences("toys", **{**columns, **changes}, hash="abc")


def test_from_text_to_findings(tiny, monkeypatch):
    pytest.importorskip("torch")
    from poolwise.studies.tagging import bilstm as heads

    monkeypatch.setattr(heads, "EPOCHS", (1, 0))
    model = poolwise.load(tiny("bert"))
    splits = ["dev"] * 25 + ["train"] * 95
    study = Tagging(tagged(splits=splits), restarts=1)
    plain, bilstm = study.run(Context(model))
    assert (plain.study, plain.question) == ("tagging", "Which layers tell what each word is?")
    assert plain.provenance["head"] == "linear"
    assert bilstm.provenance["head"] == "bilstm"
    # Without a test part, what the data call dev is reported, and train gives up a part for dev.
    assert plain.provenance["rows"]["test"] == 25
    assert plain.provenance["rows"]["train"] + plain.provenance["rows"]["dev"] == 95
    assert plain.provenance["data_sha256"] == "abc"
    scores = {
        number.where["features"]: number.value
        for number in plain.numbers
        if number.where["part"] == "test" and number.name == "entity F1"
    }
    assert scores["embeddings"] > 0.9
    assert scores[MOST_FREQUENT] == 1
    assert scores[SHUFFLED] < 0.3
    assert set(scores) > {"layer 1", "second to last", "last layer", "weighted sum of all 3"}
    assert [chart.kind for chart in plain.charts] == ["forest", "by_layer"]
    assert [chart.kind for chart in bilstm.charts] == ["forest"]
    assert count_trainings(2) == 15


def test_plain_tags_are_scored_by_accuracy(tiny):
    data = tagged()
    tags = [["NOUN" if word in {"cat", "dog"} else "X" for word in s] for s in data.words]
    (finding,) = Tagging(tagged(tags=tags), heads=["linear"]).run(
        Context(poolwise.load(tiny("bert")))
    )
    assert "accuracy" in finding.evidence
    shuffled = next(n for n in finding.numbers if n.where["features"] == SHUFFLED)
    assert 0.5 < shuffled.value < 0.95


def test_long_sentences_are_cut_and_said(tiny):
    model = poolwise.load(tiny("bert"), max_length=5)
    (finding,) = Tagging(tagged(), heads=["linear"]).run(Context(model))
    assert any("beyond the encoder's maximum length" in note for note in finding.notes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tags": [["O"] * len(words) for words in tagged().words]}, "so there is no entity"),
        ({"tags": [["X"] * len(words) for words in tagged().words]}, "nothing to tell apart"),
        ({"tags": [["B-animal"], *tagged().tags[1:]]}, r"sentence 0 has \d words and 1 tags"),
        ({"words": [], "tags": [], "splits": []}, "every word has the tag ''"),
    ],
)
def test_data_without_tags_to_learn_are_refused_at_once(changes, message):
    with pytest.raises(StudyError, match=message):
        Tagging(tagged(**changes))


def test_three_sentences_are_too_few(tiny):
    study = Tagging(tagged(3, tags=[["B-x", *"O" * (len(w) - 1)] for w in tagged(3).words]))
    with pytest.raises(StudyError, match="give more rows"):
        next(study.run(Context(poolwise.load(tiny("bert")))))


def test_a_part_without_an_entity_is_named(tiny):
    data = tagged(60, ["train"] * 30 + ["dev"] * 15 + ["test"] * 15)
    tags = [["O"] * len(t) if i >= 45 else t for i, t in enumerate(data.tags)]
    study = Tagging(tagged(60, data.splits, tags=tags))
    with pytest.raises(StudyError, match="no entity in the test part"):
        next(study.run(Context(poolwise.load(tiny("bert")))))


def test_without_torch_the_bilstm_names_its_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingExtraError, match=r"poolwise\[torch\]"):
        next(Tagging(tagged()).run(Context(None)))
