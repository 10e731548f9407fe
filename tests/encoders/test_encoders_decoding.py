"""Texts of token ids, and the places of tokens: the folder's own tokenizer.json says the same."""

from __future__ import annotations

import pytest
import tokenizers

from poolwise.encoders import load

TEXTS = [
    "the cat sat on the mat",
    "  two  spaces, and the house's trees ",
    "Übergrößen 😀 naïve 東京",
    "a [SEP] typed, and catsing",
]


@pytest.fixture(params=["bert", "bert-cased", "roberta", "xlm-roberta", "albert", "modernbert"])
def pair(request, tiny):
    """Our tokenizer, and the library's own of the same folder."""
    folder = tiny(request.param)
    theirs = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    if request.param == "modernbert":  # ours, made without the decoder that the published one has
        assert theirs.decoder is None
        theirs.decoder = tokenizers.decoders.ByteLevel()
    return load(folder).tokenizer, theirs


@pytest.mark.parametrize("text", TEXTS)
def test_spans_are_the_librarys(pair, text):
    ours, theirs = pair
    expected = theirs.encode(text, add_special_tokens=False)
    assert [span[0] for span in ours.spans(text)] == expected.ids
    assert [span[1:] for span in ours.spans(text)] == expected.offsets


@pytest.mark.parametrize("skip", [True, False])
@pytest.mark.parametrize("text", TEXTS)
def test_decoded_ids_are_the_librarys(pair, text, skip):
    ours, theirs = pair
    ids = theirs.encode(text).ids
    assert ours.decode(ids, skip_special_tokens=skip) == theirs.decode(ids, skip)
