from dataclasses import dataclass, field, replace
from types import SimpleNamespace

import numpy as np
import pytest

from poolwise.errors import StudyError
from poolwise.records import Sentence, VectorBatch
from poolwise.studies.length.accumulator import LengthAccumulator

DEPTH, WIDTH = 2, 12
GAIN = np.linspace(0.2, 2, WIDTH).astype(np.float32)
BIAS = np.linspace(-1, 1, WIDTH).astype(np.float32)


def encoder(norms=None):
    return SimpleNamespace(depth=DEPTH, width=WIDTH, norm=(norms or {}).get)


def directions(rng, n):
    v = rng.normal(size=(n, WIDTH))
    return v / np.linalg.norm(v, axis=1, keepdims=True)


def normalised(rng, n):
    """What a LayerNorm has before gain and bias."""
    v = rng.normal(size=(n, WIDTH))
    v -= v.mean(axis=1, keepdims=True)
    return v / v.std(axis=1, keepdims=True)


@dataclass
class Texts:
    """Sentences of some length, with vectors whose norms are what a test plants."""

    n: int = 1500
    seed: int = 0
    group: str = ""
    words: np.ndarray = field(init=False)

    def __post_init__(self):
        self.rng = np.random.default_rng(self.seed)
        self.words = self.rng.integers(3, 40, self.n)
        self.tokens = self.words + self.rng.integers(0, 4, self.n)
        still = directions(self.rng, 1).repeat(self.n, axis=0) * 6
        self.vectors = {"cls@0": still.astype(np.float32)}
        for name in ("mean@0", "cls@1", "mean@1", "cls@2", "mean@2"):
            self.plant(name, 10 + self.rng.normal(size=self.n))

    def plant(self, name, norms):
        vectors = directions(self.rng, self.n) * np.asarray(norms)[:, None]
        self.vectors[name] = vectors.astype(np.float32)
        return self

    def batches(self, size=400, **marks):
        sentences = [
            Sentence(" ".join(["word"] * w), i, self.group) for i, w in enumerate(self.words)
        ]
        no = np.zeros(self.n, bool)
        whole = VectorBatch(sentences, self.vectors, self.tokens.astype(np.int32) + 2, no, no, no)
        whole = replace(whole, **marks)
        for start in range(0, self.n, size):
            cut = slice(start, start + size)
            yield VectorBatch(
                sentences[cut],
                {name: v[cut] for name, v in whole.vectors.items()},
                whole.n_tokens[cut],
                whole.truncated[cut],
                whole.empty[cut],
                whole.nonfinite[cut],
            )


def answer(*batches, seed=0, norms=None):
    study = LengthAccumulator(seed)
    study.readouts(encoder(norms))
    for batch in batches:
        study.consume(batch)
    return study.finding()


def number(finding, name, readout="cls@2", of="norm", length="tokens", texts="real", target=None):
    (found,) = [
        n
        for n in finding.numbers
        if n.name == name
        and (n.where["readout"], n.where["of"]) == (readout, of)
        and n.where.get("length", length) == length
        and n.where.get("texts", texts) == texts
        and n.where.get("target") == target
    ]
    return found


def test_a_norm_that_is_the_length_is_found():
    texts = Texts()
    texts.plant("cls@2", 3 + 0.5 * texts.tokens + 0.2 * texts.rng.normal(size=texts.n))
    finding = answer(*texts.batches())
    assert finding.verdict.startswith("Yes: the norm of [CLS] at the last layer tells much of ")
    assert finding.evidence.startswith("the norm explains 100 % of the variance")
    assert number(finding, "slope").value == pytest.approx(0.5, abs=0.01)
    assert number(finding, "intercept").value == pytest.approx(3, abs=0.1)
    for name in ("R²", "eta²", "Spearman"):
        found = number(finding, name)
        assert 0.97 < found.low <= found.value <= found.high <= 1
    assert number(finding, "R²", length="words").value > 0.95
    assert "in the last block itself" in finding.notes[0]


def test_a_norm_that_has_nothing_to_do_with_it_is_not():
    finding = answer(*Texts().batches())
    assert finding.verdict.startswith(
        "No: the norm of [CLS] at the last layer tells hardly anything"
    )
    assert finding.evidence.startswith("the norm explains 0")
    for name in ("R²", "eta²", "Spearman"):
        assert abs(number(finding, name).value) < 0.07
    assert number(finding, "ridge R²", of="vector").value < 0.02


