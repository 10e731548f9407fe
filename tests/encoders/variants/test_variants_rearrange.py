"""[CLS] elsewhere, against transformers with position ids; what tokens, marks and counts become."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from transformers import AutoModel

import poolwise
from poolwise import encoders
from poolwise.encoders.arrangement import ARRANGEMENTS, MAX_MIDDLE, middle
from poolwise.encoders.tokenizer.frame import Frame
from poolwise.encoders.variants.rearrange import rearrange
from poolwise.errors import EncoderError, TextError

SENTENCE = "the cat sat on mat"
EXPECTED = {
    "swapped": "sat the cat [CLS] on mat [SEP]",
    "moved": "the cat sat [CLS] on mat [SEP]",
    "removed": "the cat sat on mat [SEP]",
    "repeated": "[CLS] [CLS] the cat sat on mat [SEP]",
}


@pytest.fixture(scope="module")
def model(tiny):
    return poolwise.load(tiny("bert"))


def tokens(encoder, window):
    return " ".join(encoder.tokenizer.token(i) for i in window.ids)


def words(n):
    return " ".join(["cat", "dog", "hill", "sea", "tree"][i % 5] for i in range(n))


@pytest.mark.parametrize("name", ARRANGEMENTS)
def test_tokens_marks_and_counts_go_together(model, name):
    made = rearrange(model, name)
    (text,) = made.tokenize([SENTENCE])
    (window,) = text.windows
    assert tokens(made, window) == EXPECTED[name]
    assert window.special.tolist() == ["[" in token for token in EXPECTED[name].split()]
    assert text.n_tokens == len(window) == len(EXPECTED[name].split())
    assert not text.truncated


@pytest.mark.parametrize("name", ["swapped", "moved"])
@pytest.mark.parametrize("n", [1, 2, 3, 8, 31, 32, 33, 60])
def test_the_middle_is_where_it_is_said_to_be(model, name, n):
    made = rearrange(model, name)
    ((window,),) = (text.windows for text in made.tokenize([words(n)]))
    place = int(middle(n + 2))
    assert 1 <= place <= min(n, MAX_MIDDLE)
    assert window.ids[place] == model.special_ids["[CLS]"]
    plain = model.tokenize([words(n)])[0].windows[0]
    assert sorted(window.ids) == sorted(plain.ids)
    assert np.array_equal(window.ids[place + 1 :], plain.ids[place + 1 :])


@pytest.mark.parametrize("name", ["swapped", "moved"])
def test_an_empty_text_has_no_middle(model, name):
    ((plain,), (made,)) = (one.tokenize([""])[0].windows for one in (model, rearrange(model, name)))
    assert np.array_equal(plain.ids, made.ids)


@pytest.mark.parametrize("family", ["bert", "roberta"])
def test_to_exchange_tokens_is_to_exchange_their_position_ids(tiny, family):
    folder = tiny(family)
    encoder = poolwise.load(folder)
    ids = encoder.tokenize([SENTENCE])[0].windows[0].ids
    place = int(middle(len(ids)))
    first = 0 if family == "bert" else encoder.config.pad_token_id + 1
    positions = np.arange(first, first + len(ids))
    positions[[0, place]] = positions[[place, 0]]
    theirs = AutoModel.from_pretrained(folder).eval()
    with torch.no_grad():
        states = theirs(
            input_ids=torch.tensor(ids)[None].long(),
            position_ids=torch.tensor(positions)[None],
            output_hidden_states=True,
        ).hidden_states
    made = rearrange(encoder, "swapped")
    for k, state in enumerate(states):
        cls, word = (state[0, i].numpy() for i in (0, place))
        np.testing.assert_allclose(made.embed(SENTENCE, f"token[{place}]@{k}"), cls, atol=1e-5)
        np.testing.assert_allclose(made.embed(SENTENCE, f"token[0]@{k}"), word, atol=1e-5)


def test_every_family_reads_every_arrangement(family_folder):
    model = poolwise.load(family_folder)
    plain = model.embed(SENTENCE, "mean@-1")
    for name in ARRANGEMENTS:
        made = rearrange(model, name)
        vector = made.embed(SENTENCE, "mean@-1")
        assert np.isfinite(vector).all()
        assert not np.allclose(vector, plain, atol=1e-3)
    np.testing.assert_array_equal(model.embed(SENTENCE, "mean@-1"), plain)


def test_weights_are_shared_and_outputs_say_how_they_were_made(model):
    made = [rearrange(model, name) for name in ARRANGEMENTS]
    assert all(one.tensors is model.tensors for one in made)
    assert all(type(one) is poolwise.Model for one in made)
    assert len({one.hash for one in made} | {model.hash}) == 5
    assert made[1].hash == rearrange(model, "moved").hash
    assert made[0].name == f"{model.name} ([CLS] swapped)"
    assert made[0].provenance()["model_hash"] == made[0].hash


def test_a_second_cls_takes_the_room_of_the_last_word(tiny):
    model = encoders.load(tiny("bert"), max_length=8)
    made = rearrange(model, "repeated")
    full, short = made.tokenize([words(6), words(5)])
    assert tokens(made, full.windows[0]) == f"[CLS] [CLS] {words(5)} [SEP]"
    assert (full.n_tokens, full.truncated) == (8, True)
    assert (short.n_tokens, short.truncated) == (8, False)
    with pytest.raises(TextError, match="text 0"):
        made.tokenize([words(6)], long="error")


@pytest.mark.parametrize("name", ARRANGEMENTS)
def test_windows_lose_no_word(tiny, name):
    model = encoders.load(tiny("bert"), max_length=8)
    text = words(23)
    (plain,), (found,) = (
        one.tokenize([text], long="window") for one in (model, rearrange(model, name))
    )
    change = {"removed": -1, "repeated": 1}.get(name, 0)
    assert found.n_tokens == plain.n_tokens + change
    assert not found.truncated
    cls = model.special_ids["[CLS]"]
    for window in found.windows:
        assert len(window) <= 8
        assert int(np.sum(window.ids == cls)) == 1 + change
        if name in ("moved", "swapped"):
            assert window.ids[int(middle(len(window)))] == cls
    read = [i for window in found.windows for i in window.ids[~window.special]]
    assert set(read) == set(model.tokenizer.encode([text])[0])
    last = model.tokenizer.encode([text])[0][-1]
    assert found.windows[-1].ids[-2] == last


def test_what_cannot_be_rearranged_says_so(tiny):
    model = encoders.load(tiny("bert"))
    headless = replace(model, tokenizer=replace(model.tokenizer, frame=Frame((), (3,))))
    with pytest.raises(EncoderError, match=r"no token before a text, so there is no \[CLS\]"):
        rearrange(headless, "moved")
    with pytest.raises(EncoderError, match="rearranged already"):
        rearrange(rearrange(model, "moved"), "repeated")
    short = encoders.load(tiny("bert"), max_length=3)
    with pytest.raises(EncoderError, match=r"reads 3 tokens; .* are 4"):
        rearrange(short, "repeated")
    assert len(rearrange(short, "moved").tokenize([words(2)])[0].windows[0]) == 3
