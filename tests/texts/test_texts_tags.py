"""CoNLL's columns."""

from __future__ import annotations

import gzip
import io
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poolwise.errors import TextError
from poolwise.texts import open_tags

CONLL = """-DOCSTART- -X- -X- O

EU NNP I-NP S-ORG
rejects VBZ I-VP O

New NNP I-NP B-LOC
York NNP I-NP E-LOC
"""

WORD = st.text(st.characters(exclude_categories=["Cs"], exclude_characters=" \t\r\n"), min_size=1)
SENTENCE = st.lists(st.tuples(WORD, WORD), min_size=1, max_size=4)


def refusal(source: object, **how: object) -> str:
    with pytest.raises(TextError) as caught:
        open_tags(str(source), **how)
    return str(caught.value)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("last", ["", "\n", "\n \t\n\n"])
def test_four_columns(write, end, last):
    data = open_tags(str(write("eng.testa", (CONLL + last).replace("\n", end))))
    assert [list(words) for words in data.words] == [["EU", "rejects"], ["New", "York"]]
    assert [list(tags) for tags in data.tags] == [["S-ORG", "O"], ["B-LOC", "E-LOC"]]
    assert (list(data.splits), data.name, len(data)) == (["", ""], "eng.testa", 2)


@settings(max_examples=50, deadline=None)
@given(
    sentences=st.lists(SENTENCE, min_size=1, max_size=4),
    between=st.sampled_from([" ", "\t", "  ", " -X- "]),
)
def test_any_sentences(tmp_path_factory, sentences, between):
    sentences = [
        [(f"w{word}", tag) for word, tag in sentence]  # a word that is -DOCSTART- is none
        for sentence in sentences
    ]
    blocks = ("".join(f"{word}{between}{tag}\n" for word, tag in rows) for rows in sentences)
    path = tmp_path_factory.getbasetemp() / "any.conll"
    path.write_bytes("\n".join(blocks).encode())
    data = open_tags(str(path))
    read = [
        list(zip(words, tags, strict=True))
        for words, tags in zip(data.words, data.tags, strict=True)
    ]
    assert read == sentences


def test_parts_limit_and_other_ways_in(write, monkeypatch):
    path, dev = str(write("train.conll", CONLL)), str(write("dev.conll", "one\tO\n"))
    assert list(open_tags(path, dev=dev, test=dev).splits) == ["train", "train", "dev", "test"]
    assert list(open_tags(path, dev=dev, limit=1).splits) == ["train", "dev"]
    packed = write("train.conll.gz", gzip.compress(CONLL.encode()))
    assert open_tags(str(packed)).hash == open_tags(path).hash
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(CONLL.encode())))
    assert open_tags("-").hash == open_tags(path).hash


def test_the_hash_is_over_every_field(write):
    files = ["a O\nb O\n", "a O\n\nb O\n", "a O\nb B-X\n", "a O\nc O\n"]
    assert len({open_tags(str(write("a.txt", file))).hash for file in files}) == len(files)


def test_what_is_no_conll(write, tmp_path):
    assert "a.txt, line 4: found 1 column, expected 2" in refusal(
        write("a.txt", "a\tO\n\nb\tO\n\tO\n")
    )
    assert "b.txt, line 2: found 3 columns, expected 2" in refusal(write("b.txt", "a O\nb c O\n"))
    assert "c.txt, line 1: found 1 column, expected 2" in refusal(write("c.txt", "alone\n"))
    assert "d.txt holds no rows" in refusal(write("d.txt", "\n-DOCSTART- O\n\n"))
    assert "no such file" in refusal(tmp_path / "nowhere")
    assert "is a folder" in refusal(tmp_path)
    assert "line 2, byte 4 is 0xf6" in refusal(write("e.txt", b"a O\n\xf6 O\n"))
    assert "a limit of -1" in refusal(tmp_path / "a.txt", limit=-1)
