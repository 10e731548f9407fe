"""Every readout prints back to itself; no text makes ``parse`` raise anything but ReadoutError."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from poolwise.errors import ReadoutError
from poolwise.readouts import (
    POOLS,
    STEPS,
    Layer,
    LayerExpr,
    Pool,
    Readout,
    Span,
    Step,
    parse,
    parse_steps,
)

NUMBERS = st.integers(-999_999, 999_999)
LAYERS = st.just(Layer(0, named=True)) | NUMBERS.map(Layer)
SPANS = st.builds(Span, LAYERS, LAYERS).filter(
    lambda span: (
        (span.first.index < 0) != (span.last.index < 0) or span.first.index <= span.last.index
    )
)
ITEMS = st.lists(LAYERS | SPANS, min_size=1, max_size=5).map(tuple)
WEIGHTS = st.floats(allow_nan=False, allow_infinity=False)
LAYER_EXPRESSIONS = st.one_of(
    LAYERS.map(lambda layer: LayerExpr("single", (layer,))),
    st.builds(LayerExpr, st.sampled_from(["avg", "sum", "concat"]), ITEMS),
    st.lists(WEIGHTS, min_size=1, max_size=5).map(lambda w: LayerExpr("weights", (), tuple(w))),
    st.lists(st.tuples(LAYERS, WEIGHTS), min_size=1, max_size=5).map(
        lambda pairs: LayerExpr("weights", *map(tuple, zip(*pairs, strict=True)))
    ),
)
PLAIN_POOLS = st.sampled_from([Pool(kind) for kind in POOLS if kind not in {"token", "pooler"}])
POOLS_WITH_LAYERS = PLAIN_POOLS | NUMBERS.map(lambda k: Pool("token", k))


@st.composite
def step_lists(draw: st.DrawFn) -> tuple[Step, ...]:
    names = draw(st.lists(st.sampled_from(list(STEPS)), unique=True, max_size=6))
    names = [name for name in names if not STEPS[name].final] + [
        name for name in names if STEPS[name].final
    ][:1]
    sizes = {name: draw(st.integers(1, 999_999)) for name in names if STEPS[name].sized}
    return tuple(Step(name, sizes.get(name)) for name in names)


READOUTS = st.one_of(
    st.builds(Readout, POOLS_WITH_LAYERS, LAYER_EXPRESSIONS, step_lists()),
    st.builds(Readout, st.just(Pool("pooler")), st.none(), step_lists()),
)


@settings(deadline=None)
@given(READOUTS)
def test_a_readout_prints_back_to_itself(readout: Readout) -> None:
    again = parse(str(readout))
    assert again == readout
    assert hash(again) == hash(readout)
    assert str(again) == str(readout)
    assert " " not in str(readout)


@settings(deadline=None)
@given(READOUTS, st.data())
def test_blanks_around_symbols_change_nothing(readout: Readout, data: st.DataObject) -> None:
    blanks = st.sampled_from(["", " ", "\t", "   "])
    typed = "".join(
        data.draw(blanks) + symbol + data.draw(blanks) if symbol in "@|()[],:=" else symbol
        for symbol in str(readout)
    )
    assert parse(typed) == readout


@settings(deadline=None)
@given(step_lists())
def test_steps_alone_print_back_to_themselves(steps: tuple[Step, ...]) -> None:
    assert parse_steps("|".join(map(str, steps))) == steps


def survives(text: str) -> None:
    try:
        readout = parse(text)
    except ReadoutError as caught:
        error = caught
    else:
        assert parse(str(readout)) == readout
        return
    assert error.spec == text
    assert error.at is not None
    assert 0 <= error.at <= len(text)


@settings(deadline=None)
@given(st.text() | st.text(alphabet="clsmeantokxworddib@|()[],:=-0123456789. e", max_size=30))
@example("mean@weights(²)")
@example("mean@" + "9" * 5000)
@example("mean@weights(" + "9" * 5000 + ")")
@example("mean@weights(1e-999)")
@example("mean@٣")
@example("\x00")
@example("mean@-1\n")
@example("\ud800")
def test_any_text_gives_a_readout_or_a_readout_error(text: str) -> None:
    survives(text)


@settings(deadline=None)
@given(READOUTS, st.data())
def test_a_readout_with_typing_errors_gives_a_readout_or_a_readout_error(
    readout: Readout, data: st.DataObject
) -> None:
    text = str(readout)
    at = data.draw(st.integers(0, len(text)))
    cut = data.draw(st.integers(0, 3))
    survives(text[:at] + data.draw(st.text(max_size=2)) + text[at + cut :])


@pytest.mark.parametrize(
    "text",
    [
        "cls@-1",
        "pooler",
        "mean@-2",
        "mean[words]@-2",
        "token[3]@7",
        "token[-2]@7",
        "max@4",
        "mean@0",
        "mean@embeddings",
        "mean@avg(1,12)",
        "mean@concat(-4:-1)",
        "mean@sum(embeddings,1:-1)",
        "mean@weights(9=0.25,12=0.75)",
        "mean@weights(embeddings=1,-1=-1)",
        "mean@weights(0.1,0.2,0.7)",
        "mean@-1|whiten(256)|l2",
        "mean@-1|l2|center|l2",
        "mean@-1|standardize|drop(3)|truncate(64)|binary",
        "pooler|int8",
    ],
)
def test_what_was_typed_is_kept(text: str) -> None:
    assert str(parse(text)) == text


def test_the_parts() -> None:
    assert parse("mean[words]@concat(embeddings,-4:-1)|whiten(256)|l2") == Readout(
        Pool("mean[words]"),
        LayerExpr("concat", (Layer(0, named=True), Span(Layer(-4), Layer(-1)))),
        (Step("whiten", 256), Step("l2")),
    )
    assert parse("mean@0") != parse("mean@embeddings")


def test_numbers_are_printed_plainly() -> None:
    assert str(parse("mean@007")) == "mean@7"
    assert str(parse("mean@weights(9=.50, 12=5e-1, 1=2.)")) == "mean@weights(9=0.5,12=0.5,1=2)"


def test_readouts_survive_pickling() -> None:
    readout = parse("mean@weights(9=0.25,12=0.75)|whiten(2)")
    assert pickle.loads(pickle.dumps(readout)) == readout


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("mean_sqrt_len_tokens@-1", "sqrtmean@-1"),
        ("weightedmean@-1", "wmean@-1"),
        ("weightedmean_tokens@-1", "wmean@-1"),
        ("lasttoken@-1", "sep@-1"),
        ("cls_token@3", "cls@3"),
        ("mean_tokens@3", "mean@3"),
        ("max_tokens@3", "max@3"),
        ("REDUCE_MEAN@-2", "mean@-2"),
        ("REDUCE_MAX@-2", "max@-2"),
        ("REDUCE_MEAN_MAX@-2", "meanmax@-2"),
        ("FIRST_TOKEN@-2", "cls@-2"),
        ("CLS_TOKEN@-2", "cls@-2"),
        ("LAST_TOKEN@-2", "sep@-2"),
        ("SEP_TOKEN@concat(-4:-1)", "sep@concat(-4:-1)"),
        ("REDUCE_MEAN@embeddings", "mean@embeddings"),
        ("CLS_POOLED", "pooler"),
        ("mean@-1|normalize", "mean@-1|l2"),
    ],
)
def test_names_of_other_libraries(text: str, canonical: str) -> None:
    assert str(parse(text)) == canonical
