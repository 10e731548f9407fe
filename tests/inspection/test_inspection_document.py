"""A sentence from inside: tokens beside their text, and what [CLS] is made of."""

from __future__ import annotations

import numpy as np
import pytest

import poolwise
from poolwise.encoders.blocks import has_separable_blocks
from poolwise.engines import opening
from poolwise.errors import MissingExtraError
from poolwise.inspection import inspect
from poolwise.inspection.surfaces import surfaces
from poolwise.studies.attention import decomposition, zeroing

TEXTS = ["the cat sat on the mat, running", "a dog", "", "A bird 🙂 sees no <b>"]


def kinds(sentence):
    """A method's name with its weights, float [depth, t]; NaN where the document has None."""
    return {k: np.array(rows[1:], float) for k, rows in sentence["weights"].items()}


def test_what_cls_is_made_of(family_folder):
    model = poolwise.load(family_folder)
    document = inspect(model, TEXTS, ["mean@-1"], weights=True)
    for text, sentence in zip(TEXTS, document["sentences"], strict=True):
        (some,) = model.token_outputs([text], attentions=True)
        found = kinds(sentence)
        for method, rows in found.items():
            assert sentence["weights"][method][0] is None
            np.testing.assert_allclose(np.nansum(rows, axis=1), 1, atol=1e-5)
        rows = some.attentions[:, 0, :, 0]
        np.testing.assert_allclose(sentence["attention"], rows, atol=1e-6)
        np.testing.assert_allclose(found["attention"], rows.mean(axis=1), atol=1e-6)
        average = found["average"]
        assert np.isnan(average[:, 0]).all()
        nearest = np.einsum("lt,ltd->ld", average[:, 1:], some.hidden_states[1:, 0, 1:])
        cls = some.hidden_states[1:, 0, 0]
        left = np.linalg.norm(cls - nearest, axis=1) / np.linalg.norm(cls, axis=1)
        np.testing.assert_allclose(sentence["residual"][1:], left, rtol=1e-3)
        if has_separable_blocks(model):
            shares = decomposition.shares(model, some)[:, 0]
            np.testing.assert_allclose(found["norms"], shares, atol=1e-5)
            np.testing.assert_allclose(
                found["zeroing"], zeroing.shares(model, some)[:, 0], atol=1e-4
            )
    offered = [method["key"] for method in document["methods"]]
    assert sorted(offered) == sorted(document["sentences"][0]["weights"])
    if has_separable_blocks(model):
        assert offered == ["zeroing", "norms", "average", "attention"]
        assert document["notes"] == []
    else:
        assert offered == ["average", "attention"]
        assert document["notes"][0].startswith("Only weaker methods are here. Value Zeroing")
        assert model.family.name in document["notes"][0]


def test_the_average_is_no_worse_than_any_single_token(tiny):
    model = poolwise.load(tiny("bert"))
    (sentence,) = inspect(model, TEXTS[:1], [], weights=True)["sentences"]
    (some,) = model.token_outputs(TEXTS[:1])
    cls, others = some.hidden_states[:, 0, :1], some.hidden_states[:, 0, 1:]
    alone = np.linalg.norm(others - cls, axis=-1).min(axis=1) / np.linalg.norm(cls[:, 0], axis=-1)
    assert (np.array(sentence["residual"][1:]) <= alone[1:] + 1e-6).all()


def test_without_torch_the_average_is_left_and_a_note_names_the_command(tiny, monkeypatch):
    def none(*_, attentions=False, **__):
        if attentions:
            raise MissingExtraError("attention", "torch")
        return engine

    model = poolwise.load(tiny("bert"))
    engine = model.engine
    if engine.returns_attentions:
        pytest.skip("the only engine here is transformers")
    monkeypatch.setattr(opening, "open_engine", none)
    document = inspect(model, TEXTS[:2], ["mean@-1"], weights=True)
    assert [method["key"] for method in document["methods"]] == ["average"]
    assert document["notes"][0].startswith("Only a weaker method is here")
    assert "pip install 'poolwise[torch]'" in document["notes"][0]
    assert "attention_engine" not in document["made"]
    for sentence in document["sentences"]:
        assert "attention" not in sentence
        np.testing.assert_allclose(np.nansum(kinds(sentence)["average"], axis=1), 1, atol=1e-6)


def test_norms_are_the_waists(family_folder):
    model = poolwise.load(family_folder)
    document = inspect(model, TEXTS[:2], ["mean@-1", "cls@1"])
    for text, sentence in zip(TEXTS, document["sentences"], strict=False):
        for k in range(model.depth + 1):
            for name, readout in (("cls", f"cls@{k}"), ("mean", f"mean@{k}")):
                expected = np.linalg.norm(model.embed(text, readout))
                np.testing.assert_allclose(sentence["norms"][name][k], expected, rtol=1e-4)
        assert sentence["norms"]["tokens"][0] == sentence["norms"]["cls"]
        assert "weights" not in sentence
    assert list(document["cosine"]) == ["mean@-1", "cls@1"]


def test_tokens_stand_as_in_the_text(family_folder):
    model = poolwise.load(family_folder)
    text = "the cat  sat on a hill, running by"
    (tokens,) = (t.windows[0] for t in model.tokenize([text]))
    shown = surfaces(model.tokenizer, text, tokens)
    words = [one for one, special in zip(shown, tokens.special, strict=True) if not special]
    joined = "".join(" " * one.spaced + one.text for one in words)
    for space_alone in "▁Ġ":
        joined = joined.replace(space_alone, "")
    assert joined.split() == text.split()
    for one, number, special in zip(shown, tokens.ids, tokens.special, strict=True):
        if special:
            assert one.text == model.tokenizer.token(number)
            assert one.spaced


def test_every_token_shows_something_and_no_character_twice(family_folder):
    model = poolwise.load(family_folder)
    for text in ["A bird 🙂🙂 sees", "naïve", " [SEP] ", "שלום", ""]:
        (tokens,) = (t.windows[0] for t in model.tokenize([text]))
        shown = surfaces(model.tokenizer, text, tokens)
        assert len(shown) == len(tokens)
        assert all(one.text for one in shown)
        assert sum(one.text.count("🙂") for one in shown) == text.count("🙂")


@pytest.mark.filterwarnings("ignore::poolwise.errors.PoolwiseWarning")
def test_a_long_text_is_cut_and_marked(tiny):
    model = poolwise.load(tiny("bert"), max_length=8)
    first, second = inspect(model, ["the cat " * 9, "a dog"], ["mean@-1"])["sentences"]
    assert first["truncated"]
    assert not second["truncated"]
    assert len(first["tokens"]) == 8
