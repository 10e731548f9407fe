"""Ids against transformers' AutoTokenizer; long, odd and hostile texts."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoTokenizer

from poolwise.encoders import load
from poolwise.errors import EncoderError, TextError

TEXTS = [
    "the cat sat on the mat",
    "The CAT; sat!? on-the mat's",
    "",
    "   ",
    " leading and  trailing \n\t",
    "Crème brûlée, naïve Übermut",
    "cats running 猫が座った",
    "zzz\u0301 \u200b \ufeff e\u0300 ﬁ",
    "emoji 👩‍👩‍👧 here",
    "typed [SEP] and [MASK], <mask></s> or <pad>",
    "a\x00b \x1f c",
]


def ids(encoder, texts, **options):
    return [t.windows[0].ids.tolist() for t in encoder.tokenize(texts, **options)]


@pytest.mark.parametrize("escape", [False, True])
def test_ids_are_transformers_own(family_folder, escape):
    theirs = AutoTokenizer.from_pretrained(family_folder)
    expected = theirs(TEXTS, split_special_tokens=escape)["input_ids"]
    assert ids(load(family_folder), TEXTS, escape_special=escape) == expected


def test_typed_special_tokens(tiny):
    encoder = load(tiny("bert"))
    (typed,), (escaped,) = (ids(encoder, ["a [SEP]"], escape_special=e) for e in (False, True))
    assert typed.count(encoder.special_ids["[SEP]"]) == 2
    assert escaped.count(encoder.special_ids["[SEP]"]) == 1
    (tokens,) = encoder.tokenize(["a [SEP]"])[0].windows
    assert tokens.special.tolist() == [True, False, False, True]
    assert [encoder.tokenizer.token(i) for i in tokens.ids] == ["[CLS]", "a", "[SEP]", "[SEP]"]


@settings(max_examples=60, deadline=None)
@given(text=st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
def test_any_text_as_transformers_does(demo, demo_tokenizer, text):
    assert ids(demo, [text]) == demo_tokenizer([text], max_length=256, truncation=True)["input_ids"]


@pytest.fixture(scope="module")
def demo_tokenizer(demo):
    return AutoTokenizer.from_pretrained(demo.folder)


@pytest.mark.parametrize("name", ["bert", "bert-cased", "distilbert", "electra"])
def test_vocab_txt_alone(tiny, tmp_path, name):
    folder = shutil.copytree(tiny(name), tmp_path / "folder")
    spec = json.loads((folder / "tokenizer.json").read_text())
    vocab = sorted(spec["model"]["vocab"], key=spec["model"]["vocab"].get)
    (folder / "tokenizer.json").unlink()
    (folder / "vocab.txt").write_text("\n".join(vocab) + "\n", encoding="utf-8")
    for options in (
        {},
        {"do_lower_case": False},
        {"do_lower_case": True, "strip_accents": False, "tokenize_chinese_chars": False},
        {"strip_accents": True, "unk_token": "a", "cls_token": "b"},
        {"mask_token": {"__type": "AddedToken", "content": "the", "lstrip": False}},
    ):
        (folder / "tokenizer_config.json").write_text(json.dumps(options))
        encoder = load(folder)
        assert ids(encoder, TEXTS) == AutoTokenizer.from_pretrained(folder)(TEXTS)["input_ids"]
        assert bool(encoder.notes) == ("do_lower_case" not in options)


def test_vocab_json_and_merges(tiny, tmp_path):
    folder = shutil.copytree(tiny("roberta"), tmp_path / "folder")
    model = json.loads((folder / "tokenizer.json").read_text())["model"]
    (folder / "tokenizer.json").unlink()
    (folder / "vocab.json").write_text(json.dumps(model["vocab"]))
    merges = "\n".join(" ".join(pair) for pair in model["merges"])
    (folder / "merges.txt").write_text(f"#version: 0.2\n{merges}\n", encoding="utf-8")
    for options in ({}, {"add_prefix_space": True}):
        (folder / "tokenizer_config.json").write_text(json.dumps(options))
        expected = AutoTokenizer.from_pretrained(folder)(TEXTS)["input_ids"]
        assert ids(load(folder), TEXTS) == expected


def test_tokenizer_config_decides_on_case(tiny, tmp_path):
    folder = shutil.copytree(tiny("bert-cased"), tmp_path / "folder")
    (folder / "tokenizer_config.json").unlink()
    assert ids(load(folder), TEXTS) == AutoTokenizer.from_pretrained(folder)(TEXTS)["input_ids"]
    assert "do_lower_case" in load(folder).notes[0]


def test_sentence_transformers_lower_case(tiny, tmp_path):
    folder = shutil.copytree(tiny("bert-cased"), tmp_path / "folder")
    assert ids(load(folder), ["THE"]) != ids(load(folder), ["the"])
    (folder / "sentence_bert_config.json").write_text('{"do_lower_case": true}')
    assert ids(load(folder), ["THE"]) == ids(load(folder), ["the"])


def test_stored_padding_and_truncation_are_off(tiny, tmp_path):
    folder = shutil.copytree(tiny("bert"), tmp_path / "folder")
    spec = json.loads((folder / "tokenizer.json").read_text())
    padding = {"direction": "Right", "pad_id": 0, "pad_type_id": 0, "pad_token": "[PAD]"}
    spec["padding"] = {"strategy": {"Fixed": 10**12}, "pad_to_multiple_of": None, **padding}
    spec["truncation"] = {"max_length": 3, "strategy": "LongestFirst", "stride": 0}
    (folder / "tokenizer.json").write_text(json.dumps(spec))
    assert ids(load(folder), TEXTS) == ids(load(tiny("bert")), TEXTS)


def test_order_is_kept_beyond_one_chunk(tiny):
    encoder = load(tiny("bert"))
    texts = [" ".join(["cat"] * (n % 7)) for n in range(2500)]
    assert [t.n_tokens for t in encoder.tokenize(texts)] == [2 + n % 7 for n in range(2500)]
    assert encoder.tokenize([]) == []


def test_truncation_is_transformers_own(family_folder):
    text = "the cat sat on the mat. " * 30
    encoder = load(family_folder, max_length=9)
    theirs = AutoTokenizer.from_pretrained(family_folder)
    (found,) = encoder.tokenize([text])
    assert found.windows[0].ids.tolist() == theirs(text, truncation=True, max_length=9)["input_ids"]
    assert found.truncated
    assert found.n_tokens == 9


@pytest.mark.parametrize("count", [5, 6, 7, 8, 50])
@pytest.mark.parametrize("max_length", [3, 4, 8, 9])
def test_windows_cover_every_token_and_overlap_by_a_quarter(tiny, max_length, count):
    encoder = load(tiny("bert"), max_length=max_length)
    words = "the cat sat on a mat and ran over old hill".split()
    text = " ".join(words[n % len(words)] for n in range(count))
    (whole,) = load(tiny("bert")).tokenize([text])
    body = whole.windows[0].ids[1:-1].tolist()
    (found,) = encoder.tokenize([text], long="window")
    assert not found.truncated
    assert found.n_tokens == count + 2
    bodies = [w.ids[~w.special].tolist() for w in found.windows]
    rebuilt = bodies[0] + [i for part in bodies[1:] for i in part[max_length // 4 :]]
    assert rebuilt == body
    for window in found.windows:
        assert len(window) <= max_length
        assert window.special.tolist() == [True, *[False] * (len(window) - 2), True]
        assert window.ids[[0, -1]].tolist() == whole.windows[0].ids[[0, -1]].tolist()
    assert all(len(window) == max_length for window in found.windows[:-1])


def test_long_texts_can_be_refused(tiny):
    encoder = load(tiny("bert"), max_length=6)
    with pytest.raises(TextError, match=r"text 1: 8 tokens, more than the 6"):
        encoder.tokenize(["the cat", "the cat sat on the mat"], long="error")
    assert encoder.tokenize(["the cat sat on"], long="error")[0].n_tokens == 6


def test_a_line_of_a_megabyte(tiny, family_folder):
    encoder = load(family_folder)
    for text in ("a" * 1_000_000, "the cat 猫 " * 80_000):
        (found,) = encoder.tokenize([text])
        assert len(found.windows[0]) <= encoder.max_length


@pytest.mark.parametrize("text", ["a \ud800 b", "\udfff", "ok \ud83d"])
def test_lone_surrogates_are_named(tiny, text):
    with pytest.raises(TextError, match=r"text 1: .*surrogate"):
        load(tiny("bert")).tokenize(["fine", text, "fine"])


@pytest.mark.parametrize("text", [None, 3, b"bytes", float("nan")])
def test_what_is_no_text_is_named(tiny, text):
    with pytest.raises(TextError, match="text 2: expected a string"):
        load(tiny("bert")).tokenize(["fine", "fine", text])


def test_ids_are_those_of_the_embedding_matrix(tiny):
    encoder = load(tiny("bert"))
    for text in encoder.tokenize(TEXTS):
        assert text.windows[0].ids.max() < len(encoder.word_embeddings)
        assert text.windows[0].ids.dtype == np.int32


def test_a_panic_in_the_tokenizer_names_the_text(tiny, tmp_path, capfd):
    folder = shutil.copytree(tiny("bert"), tmp_path / "folder")
    spec = json.loads((folder / "tokenizer.json").read_text())
    pattern = {"Regex": "(a+)+$"}
    spec["pre_tokenizer"] = {
        "type": "Split",
        "pattern": pattern,
        "behavior": "Isolated",
        "invert": False,
    }
    (folder / "tokenizer.json").write_text(json.dumps(spec))
    as_it_is = {"tokenizer_class": "PreTrainedTokenizerFast"}
    (folder / "tokenizer_config.json").write_text(json.dumps(as_it_is))
    encoder = load(folder)
    with pytest.raises(TextError, match=r"text 1: the tokenizer fails on it: .*retry-limit"):
        encoder.tokenize(["cat", "a" * 60 + "!", "dog"])
    assert encoder.tokenize(["cat"])[0].n_tokens == 3
    capfd.readouterr()


def test_unknown_ids_have_no_token(tiny):
    with pytest.raises(EncoderError, match="no token 99999"):
        load(tiny("bert")).tokenizer.token(99_999)
