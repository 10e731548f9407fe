"""poolwise.load and Model.embed."""

from __future__ import annotations

import numpy as np
import pytest

import poolwise
import poolwise.token_outputs
from poolwise import encoders
from poolwise.engines import opening
from poolwise.errors import PoolwiseWarning, ReadoutError


@pytest.fixture(scope="module")
def bert(tiny):
    return poolwise.load(tiny("bert"))


def test_three_lines(demo):
    vectors = demo.embed(["a", "b"], "mean@-1")
    assert vectors.shape == (2, 384)
    assert vectors.dtype == np.float32


def test_one_text_is_one_vector_and_none_is_none(bert):
    assert bert.embed("cat", "mean@-1").shape == (32,)
    assert bert.embed([], "meanmax@concat(1,2)").shape == (0, 128)


def test_without_a_readout_the_declared_one_is_used(demo, bert):
    np.testing.assert_array_equal(demo.embed(["a cat"]), demo.embed(["a cat"], "mean@-1|l2"))
    with pytest.raises(ReadoutError, match="declares no pooling"):
        bert.embed(["cat"])


def test_steps_are_fitted_on_the_texts_given(bert):
    train = [f"the cat sat on {word}" for word in "a b c d e f g h i j k l m n".split()]
    vectors = bert.embed(train, "mean@-1|whiten(3)", fit=train)
    np.testing.assert_allclose(np.cov(vectors, rowvar=False), np.eye(3), atol=1e-3)
    with pytest.raises(ReadoutError, match="fit"):
        bert.embed(train, "mean@-1|whiten(3)")


@pytest.mark.parametrize("call", ["fit", "embed"])
@pytest.mark.parametrize("texts", [["a cat", "a dog"], "a cat"], ids=["several", "one"])
@pytest.mark.parametrize("readout", ["mean@-1|center", poolwise.parse("mean@-1|center")])
def test_texts_and_readout_exchanged_are_told_by_name(bert, call, texts, readout):
    with pytest.raises(ReadoutError, match=r"the readout mean@-1\|center in place of the"):
        getattr(bert, call)(readout, texts)


def test_extract_opens_one_engine_for_an_encoder_and_its_prompts(tiny, monkeypatch):
    opened = []
    open_engine = opening.open_engine
    monkeypatch.setattr(opening, "open_engine", lambda *a, **k: opened.append(1) or open_engine(*a))
    for encoder in (poolwise.load(tiny("bert")), encoders.load(tiny("bert"))):
        opened.clear()
        for prompt in (None, "query: ", ""):
            for _ in range(2):
                (batch,) = poolwise.extract(encoder.prompted(prompt), ["a cat"], "mean@-1")
        assert opened == [1]
    model = poolwise.load(tiny("bert"))
    opened.clear()
    (batch,) = poolwise.extract(model, ["a cat"], "mean@-1")
    np.testing.assert_array_equal(batch.vectors["mean@-1"], model.embed(["a cat"], "mean@-1"))
    list(poolwise.token_outputs.token_outputs(model, ["a cat"]))
    assert opened == [1]


def test_cut_texts_and_missing_vectors_are_warned_of(tiny):
    encoder = poolwise.load(tiny("bert"), max_length=5)
    with pytest.warns(PoolwiseWarning, match="1 of 2 texts were cut to 5 tokens"):
        encoder.embed(["cat", "the cat sat on the mat"], "mean@-1")
    with pytest.warns(PoolwiseWarning, match="1 vectors are not finite"):
        encoder.embed([""], "token[4]@1")


def test_the_public_names_are_there():
    for name in poolwise.__all__:
        assert getattr(poolwise, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        poolwise.nonsense  # noqa: B018
