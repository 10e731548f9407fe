"""The waist: order, windows, duplicates, marks, bounded memory."""

from __future__ import annotations

from itertools import count, islice

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import poolwise
from poolwise import extraction
from poolwise.errors import ReadoutError, TextError
from poolwise.records import Sentence

words = st.sampled_from("the a cat dog sat ran on over mat hill sea and old blue".split())
texts = st.lists(words, max_size=12).map(" ".join)


@pytest.fixture(scope="module")
def bert(tiny):
    return poolwise.load(tiny("bert"))


def test_order_is_kept_whatever_the_window(bert, monkeypatch):
    @settings(max_examples=20, deadline=None)
    @given(many=st.lists(texts, max_size=20), window=st.integers(1, 9))
    def check(many, window):
        monkeypatch.setattr(extraction, "WINDOW_TEXTS", window)
        batches = list(bert.extract(many, ["mean@-1"]))
        assert [s.text for b in batches for s in b.sentences] == many
        assert [s.id for b in batches for s in b.sentences] == list(range(len(many)))
        assert all(len(b) <= window for b in batches)
        for batch in batches:
            for sentence, vector in zip(batch.sentences, batch.vectors["mean@-1"], strict=True):
                (alone,) = bert.extract([sentence.text], ["mean@-1"])
                np.testing.assert_allclose(vector, alone.vectors["mean@-1"][0], atol=1e-6)

    check()


def test_takes_an_endless_iterable_and_reads_no_further_than_a_window(bert, monkeypatch):
    monkeypatch.setattr(extraction, "WINDOW_TEXTS", 4)
    pulled = []
    endless = (pulled.append(i) or f"cat {i}" for i in count())
    assert len(list(islice(bert.extract(endless, ["cls@0"]), 3))) == 3
    assert len(pulled) == 12


def test_a_window_closes_early_when_its_texts_are_long(bert, monkeypatch):
    monkeypatch.setattr(extraction, "WINDOW_CHARACTERS", 20)
    batches = list(bert.extract(["the cat sat on the mat", "a", "b", "c"], ["cls@0"]))
    assert [len(b) for b in batches] == [1, 3]


def test_duplicates_are_computed_once_within_a_window(bert):
    class Counting:
        name, precision, token_budget, sequences = "counting", "exact", 1024, 0
        mixed_lengths = returns_attentions = False

        def run(self, batches, plan):
            self.sequences += sum(map(len, batches))
            return bert.engine.run(batches, plan)

    engine = Counting()
    (batch,) = extraction.extract(
        bert, ["the cat", "a dog", "the cat", "the cat"], ["mean@-1"], engine=engine
    )
    assert engine.sequences == 2
    vectors = batch.vectors["mean@-1"]
    np.testing.assert_array_equal(vectors[0], vectors[2])
    np.testing.assert_array_equal(vectors[0], vectors[3])
    assert not np.array_equal(vectors[0], vectors[1])


def test_an_empty_text_is_a_row_and_marked(bert):
    (batch,) = bert.extract(["", "cat", "  "], ["mean@-1", "cls@-1"])
    assert batch.empty.tolist() == [True, False, True]
    assert batch.n_tokens.tolist()[0] == 2
    assert not batch.nonfinite.any()


def test_a_long_text_is_cut_and_marked(tiny):
    encoder = poolwise.load(tiny("bert"), max_length=6)
    (batch,) = encoder.extract(["the cat sat on the mat and ran", "cat"], ["mean@-1"])
    assert batch.truncated.tolist() == [True, False]
    assert batch.n_tokens.tolist()[0] == 6


def test_a_long_text_can_be_an_error(tiny):
    encoder = poolwise.load(tiny("bert"), max_length=6)
    with pytest.raises(TextError, match="6"):
        list(encoder.extract(["cat", "the cat sat on the mat and ran"], ["cls@0"], long="error"))


def test_a_long_text_can_be_read_in_windows_averaged_by_tokens(tiny):
    encoder = poolwise.load(tiny("bert"), max_length=6)
    text = "the cat sat on the mat and ran over a hill"
    (windowed,) = encoder.extract([text, "cat"], ["mean@-1", "max@1"], long="window")
    assert not windowed.truncated.any()
    windows = encoder.tokenize([text], long="window")[0].windows
    assert len(windows) > 1
    made = {"mean@-1": [], "max@1": []}
    for tokens in windows:
        inner = " ".join(encoder.tokenizer.token(i) for i in tokens.ids[~tokens.special])
        (alone,) = encoder.extract([inner], made)
        for spec, rows in made.items():
            rows.append(alone.vectors[spec][0])
    tokens = [int((~w.special).sum()) for w in windows]
    for spec, rows in made.items():
        np.testing.assert_allclose(
            windowed.vectors[spec][0], np.average(rows, axis=0, weights=tokens), atol=1e-5
        )


def test_ids_and_groups_pass_through(bert):
    given_ = [Sentence("cat", id="a7"), Sentence("dog", id="b9", group="random words")]
    (batch,) = bert.extract(given_, ["cls@0"])
    assert [(s.id, s.group) for s in batch.sentences] == [("a7", ""), ("b9", "random words")]


@pytest.mark.parametrize("wrong", [None, 3.5, b"bytes"])
def test_a_row_that_is_no_text_is_named(bert, wrong):
    with pytest.raises(TextError, match=f"row 1: found {type(wrong).__name__}"):
        list(bert.extract(["fine", wrong], ["cls@0"]))


def test_a_bad_readout_is_refused_before_the_first_text_is_read(bert):
    def never():
        raise AssertionError("a text was read")
        yield

    with pytest.raises(ReadoutError):
        bert.extract(never(), ["mean@99"])
    with pytest.raises(ReadoutError, match="fit"):
        bert.extract(never(), ["mean@-1|whiten(2)"])


def test_a_vector_that_is_not_finite_is_marked(bert):
    class Broken:
        name, precision, token_budget, mixed_lengths = "broken", "exact", 1024, True

        def run(self, batches, plan):
            for index, made in bert.engine.run(batches, plan):
                for vectors in made.vectors.values():
                    vectors[batches[index].lengths > 4] = np.inf
                yield index, made

    (batch,) = extraction.extract(
        bert, ["cat", "the cat sat on the mat"], ["mean@-1|l2"], engine=Broken()
    )
    assert batch.nonfinite.tolist() == [False, True]


def test_no_texts_no_batches(bert):
    assert list(bert.extract([], ["mean@-1"])) == []