def test_short_sentences_with_norms_on_both_sides_are_found_by_the_curve_alone():
    texts = Texts(n=3000)
    side = texts.rng.choice([-1, 1], texts.n)
    texts.plant("cls@2", 15 + side * (45 - texts.tokens) / 10)
    finding = answer(*texts.batches())
    assert number(finding, "R²").value < 0.01
    assert abs(number(finding, "Spearman").value) < 0.1
    assert number(finding, "eta²").low > 0.95
    assert finding.verdict.startswith("Yes: ")
    assert "by the best curve, eta²" in finding.evidence
    assert "by a straight line only R²" in finding.evidence


def test_the_full_vector_is_asked_beside_the_norm():
    texts = Texts()
    vectors = 10 * directions(texts.rng, texts.n)
    vectors[:, 0] = texts.tokens / 10
    vectors[:, 1] = np.sqrt(100 - vectors[:, 0] ** 2)
    texts.vectors["cls@2"] = vectors.astype(np.float32)
    finding = answer(*texts.batches())
    assert finding.verdict.startswith("No")
    assert finding.verdict.endswith("; the whole vector tells much of it.")
    assert "; the full [CLS] vector predicts it with R² 1.00" in finding.evidence
    assert number(finding, "ridge R²", of="vector").low > 0.99
    assert number(finding, "ridge R²", of="vector", length="words").value > 0.9


def test_partly():
    texts = Texts(n=3000)
    texts.plant("cls@2", 50 + texts.tokens + 20 * texts.rng.normal(size=texts.n))
    assert answer(*texts.batches()).verdict.startswith("Partly: ")


def test_an_interval_across_a_bound_leaves_both_answers():
    texts = Texts(n=300)
    texts.plant("cls@2", 90 + texts.tokens + 30 * texts.rng.normal(size=texts.n))
    finding = answer(*texts.batches())
    found = number(finding, "R²")
    assert found.low < 0.1 < found.high
    assert finding.verdict == (
        "No or partly: the norm of [CLS] at the last layer tells hardly anything, or a part, of "
        "the sentence's length."
    )
    assert "; the interval crosses 0.1; " in finding.evidence


def test_layer_0_is_reported_constant():
    finding = answer(*Texts().batches())
    for name in ("R²", "eta²", "Spearman", "slope"):
        found = number(finding, name, readout="cls@0")
        assert (found.value, found.low, found.high) == (None, None, None)
        assert found.note == "constant"
    assert number(finding, "ridge R²", readout="cls@0", of="vector").note == "constant"
    assert number(finding, "R²", readout="mean@0").value is not None
    assert not any(n.value != n.value for n in finding.numbers)


def test_a_last_block_that_is_constant_says_no():
    texts = Texts().plant("cls@2", np.full(1500, 7.0))
    finding = answer(*texts.batches())
    assert finding.verdict == (
        "No: the norm of [CLS] at the last layer is the same for every sentence."
    )
    texts.vectors["cls@2"] = texts.vectors["cls@0"]
    assert "the full [CLS] vector is the same" in answer(*texts.batches()).evidence


def test_another_sentences_length_is_not_predicted():
    texts = Texts()
    texts.vectors["cls@2"] = (texts.tokens[:, None] * directions(texts.rng, 1)).astype(np.float32)
    finding = answer(*texts.batches())
    for name, of in (("R²", "norm"), ("eta²", "norm"), ("ridge R²", "vector")):
        found = number(finding, name, of=of, target="tokens of another sentence")
        assert found.control
        assert abs(found.value) < 0.03
        assert number(finding, name, of=of).value > 0.99


def test_another_sentences_length_does_not_follow_a_text_that_changes_as_it_goes_on():
    texts = Texts(n=4000)
    late = np.arange(4000) >= 2000
    texts.tokens = texts.tokens + 60 * late
    texts.vectors["cls@2"][:, 0] += 10 * late
    finding = answer(*texts.batches())
    found = number(finding, "ridge R²", of="vector", target="tokens of another sentence")
    assert number(finding, "ridge R²", of="vector").value > 0.5
    assert found.value < 0.005


def test_before_gain_and_bias_the_norm_is_the_root_of_the_width():
    texts = Texts()
    texts.vectors["cls@2"] = (normalised(texts.rng, texts.n) * GAIN + BIAS).astype(np.float32)
    finding = answer(*texts.batches(), norms={2: (GAIN, BIAS)})
    deviation = number(finding, "deviation from √d", of="norm before gain and bias")
    assert 0 <= deviation.value < 1e-5
    assert deviation.control
    assert deviation.note == "flat"
    assert number(finding, "R²", of="norm before gain and bias").note == "constant"
    elsewhere = number(
        finding, "deviation from √d", readout="cls@1", of="norm before gain and bias"
    )
    assert (elsewhere.value, elsewhere.note) == (None, "not a LayerNorm's output")
    assert any("√d = 3.46 for every sentence in layer 2" in note for note in finding.notes)


