"""[CLS] in other places: what is read there, and what is said of it where the answer is known."""

from dataclasses import replace
from types import MappingProxyType

import numpy as np
import pytest

import poolwise
from poolwise.encoders.arrangement import middle
from poolwise.encoders.tokenizer.frame import Frame
from poolwise.encoders.variants.rearrange import rearrange
from poolwise.errors import EncoderError
from poolwise.selection.scoring import score_readouts
from poolwise.selection.vector_cache import cache_vectors
from poolwise.studies.first import First
from poolwise.studies.first.charts import BEST
from poolwise.studies.first.rearrangements import COSINE, GROUPS, PLACES, score_rearrangements
from poolwise.studies.first.tokens import fixed, layers
from poolwise.studies.run import context_for
from poolwise.studies.study import Context
from poolwise.texts import LabelledTexts, TextPairs

WORDS = "cat dog mat hill sea house tree bird man woman child one two old red big".split()


@pytest.fixture(scope="module")
def model(tiny):
    return poolwise.load(tiny("bert"))


@pytest.fixture(scope="module")
def without_positions(model):
    """An encoder to which order is nothing: [CLS] is the same wherever it stands."""
    name = "embeddings.position_embeddings.weight"
    tensors = {**model.tensors, name: np.zeros_like(model.tensors[name])}
    return replace(model, name="bag", tensors=MappingProxyType(tensors))


def sentences(n, seed=0):
    rng = np.random.default_rng(seed)
    return [" ".join(rng.choice(WORDS, rng.integers(3, 9))) for _ in range(n)]


def pairs(encoder, readout, n=400):
    """Pairs that one readout of one encoder scores perfectly but for noise."""
    first, second = sentences(n), sentences(n, 1)
    a, b = (encoder.embed(side, readout + "|l2") for side in (first, second))
    noise = np.random.default_rng(2).normal(scale=0.005, size=n)
    return TextPairs(
        "planted", first, second, np.sum(a * b, axis=1) + noise, [""] * n, [""] * n, ""
    )


def answer(encoder, data):
    study = First(data)
    request = study.request(encoder)
    cache = cache_vectors(encoder, [*sentences(30, seed=9), *request.texts], request.readouts)
    (finding,) = study.run(Context(encoder, cache=cache))
    return finding


def number(finding, name, **where):
    (found,) = [
        n for n in finding.numbers if n.name == name and where.items() <= dict(n.where).items()
    ]
    return found


def position(place, n_tokens):
    """Where a place's token stands, worked out again; None is the mean."""
    if place.pool == "mean":
        return None
    if place.pool == "a middle token":
        return int(middle(n_tokens))
    return {"cls": 0, "token[1]": 1}[place.pool]


def test_each_place_is_read_where_it_is(model):
    data = pairs(model, "cls@-1", n=60)
    study = First(data)
    request = study.request(model)
    cache = cache_vectors(model, [*sentences(20, seed=9), *request.texts], request.readouts)
    study.task.pseudo_values = lambda cosines: cosines  # the rows' cosines as they are
    selection = score_readouts(model, study.task, fixed(model), cache)
    found = score_rearrangements(model, selection, 0)
    assert len(found.columns) == len(PLACES) * len(layers(model))
    rows = (0, 7, 31)
    for place in PLACES:
        made = rearrange(model, place.arrangement)
        for k in (1, -1):
            for row in rows:
                both = []
                for text in (data.first[row], data.second[row]):
                    at = position(place, made.tokenize([text])[0].n_tokens)
                    pool = "mean" if at is None else f"token[{at}]"
                    both.append(made.embed(text, f"{pool}@{k}|l2"))
                expected = float(both[0] @ both[1])
                assert found.columns[f"{place.name}@{k}"][row] == pytest.approx(expected, abs=1e-5)


def test_where_order_is_nothing_the_token_counts_and_nothing_changes(without_positions):
    finding = answer(without_positions, pairs(without_positions, "cls@-1"))
    assert (
        "The token counts, its place is not shown to: [CLS] in the middle against a word there: +0"
        in finding.evidence
    )
    for name in ("[CLS] in the middle, exchanged", "[CLS] in the middle, moved"):
        assert number(finding, f"{name} less cls, last layer").value == pytest.approx(0, abs=1e-3)
        assert number(finding, COSINE, readout=name).value == pytest.approx(1, abs=1e-6)
    for name in ("the mean, [CLS] exchanged", "the mean, [CLS] moved"):
        assert number(finding, f"{name} less mean, last layer").value == pytest.approx(0, abs=1e-3)
    instead = number(finding, "the middle token in front, exchanged less cls, last layer")
    assert instead.high < 0
    assert number(finding, COSINE, readout="[CLS] twice, the first").value < 1 - 1e-3
    control = number(finding, COSINE, readout="another text's cls")
    assert control.control
    assert control.high < 0.99


