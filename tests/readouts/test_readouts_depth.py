"""What a readout reads, and how wide it is, on an encoder of a given depth."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poolwise.errors import ReadoutError
from poolwise.readouts import parse


@pytest.mark.parametrize(
    ("text", "indices"),
    [
        ("mean@0", (0,)),
        ("mean@embeddings", (0,)),
        ("mean@6", (6,)),
        ("mean@-1", (6,)),
        ("mean@-7", (0,)),
        ("pooler", (6,)),
        ("mean@avg(1,-1)", (1, 6)),
        ("mean@avg(-1,1)", (6, 1)),
        ("mean@concat(-4:-1)", (3, 4, 5, 6)),
        ("mean@sum(1:-1)", (1, 2, 3, 4, 5, 6)),
        ("mean@sum(-7:2)", (0, 1, 2)),
        ("mean@sum(embeddings:2,5)", (0, 1, 2, 5)),
        ("mean@avg(3,3)", (3, 3)),
        ("mean@weights(5=0.25,-1=0.75)", (5, 6)),
        ("mean@weights(1,2,3,4,5,6,7)", (0, 1, 2, 3, 4, 5, 6)),
    ],
)
def test_hidden_states_of_six_blocks(text: str, indices: tuple[int, ...]) -> None:
    assert parse(text).layer_indices(6) == indices


@settings(deadline=None)
@given(st.integers(1, 48), st.data())
def test_negative_layers_count_as_python_does(depth: int, data: st.DataObject) -> None:
    k = data.draw(st.integers(-depth - 1, depth))
    assert parse(f"cls@{k}").layer_indices(depth) == (range(depth + 1)[k],)


@pytest.mark.parametrize(
    ("text", "at", "words"),
    [
        ("mean@7", 5, "no hidden state 7: this encoder has hidden states 0..6"),
        ("mean@-8", 5, "no hidden state -8"),
        ("mean@avg(1,7)", 11, "no hidden state 7"),
        ("mean@avg(1,3:999999)", 13, "no hidden state 999999"),
        ("mean@avg(-9:3)", 9, "no hidden state -9"),
        ("mean@sum(1,5:-3)", 11, "it runs from 5 to 4"),
        ("mean@weights(5=0.25,12=0.75)", 20, "no hidden state 12"),
        ("mean@weights(0.5,0.5)", 13, "2 weights for 7 hidden states (0..6)"),
    ],
)
def test_what_six_blocks_lack(text: str, at: int, words: str) -> None:
    with pytest.raises(ReadoutError) as caught:
        parse(text).layer_indices(6)
    assert caught.value.at == at
    assert caught.value.spec == text
    assert words in str(caught.value)


def test_layers_alone_show_themselves() -> None:
    layers = parse("mean@avg(1,7)").layers
    assert layers is not None
    with pytest.raises(ReadoutError) as caught:
        layers.resolve(6)
    assert (caught.value.spec, caught.value.at) == ("avg(1,7)", 6)


@pytest.mark.parametrize(
    ("text", "coefficients"),
    [
        ("mean@3", (1,)),
        ("mean@avg(3:-1)", (0.25, 0.25, 0.25, 0.25)),
        ("mean@sum(1,-1)", (1, 1)),
        ("mean@weights(5=0.25,-1=0.5)", (0.25, 0.5)),
        ("mean@weights(1,2,3,4,5,6,7)", (1, 2, 3, 4, 5, 6, 7)),
    ],
)
def test_coefficients(text: str, coefficients: tuple[float, ...]) -> None:
    layers = parse(text).layers
    assert layers is not None
    assert layers.coefficients(6) == coefficients


def test_concat_has_no_coefficients() -> None:
    layers = parse("mean@concat(1,2)").layers
    assert layers is not None
    with pytest.raises(ReadoutError, match="side by side"):
        layers.coefficients(6)


@pytest.mark.parametrize(
    ("text", "width"),
    [
        ("cls@-1", 384),
        ("pooler", 384),
        ("meanmax@-1", 768),
        ("mean@avg(-4:-1)", 384),
        ("mean@weights(1,2,3,4,5,6,7)", 384),
        ("mean@concat(-4:-1)", 1536),
        ("meanmax@concat(embeddings,-1)", 1536),
        ("mean@-1|center|standardize|l2", 384),
        ("mean@-1|drop(3)", 384),
        ("mean@-1|whiten(256)|truncate(100)|int8", 100),
        ("mean@-1|truncate(100)|binary", 13),
        ("mean@-1|binary", 48),
        ("mean@-1|truncate(384)", 384),
    ],
)
def test_width(text: str, width: int) -> None:
    assert parse(text).width(384, 6) == width


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("mean@-1|whiten(385)", 8),
        ("mean@-1|l2|truncate(385)|l2", 11),
        ("mean@-1|truncate(100)|whiten(101)", 22),
        ("mean@-1|drop(385)", 8),
        ("meanmax@avg(1,-1)|whiten(769)", 18),
    ],
)
def test_steps_that_ask_for_too_many_dimensions(text: str, at: int) -> None:
    with pytest.raises(ReadoutError, match="asks for more dimensions than the") as caught:
        parse(text).width(384, 6)
    assert caught.value.at == at
    assert caught.value.spec == text


@pytest.mark.parametrize("step", ["center", "standardize", "whiten(2)", "drop(1)", "int8"])
def test_steps_that_learn(step: str) -> None:
    assert parse(f"mean@-1|l2|{step}").needs_fit


def test_steps_that_do_not() -> None:
    assert not parse("mean@-1|l2|truncate(8)|binary").needs_fit


def test_pooled() -> None:
    assert parse("mean@-1|whiten(2)|l2").pooled == parse("mean@-1")