def test_a_norm_before_gain_that_is_not_flat_is_reported_as_such():
    texts = Texts()
    stretched = normalised(texts.rng, texts.n) * (1 + texts.tokens[:, None] / 100)
    texts.vectors["cls@2"] = (stretched * GAIN + BIAS).astype(np.float32)
    finding = answer(*texts.batches(), norms={2: (GAIN, BIAS)})
    of = "norm before gain and bias"
    assert number(finding, "deviation from √d", of=of).value > 0.3
    assert number(finding, "deviation from √d", of=of).note.startswith("not flat")
    assert number(finding, "R²", of=of).value > 0.99
    assert any("is not √d" in note for note in finding.notes)


@pytest.mark.parametrize(
    ("dead", "bias", "known"),
    [([3], BIAS, True), ([3, 7], BIAS, False), ([], None, True)],
)
def test_dimensions_without_gain_are_read_back_where_they_can_be(dead, bias, known):
    texts = Texts()
    gain = GAIN.copy()
    gain[dead] = 0
    vectors = normalised(texts.rng, texts.n) * gain + (0 if bias is None else bias)
    texts.vectors["cls@2"] = vectors.astype(np.float32)
    finding = answer(*texts.batches(), norms={2: (gain, bias)})
    deviation = number(finding, "deviation from √d", of="norm before gain and bias")
    assert (deviation.value is not None) == known
    assert deviation.note == "flat" if known else "several dimensions" in deviation.note


def test_a_tiny_gain_beside_a_tiny_bias_still_tells():
    texts = Texts()
    gain, bias = GAIN.copy(), BIAS.copy()
    gain[[2, 5]] = 5e-33, 1e-9
    bias[[2, 5]] = 2e-32, -6e-8
    vectors = normalised(texts.rng, texts.n).astype(np.float32) * gain + bias
    texts.vectors["cls@2"] = vectors
    finding = answer(*texts.batches(), norms={2: (gain, bias)})
    assert number(finding, "deviation from √d", of="norm before gain and bias").value < 1e-4


def test_rows_of_unknown_length_or_value_are_left_out_and_counted():
    texts = Texts()
    texts.plant("cls@2", 3.0 + texts.tokens)
    clean = answer(*texts.batches())
    truncated, empty, lost = (np.arange(texts.n) % 50 == k for k in (0, 1, 2))
    texts.vectors["cls@2"][truncated | empty] *= 40
    texts.vectors["mean@1"][lost, 3] = np.nan
    texts.vectors["cls@2"][lost, 0] = np.inf
    # Another study's readout may not exist for a text; that is no reason to leave it out.
    others = np.arange(texts.n) % 50 == 3
    finding = answer(*texts.batches(truncated=truncated, empty=empty, nonfinite=lost | others))
    assert finding.provenance["sentences measured"] == texts.n - 90
    assert any(
        note == "1,410 sentences were measured; left out: 30 truncated, 30 empty, 30 not finite."
        for note in finding.notes
    )
    assert number(finding, "slope").value == pytest.approx(number(clean, "slope").value, abs=1e-3)


def test_the_same_seed_gives_the_same_finding_however_texts_are_batched():
    texts = Texts(n=600)
    texts.plant("cls@1", 5 + 0.1 * texts.tokens + texts.rng.normal(size=texts.n))
    a, b = (answer(*texts.batches(size), seed=3) for size in (600, 600))
    assert a == b
    apart = answer(*texts.batches(77), seed=3)
    assert apart.verdict == a.verdict
    for x, y in zip(a.numbers, apart.numbers, strict=True):
        assert (x.name, x.where) == (y.name, y.where)
        assert (x.value, x.low, x.high) == (
            pytest.approx(y.value, abs=1e-9),
            pytest.approx(y.low, abs=1e-9),
            pytest.approx(y.high, abs=1e-9),
        )
    assert answer(*texts.batches(), seed=4).numbers != a.numbers


def test_the_best_layer_is_chosen_on_one_half_and_reported_on_the_other():
    texts = Texts()
    texts.plant("cls@1", 5 + texts.tokens + 3 * texts.rng.normal(size=texts.n))
    finding = answer(*texts.batches())
    (best,) = [n for n in finding.numbers if n.name.startswith("eta² in the layer")]
    assert best.where["layer"] == 1
    assert best.value == pytest.approx(number(finding, "eta²", readout="cls@1").value, abs=0.05)
    assert best.value != number(finding, "eta²", readout="cls@1").value
    assert "says most in layer 1 (chosen on one half" in finding.notes[0]