@pytest.mark.parametrize(
    ("readout", "winner"),
    [
        ("cls@-1", "the middle token in front, exchanged less a middle token"),
        ("mean@-1", "the mean, [CLS] exchanged less mean"),
    ],
)
def test_a_summary_that_only_a_rearranged_text_has_is_found_there(model, readout, winner):
    finding = answer(model, pairs(rearrange(model, "swapped"), readout))
    assert number(finding, f"{winner}, last layer").low > 0
    for name in ("[CLS] twice, the first less cls", "the mean, [CLS] twice less mean"):
        assert number(finding, f"{name}, last layer").low < 0
    if readout == "cls@-1":
        assert "The place counts, the token is not shown to: [CLS] in" in finding.evidence


def test_a_finding_holds_what_each_comparison_rests_on(model):
    finding = answer(model, pairs(model, "cls@-1"))
    assert finding.verdict.startswith("No other single token does as well as the first.")
    assert "; the mean without [CLS]: " in finding.evidence
    heat, others, places = finding.charts
    assert (heat.kind, others.kind, places.kind) == ("heat", "forest", "forest")
    headings = [*GROUPS, BEST]
    assert list(dict.fromkeys(places.data["group"])) == headings[: len(set(places.data["group"]))]
    assert len(places.data["name"]) == len(set(places.data["name"]))
    told = {n.name: n for n in finding.numbers}
    for rivals in GROUPS.values():
        for name, other in rivals.values():
            one = told[f"{name} less {other}, last layer"]
            assert one.low < one.value < one.high
            assert "after Holm" in one.note
            scores = [
                number(finding, "Spearman", readout=one.where[side]).value
                for side in ("readout", "against")
            ]
            assert one.value == pytest.approx(scores[0] - scores[1], abs=1e-9)
    assert any("another text's cls: 0." in note for note in finding.notes)
    assert len({n.where["readout"] for n in finding.numbers if n.name == COSINE}) == 12


def test_what_counts_below_the_last_layer_is_a_note(model):
    finding = answer(model, pairs(rearrange(model, "swapped"), "cls@1"))
    name = "the middle token in front, exchanged less a middle token, best layers"
    found = number(finding, name)
    assert found.low > 0
    assert found.where["readout"].endswith("@1")
    assert any("each at its best layer: The place counts" in n for n in finding.notes)
    places = finding.charts[-1].data
    label = places["name"][places["value"].index(found.value)]
    assert label.startswith("a word in front less one in the middle, @1 less @")


def test_labels_are_read_from_every_place(model):
    texts = list(dict.fromkeys(sentences(500)))[:300]
    labels = ["early" if text.split()[0] < "h" else "late" for text in texts]
    finding = answer(model, LabelledTexts("first words", texts, labels, [""] * len(texts), ""))
    first = number(finding, "accuracy", readout="the first word in front, [CLS] removed@1")
    away = number(finding, "accuracy", readout="[CLS] in the middle, moved@1")
    assert first.value > 0.9
    assert first.value > away.value


def test_without_rearranging_there_is_no_further_pass(model, monkeypatch):
    def no_pass(*_, **__):
        raise AssertionError("a pass")

    monkeypatch.setattr("poolwise.studies.first.rearrangements.cache_vectors", no_pass)
    data = pairs(model, "cls@-1", n=60)
    study = First(data, rearrange=False)
    (finding,) = study.run(context_for(model, [study]))
    assert len(finding.charts) == 2
    assert "the token" not in finding.evidence
    with pytest.raises(AssertionError, match="a pass"):
        answer(model, data)


def test_no_cls_is_said_before_any_pass(model):
    headless = replace(model, tokenizer=replace(model.tokenizer, frame=Frame((), (3,))))
    data = pairs(model, "cls@-1", n=60)
    with pytest.raises(EncoderError, match="no token before a text"):
        First(data).request(headless)
    assert First(data, rearrange=False).request(headless).readouts
