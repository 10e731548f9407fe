"""Planted encoders are told apart; every way is held against what deletion changes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import poolwise
from poolwise.errors import StudyError
from poolwise.reports.rendering import render_chart
from poolwise.studies.attention import Attention, agreement, deletion, study
from poolwise.studies.attention.agreement import SHUFFLED
from poolwise.studies.attention.attributions import NORMS, RAW, ZEROING, attributions
from poolwise.studies.attention.deletion import LEFT_OUT, MASKED, DeletedWords, delete_words
from poolwise.studies.attention.numbers import AGREEMENT, ATTENTION, CORRELATION, ENTROPY, SHARE
from poolwise.studies.study import Context
from poolwise.studies.token_classes import CLASSES
from poolwise.texts import texts_from

WORDS = "the a cat dog sat on mat and ran over hill old sea house tree bird red child".split()


@pytest.fixture(scope="module")
def texts():
    rng = np.random.default_rng(0)
    return [" ".join(rng.choice(WORDS, rng.integers(5, 9))) for _ in range(60)]


@pytest.fixture
def few(monkeypatch):
    monkeypatch.setattr(deletion, "SENTENCES", 30)
    monkeypatch.setattr(study, "UNTRAINED", 20)


def ask(model, texts, seed=0):
    (finding,) = Attention(texts_from(texts, name="words"), seed).run(Context(model))
    return finding


def where(finding, name, **place):
    return [n for n in finding.numbers if n.name == name and place.items() <= n.where.items()]


def planted(model, **modules):
    """The same encoder with all of some modules' weights and biases at a value."""
    tensors = dict(model.tensors)
    for name, tensor in model.tensors.items():
        for module, value in modules.items():
            if f".{module}." in name:
                tensors[name] = np.full_like(tensor, value)
    return replace(model, tensors=tensors)


@pytest.mark.usefixtures("few")
def test_a_finding_is_complete(tiny, texts):
    finding = ask(poolwise.load(tiny("bert")), texts)
    assert finding.evidence.startswith("[CLS] gives ")
    assert "which words matter to [CLS] is told best by " in finding.evidence
    assert finding.verdict.startswith("[CLS] attends most to ")
    assert "; which words matter to it is told best by " in finding.verdict
    assert finding.verdict.count(".") == 1
    for method in (RAW, NORMS, ZEROING):
        for layer in (1, 2, 3):
            found = where(finding, SHARE, way=method, layer=layer)
            assert [n.where["class"] for n in found] == list(CLASSES)
            assert sum(n.value for n in found) == pytest.approx(1, abs=1e-5)
    assert len(where(finding, ATTENTION)) == 3 * 4 * len(CLASSES)
    assert len(where(finding, ENTROPY)) == 3 * 4 + 2 * 3
    for number in finding.numbers:
        if number.value is not None:
            assert number.low <= number.value <= number.high
            assert number.where
    controls = [n for n in finding.numbers if n.control]
    assert all(n.value > 0.9 for n in controls if n.name == ENTROPY)
    shuffled = [n for n in controls if n.name == CORRELATION]
    assert len(shuffled) == 4
    assert all(abs(n.value) < 0.25 for n in shuffled)
    assert {n.where["way"] for n in controls if n.name == AGREEMENT} == {SHUFFLED[0]}
    assert {n.where["yardstick"] for n in where(finding, AGREEMENT)} == {LEFT_OUT, MASKED}
    assert finding.provenance["sentences"] == 60
    for chart in finding.charts:
        assert render_chart(chart).panels


@pytest.mark.usefixtures("few")
def test_an_encoder_that_looks_everywhere_alike_and_takes_nothing(tiny, texts):
    model = planted(poolwise.load(tiny("bert")), query=0, value=0)
    finding = ask(model, texts)
    entropies = [n.value for n in where(finding, ENTROPY) if not n.control]
    np.testing.assert_allclose(entropies, 1, atol=1e-6)
    for name in CLASSES:
        (uniform,) = where(finding, SHARE, **{"way": "a uniform head", "class": name})
        for found in where(finding, SHARE, **{"way": RAW, "class": name}):
            if "layer" in found.where:
                assert found.value == pytest.approx(uniform.value, abs=1e-6)
        for found in where(finding, SHARE, **{"way": NORMS, "class": name}):
            assert found.value == pytest.approx(float(name == "itself"))
    assert all(n.value is None and n.note for n in where(finding, SHARE, way=ZEROING))
    assert all(n.value is None and n.note for n in where(finding, AGREEMENT, yardstick=LEFT_OUT))
    assert " and 0 % by norms" in finding.evidence
    assert "Value Zeroing" not in finding.evidence
    assert finding.verdict.endswith("leaving a word out moves it in too few sentences.")
    for chart in finding.charts:
        assert render_chart(chart).panels


@pytest.mark.usefixtures("few")
def test_blocks_that_cannot_be_taken_apart_leave_raw_attention(tiny, texts):
    finding = ask(poolwise.load(tiny("modernbert")), texts)
    assert {n.where["way"] for n in where(finding, SHARE)} == {RAW, "a uniform head"}
    assert not where(finding, SHARE, blocks="rollout")
    assert any("ModernBERT cannot be taken apart" in note for note in finding.notes)
    assert "is told by raw attention in block 3 where they are left out" in finding.evidence
    for chart in finding.charts:
        assert render_chart(chart).panels