def test_random_words_are_measured_apart():
    texts = Texts()
    texts.plant("cls@2", 3.0 + texts.tokens)
    control = Texts(n=500, seed=1, group="random words")
    stranger = Texts(n=300, seed=2, group="another study's")
    stranger.plant("cls@2", np.full(300, 99.0))
    finding = answer(*texts.batches(), *control.batches(), *stranger.batches())
    assert number(finding, "R²").value > 0.99
    assert number(finding, "R²", texts="random words").value < 0.05
    assert number(finding, "ridge R²", of="vector", texts="random words").value < 0.05
    assert finding.provenance["sentences measured"] == 1500
    assert "Real sentences and random words" in [chart.title for chart in finding.charts]


def test_groups_may_share_a_batch():
    texts, control = Texts(n=300), Texts(n=200, seed=1, group="random words")
    (a,), (b,) = texts.batches(300), control.batches(200)
    order = np.random.default_rng(0).permutation(500)
    both = [*a.sentences, *b.sentences]
    mixed = VectorBatch(
        [both[i] for i in order],
        {name: np.concatenate([a.vectors[name], b.vectors[name]])[order] for name in a.vectors},
        *(
            np.concatenate([getattr(a, name), getattr(b, name)])[order]
            for name in ("n_tokens", "truncated", "empty", "nonfinite")
        ),
    )
    assert answer(mixed).provenance["sentences measured"] == 300
    assert any(n.where.get("texts") == "random words" for n in answer(mixed).numbers)


def test_control_texts_have_the_lengths_and_words_of_real_sentences():
    texts = Texts(n=200)
    study = LengthAccumulator(0)
    study.readouts(encoder())
    for batch in texts.batches():
        study.consume(batch)
    control = list(study.control_texts())
    assert {s.group for s in control} == {"random words"}
    assert [len(s.text.split()) for s in control] == texts.words.tolist()


@pytest.mark.parametrize(
    ("texts", "words"),
    [(Texts(n=29), "29 usable sentences"), (Texts(n=0), "0 usable sentences")],
)
def test_too_few_sentences_are_refused(texts, words):
    with pytest.raises(StudyError, match=words):
        answer(*texts.batches())


def test_thirty_sentences_are_enough():
    finding = answer(*Texts(n=30).batches())
    assert finding.verdict
    assert not any(n.name.endswith("says most") for n in finding.numbers)


def test_sentences_of_one_length_are_refused():
    texts = Texts(n=100)
    texts.tokens = np.full(100, 9)
    with pytest.raises(StudyError, match="all 100 sentences are of one length, 9 tokens"):
        answer(*texts.batches())


def test_truncated_sentences_are_counted_in_the_refusal():
    texts = Texts(n=50)
    with pytest.raises(StudyError, match=r"0 usable sentences \(left out: 50 truncated\)"):
        answer(*texts.batches(truncated=np.ones(50, bool)))


def test_the_numbers_of_the_verdict_come_first():
    first = answer(*Texts().batches(), norms={2: (GAIN, BIAS)}).numbers[:3]
    assert [n.name for n in first] == ["eta²", "R²", "ridge R²"]
    assert all(n.where["readout"] == "cls@2" and not n.control for n in first)


def test_charts_hold_columns_of_equal_length():
    texts = Texts()
    texts.plant("cls@1", 5.0 + texts.tokens)
    finding = answer(*texts.batches(), *Texts(n=300, group="random words").batches())
    kinds = [chart.kind for chart in finding.charts]
    assert kinds == ["density", "density", "by_layer", "by_layer"]
    for chart in finding.charts:
        data = chart.data
        columns = (
            ("x0", "x1", "y0", "y1", "count")
            if chart.kind == "density"
            else ("layer", "series", "value", "low", "high", "control")
        )
        assert len({len(data[name]) for name in columns}) == 1
        assert chart.caption.endswith(".")
        assert "nan" not in chart.caption
    layers = finding.charts[2].data
    drawn = dict(
        zip(zip(layers["series"], layers["layer"], strict=True), layers["value"], strict=True)
    )
    assert drawn["norm of [CLS], line", 1] > 0.99
    assert drawn["norm of [CLS], line", 0] is None
    assert {s for s, c in zip(layers["series"], layers["control"], strict=True) if c} == {
        "a random length, norm of [CLS]",
        "a random length, full [CLS]",
    }


def test_readouts_are_cls_and_mean_of_every_layer():
    found = LengthAccumulator().readouts(encoder())
    assert {str(r) for r in found} == {f"{p}@{k}" for p in ("cls", "mean") for k in range(3)}
