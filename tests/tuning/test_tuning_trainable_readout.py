"""Readouts as fine-tuning takes them."""

import pytest

from poolwise.errors import ReadoutError
from poolwise.readouts import parse
from poolwise.tuning.trainable_readout import parse_trainable


@pytest.mark.parametrize("spec", ["cls@-1", "pooler", "mean@avg(1,-1)", "token[3]@2", "max@0"])
def test_an_ordinary_readout_learns_nothing_beside_encoder_and_head(spec):
    trainable = parse_trainable(spec, 3)
    assert (trainable.initial, trainable.learns, str(trainable)) == (parse(spec), "", spec)


def test_a_mix_begins_with_equal_weights_of_all_layers():
    trainable = parse_trainable("cls@mix", 3)
    assert trainable.learns == "mix"
    assert trainable.initial.layers.coefficients(3) == (0.25,) * 4


def test_weights_are_where_a_mix_begins():
    trainable = parse_trainable("mean@weights(1=0.25,-1=0.75)", 3)
    assert (trainable.initial, trainable.learns) == (parse("mean@weights(1=0.25,-1=0.75)"), "mix")


def test_learned_attention_begins_as_the_mean():
    trainable = parse_trainable("attention@avg(1,2)", 3)
    assert (trainable.initial, trainable.learns) == (parse("mean@avg(1,2)"), "attention")


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ("mean@-1|l2", "fine-tune mean@-1"),
        ("attention@weights(1=1)", "a layer, or several by avg or sum"),
        ("attention@concat(1,2)", "a layer, or several by avg or sum"),
        ("cls@9", "no hidden state 9"),
        ("nonsense@mix", "nonsense"),
    ],
)
def test_what_cannot_be_tuned_is_refused(spec, told):
    with pytest.raises(ReadoutError, match=told):
        parse_trainable(spec, 3)
