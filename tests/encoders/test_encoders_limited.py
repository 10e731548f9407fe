"""An encoder that reads less, from the other side, without special tokens, or a caller's ids."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoTokenizer

from poolwise.encoders import load
from poolwise.engines import combined_states, engine_of
from poolwise.errors import OptionError, TextError
from poolwise.readouts import parse
from poolwise.token_outputs import token_outputs

TEXT = "the cat sat on the mat and ran over the hill to the old house"


def ids(text):
    return text.windows[0].ids.tolist()


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("length", [3, 5, 12, 64])
def test_length_and_side_are_transformers_own(tiny, side, length):
    theirs = AutoTokenizer.from_pretrained(tiny("bert"), truncation_side=side)
    expected = theirs(TEXT, truncation=True, max_length=length)["input_ids"]
    (read,) = load(tiny("bert")).limited(length, side).tokenize([TEXT])
    assert ids(read) == expected
    assert read.truncated == (len(theirs(TEXT)["input_ids"]) > length)


def test_without_arguments_it_is_the_encoder_itself(tiny):
    encoder = load(tiny("bert"))
    assert encoder.limited() is encoder
    assert encoder.limited(side="right") is encoder


def test_weights_and_engine_are_shared_and_the_hash_is_its_own(tiny):
    encoder = load(tiny("bert"))
    left = encoder.limited(8, "left")
    assert engine_of(left) is engine_of(encoder)
    assert left.tensors is encoder.tensors
    assert left.hash != encoder.hash
    assert encoder.limited(8).hash == encoder.hash


@pytest.mark.parametrize("length", [0, 2, 65, True, 4.0])
def test_a_length_that_cannot_be_is_refused(tiny, length):
    with pytest.raises(OptionError, match="max_length"):
        load(tiny("bert")).limited(length)


def test_without_special_tokens_only_the_text_is_read(tiny):
    encoder = load(tiny("bert"))
    theirs = AutoTokenizer.from_pretrained(tiny("bert"))
    (bare,) = encoder.without_special_tokens().tokenize([TEXT])
    assert ids(bare) == theirs(TEXT, add_special_tokens=False)["input_ids"]
    assert not bare.windows[0].special.any()


@settings(deadline=None, max_examples=30)
@given(words=st.lists(st.sampled_from(TEXT.split()), max_size=70), left=st.booleans())
def test_ids_of_a_text_are_read_as_the_text(tiny, words, left):
    encoder = load(tiny("bert")).limited(side="left" if left else "right")
    (read,) = encoder.tokenize([" ".join(words)])
    again = encoder.tokens_of_ids(ids(read))
    assert ids(again) == ids(read)
    assert np.array_equal(again.windows[0].special, read.windows[0].special)
    assert again.n_tokens == read.n_tokens


def test_long_ids_are_cut_or_refused(tiny):
    encoder = load(tiny("bert")).limited(4)
    cut = encoder.tokens_of_ids([5, 6, 7, 8, 9])
    assert (ids(cut), cut.truncated) == ([5, 6, 7, 8], True)
    assert ids(encoder.limited(4, "left").tokens_of_ids([5, 6, 7, 8, 9])) == [6, 7, 8, 9]
    with pytest.raises(TextError, match="5 tokens, more than the 4"):
        encoder.tokens_of_ids([5, 6, 7, 8, 9], long="error")


@pytest.mark.parametrize("numbers", [[], [-1], [10**6]])
def test_ids_that_are_none_are_refused(tiny, numbers):
    with pytest.raises(TextError, match="text 3: "):
        load(tiny("bert")).tokens_of_ids(numbers, index=3)


def test_spans_are_the_tokens_characters(tiny):
    tokenizer = load(tiny("bert")).tokenizer
    spans = tokenizer.spans(TEXT)
    assert [number for number, _, _ in spans] == tokenizer.encode([TEXT])[0].tolist()
    assert " ".join(TEXT[start:end] for _, start, end in spans) == TEXT
    assert tokenizer.decode([number for number, _, _ in spans]) == TEXT


@pytest.mark.parametrize("spec", ["mean@-2", "cls@avg(1,3)", "mean@sum(0,1)", "max@concat(3,1)"])
def test_combined_states_are_what_the_readout_pools(tiny, spec):
    encoder, readout = load(tiny("bert")), parse(spec)
    (outputs,) = token_outputs(encoder, [TEXT])
    by_layer = dict(zip(outputs.layers, outputs.hidden_states[:, 0], strict=True))
    layers = [by_layer[layer] for layer in readout.layer_indices(3)]
    if "concat" in spec:
        expected = np.concatenate(layers, axis=1)
    else:
        expected = sum(layers) / (2 if "avg" in spec else 1)
    combined = combined_states(readout, 3, by_layer)
    assert combined == pytest.approx(expected, abs=1e-6)
    assert combined.dtype == np.float32
