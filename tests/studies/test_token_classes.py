"""A token's class is that of its word, whatever pieces a tokenizer makes."""

import numpy as np

import poolwise
from poolwise.studies.token_classes import CLASSES, token_classes

CONTENT, FUNCTION, MARK, SEPARATOR, ITSELF = CLASSES


def classes(model, text):
    """Each token's letters and class."""
    (tokenized,) = model.tokenize([text])
    window = tokenized.windows[0]
    found = token_classes(model, window.ids[None], window.special[None])
    assert found.dtype == np.int8
    assert found.shape == (1, len(window.ids))
    return [
        (model.tokenizer.token(i), CLASSES[c]) for i, c in zip(window.ids, found[0], strict=True)
    ]


def spelt(found):
    """Runs of pieces of one class, joined: ``the``, ``housing``, ``.``."""
    return [(token.removeprefix("##").strip("▁Ġ").lower(), kind) for token, kind in found]


def test_every_family_tells_words_marks_and_frame_apart(family_folder):
    model = poolwise.load(family_folder)
    found = spelt(classes(model, "the cat xyz , on mat ."))
    assert found[0][1] == ITSELF
    assert found[-1][1] == SEPARATOR
    inner = [(token, kind) for token, kind in found[1:-1] if token]
    by_class = {kind: "".join(t for t, k in inner if k == kind) for kind in CLASSES[:3]}
    assert by_class == {CONTENT: "catxyzmat", FUNCTION: "theon", MARK: ",."}


def test_pieces_belong_to_their_word(tiny):
    found = classes(poolwise.load(tiny("bert")), "ones up xyz")
    assert [kind for _, kind in found[1:3]] == [CONTENT] * 2  # one ##s
    pieces = dict(found[3:-1])
    assert pieces.pop("u") == FUNCTION
    assert pieces.pop("##p") == FUNCTION
    assert set(pieces.values()) == {CONTENT}


def test_contractions_are_function_words_and_a_mark_ends_a_word(demo):
    found = dict(classes(demo, "The dog's paw didn't, said 3 men—“no”"))
    assert found["dog"] == found["paw"] == found["said"] == found["3"] == found["men"] == CONTENT
    assert found["the"] == found["s"] == found["didn"] == found["t"] == found["no"] == FUNCTION
    assert found["'"] == found[","] == found["—"] == found["“"] == MARK
    assert found["[SEP]"] == SEPARATOR
    assert found["[CLS]"] == ITSELF


def test_bytes_are_read_as_the_characters_they_are(tiny):
    model = poolwise.load(tiny("roberta"))
    found = classes(model, "é the — in’s")
    kinds = [kind for _, kind in found[1:-1]]
    assert kinds == [CONTENT] * 2 + [FUNCTION] + [MARK] * 4 + [FUNCTION] * 5


def test_a_group_gives_what_each_sentence_gives(tiny):
    model = poolwise.load(tiny("roberta"))
    texts = ["the old cat ran", "a dog , no hill", "one two . see"]
    windows = [found.windows[0] for found in model.tokenize(texts)]
    windows = [w for w in windows if len(w.ids) == len(windows[0].ids)]
    ids, special = (np.stack([getattr(w, name) for w in windows]) for name in ("ids", "special"))
    together = token_classes(model, ids, special)
    for row, window in zip(together, windows, strict=True):
        alone = token_classes(model, window.ids[None], window.special[None])
        np.testing.assert_array_equal(alone[0], row)