@pytest.mark.usefixtures("few")
def test_without_words_to_leave_out_there_is_no_yardstick(tiny, texts):
    short = list(dict.fromkeys(" ".join(text.split()[:3]) for text in texts))
    finding = ask(poolwise.load(tiny("bert")), short)
    assert not where(finding, AGREEMENT)
    assert finding.verdict.endswith("leaving a word out moves it in too few sentences.")
    assert where(finding, SHARE, way=NORMS, layer=3)


@pytest.mark.usefixtures("few")
def test_the_same_seed_gives_the_same_finding(tiny, texts):
    model = poolwise.load(tiny("bert"))
    one, two = ask(model, texts, 1), ask(model, texts, 1)
    assert one.verdict == two.verdict
    assert one.numbers == two.numbers


@pytest.mark.parametrize("family", ["bert", "roberta", "xlm-roberta", "albert"])
def test_what_deletion_changes_is_read_off_the_changed_texts(tiny, texts, family):
    model = poolwise.load(tiny(family))
    found = delete_words(model, texts[:5], precision="exact", progress=False)
    assert [one.text for one in found] == texts[:5]
    mask = next(name for name in model.special_ids if "mask" in name.lower())
    for one in found:
        words = one.text.split()
        (whole,) = model.tokenize([one.text])
        sizes = np.diff([*one.starts, one.end])
        assert sizes.sum() == whole.n_tokens - 2
        np.testing.assert_array_equal(one.by_word(np.ones(whole.n_tokens, np.float32)), sizes)
        assert one.letters.tolist() == [len(word) for word in words]
        for name, marks in ((LEFT_OUT, np.zeros_like(sizes)), (MASKED, sizes)):
            for i, (distances, size) in enumerate(
                zip(one.distances[name], marks.tolist(), strict=True)
            ):
                changed = " ".join([*words[:i], *words[i + 1 :]])
                if size:
                    changed = " ".join([" ".join(words[:i]) + mask * size, *words[i + 1 :]])
                x, y = model.embed([one.text, changed], "cls@-1")
                cosine = x @ y / np.linalg.norm(x) / np.linalg.norm(y)
                assert distances == pytest.approx(1 - cosine, abs=1e-5)
                (ids,) = model.tokenize([changed])
                hidden = np.sum(ids.windows[0].ids == model.special_ids[mask])
                assert hidden == size


def test_the_way_that_is_true_is_found(tiny, texts):
    """Deletion that does just what norms in the last block say."""
    model = poolwise.load(tiny("bert"))
    sentences = []
    for one in delete_words(model, texts[:40], precision="exact", progress=False):
        (outputs,) = model.token_outputs([one.text], attentions=True)
        distances = one.by_word(attributions(model, outputs).by_block[NORMS][-1][0])
        sentences.append(replace(one, distances={LEFT_OUT: distances}))
    found = agreement.agreement(model, sentences, 0)
    assert found.mean(LEFT_OUT, (NORMS, 3)).value == pytest.approx(1)
    assert abs(found.mean(LEFT_OUT, SHUFFLED).value) < 0.25
    assert found.mean(LEFT_OUT, (RAW, 3)).value < 0.95
    assert found.family.sign(agreement.comparison_name(LEFT_OUT, (NORMS, 3))) == 1
    assert len(found.family.comparisons) == 5
    assert found.best(LEFT_OUT) == [(NORMS, 3)]
    raw = found.scores[LEFT_OUT][RAW, 3]
    shuffled = np.random.default_rng(0).permutation(raw)
    level = {(RAW, 3): raw, (NORMS, 3): raw + 0.001, (ZEROING, 3): shuffled}
    assert replace(found, scores={LEFT_OUT: level}).best(LEFT_OUT) == [(NORMS, 3), (ZEROING, 3)]


def test_sentences_that_deletion_cannot_rank_are_passed_over(tiny):
    model = poolwise.load(tiny("bert"))
    long = " ".join(["cat"] * 80)
    texts = ["the cat sat", long, "the  old\tcat sat on"]
    (one,) = delete_words(model, texts, precision="exact", progress=False)
    assert isinstance(one, DeletedWords)
    assert one.text == "the old cat sat on"
    assert delete_words(model, texts[:2], precision="exact", progress=False) == []


def test_a_sample_is_drawn_and_what_was_done_is_said(tiny, texts, monkeypatch):
    model = poolwise.load(tiny("bert"))
    monkeypatch.setattr(study, "SENTENCES", 40)
    sampled = study.sample(model, texts, 0)
    assert len(set(sampled.texts) & set(texts)) == 40
    assert study.sample(model, texts, 0).texts == sampled.texts
    assert study.sample(model, texts, 1).texts != sampled.texts
    assert sampled.notes == ["40 of 60 sentences, drawn with seed 0"]
    monkeypatch.setattr(study, "TOKENS", 250)
    fewer = study.sample(model, texts, 0).texts
    assert sum(t.n_tokens for t in model.tokenize(fewer)) <= 250
    monkeypatch.undo()
    odd = [*texts, "cat " * 80, "\u200b"]
    (note,) = study.sample(model, odd, 0).notes
    assert "1 of them were cut to 64 tokens" in note
    assert "1 without a token of their own were left out" in note


def test_too_few_sentences_are_refused(tiny):
    with pytest.raises(StudyError, match="2 sentences with a word in them"):
        ask(poolwise.load(tiny("bert")), ["a cat", "the dog", "\u200b"])
