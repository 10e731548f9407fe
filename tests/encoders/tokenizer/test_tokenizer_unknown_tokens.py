"""Vocabularies that do not know the texts: said where vectors are made, with the likely reason."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import warnings

import pytest

import poolwise
from poolwise.errors import PoolwiseWarning

SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
TEXTS = ["THE CAT SAT ON THE MAT", "THE OLD HILL AND THE SEA AND A CAT"]


@pytest.fixture
def folder(tiny, tmp_path):
    """A BERT whose vocabulary is that of ``write``; its words are repeated to fill the rows."""
    return shutil.copytree(tiny("bert"), tmp_path / "folder")


def write(folder, words, **options):
    (folder / "tokenizer.json").unlink()
    (folder / "vocab.txt").write_text("\n".join([*SPECIALS, *words]) + "\n")
    (folder / "tokenizer_config.json").write_text(json.dumps(options))
    return folder


CAPITALS = sorted({word for text in TEXTS for word in text.split()})
SMALL = [word.lower() for word in CAPITALS]


@pytest.mark.parametrize(
    ("words", "options", "texts", "reason"),
    [
        (CAPITALS, {}, TEXTS, "It has capital letters, but texts are lowered: do_lower_case"),
        (SMALL, {"do_lower_case": False}, TEXTS, "It has no capital letters, and texts are not"),
        (SMALL, {"do_lower_case": True}, ["ζ η θ " * 5], "language or script"),
    ],
)
def test_unknown_texts_are_told(folder, words, options, texts, reason):
    model = poolwise.load(write(folder, words, **options))
    with pytest.warns(PoolwiseWarning, match=rf"15 of 15 tokens are \[UNK\].*{reason}"):
        model.embed(texts, "mean@-1")


@pytest.mark.parametrize(
    ("words", "options", "texts"),
    [
        (CAPITALS, {"do_lower_case": False}, TEXTS),
        (SMALL, {"do_lower_case": True}, TEXTS),
        (SMALL, {"do_lower_case": True}, ["ζ η θ"]),
        (SMALL, {"do_lower_case": True}, ["the cat ζ η " * 5]),
    ],
)
def test_known_texts_few_tokens_and_half_of_them_are_not(folder, words, options, texts):
    model = poolwise.load(write(folder, words, **options))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.embed(texts, "mean@-1")


def test_the_command_tells_it(folder, tmp_path):
    write(folder, CAPITALS)
    (tmp_path / "lines.txt").write_text("\n".join(TEXTS))
    command = [sys.executable, "-m", "poolwise", "embed", str(folder), str(tmp_path / "lines.txt")]
    options = ["-o", str(tmp_path / "out.npy"), "-r", "mean@-1"]
    done = subprocess.run([*command, *options], capture_output=True, text=True, check=True)
    assert "15 of 15 tokens are [UNK]" in " ".join((done.stdout + done.stderr).split())


def test_a_sweep_notes_it(folder):
    from poolwise.readouts import parse
    from poolwise.selection.vector_cache import cache_vectors

    cache = cache_vectors(poolwise.load(write(folder, CAPITALS)), TEXTS, [parse("mean@-1")])
    assert "15 of 15 tokens are [UNK]" in cache.unknown[0]
