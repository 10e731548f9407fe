import errno
import os

import numpy as np
import pytest

import poolwise
from poolwise.errors import StudyError
from poolwise.readouts import parse
from poolwise.selection.vector_cache import cache_vectors

TEXTS = ["the cat sat", "a dog ran over the hill", "", "the cat sat", "no one", "two"]


@pytest.fixture(scope="module")
def model(tiny):
    return poolwise.load(tiny("bert"))


def test_it_holds_what_embed_gives_each_text_once(model):
    asked = ["cls@1", "meanmax@-1", "mean@0", "pooler"]
    held = cache_vectors(model, TEXTS, [parse(spec) for spec in asked])
    assert held.texts == list(dict.fromkeys(TEXTS))
    for spec in asked:
        vectors = held[spec]
        assert vectors.dtype == np.float32
        np.testing.assert_array_equal(vectors, model.embed(held.texts, spec))
    assert held.rows(TEXTS).tolist() == [0, 1, 2, 0, 3, 4]
    assert held.usable.tolist() == [True, True, False, True, True]
    assert held.n_tokens.tolist() == [5, 8, 2, 4, 3]


def test_several_windows_come_out_in_order(model, monkeypatch):
    monkeypatch.setattr("poolwise.extraction.WINDOW_TEXTS", 2)
    held = cache_vectors(model, TEXTS, [parse("cls@-1"), parse("mean@1")])
    np.testing.assert_array_equal(held["mean@1"], model.embed(held.texts, "mean@1"))


def test_a_text_without_the_asked_token_is_still_usable(model):
    held = cache_vectors(model, ["two", "a dog ran"], [parse("token[4]@-1"), parse("cls@-1")])
    assert held.usable.all()
    assert np.isnan(held["token[4]@-1"][0]).all()
    assert np.isfinite(held["token[4]@-1"][1]).all()


def test_too_little_room_on_the_disk_is_said_before_the_pass(model, monkeypatch):
    usage = type("usage", (), {"free": 100})
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage)
    with pytest.raises(StudyError, match="scratch space"):
        cache_vectors(model, TEXTS, [parse("cls@-1")])


def test_a_disk_without_room_is_known_at_once(model, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("os.posix_fallocate", full, raising=False)
    with pytest.raises(StudyError, match=r"GB of scratch space .* No space left .* TMPDIR"):
        cache_vectors(model, TEXTS, [parse("cls@1")])
