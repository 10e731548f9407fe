"""An error names the row of the user's file, whatever lies between."""

from __future__ import annotations

import gzip

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from poolwise import load
from poolwise.errors import TextError
from poolwise.texts import open_texts

LONG = "the cat sat on the mat " * 20


def places(*inputs: object, **how: object) -> list[str]:
    return [sentence.location for sentence in open_texts([str(name) for name in inputs], **how)]


def test_rows_of_every_format(write, tmp_path):
    lines = write("a.txt", "one\n\ntwo\n")
    assert places(lines) == [f"{lines}, line {n}" for n in (1, 2, 3)]
    table = write("b.csv", 'text,n\n"one\n\ntwo",1\n\nthree,2\n')
    assert places(table) == [f"{table}, line {n}" for n in (2, 6)]
    told = write("c.csv", "sep=;\ntext;n\none;1\n")
    assert places(told) == [f"{told}, line 3"]
    packed = write("d.jsonl.gz", gzip.compress(b'{"text": "a"}\n\n{"text": "b"}\n'))
    assert places(packed) == [f"{packed}, line {n}" for n in (1, 3)]
    path = tmp_path / "e.parquet"
    pq.write_table(pa.table({"text": ["a", "b"]}), path)
    assert places(path) == [f"{path}, row {n}" for n in (0, 1)]
    everything = places(lines, table, told, packed, path)
    assert everything == [
        place for one in (lines, table, told, packed, path) for place in places(one)
    ]
    assert places(lines, table, limit=2, seed=3) == [
        place for place in places(lines, table) if place in places(lines, table, limit=2, seed=3)
    ]


def test_sentences_are_in_the_line_of_their_paragraph(write):
    book = write("a.txt", "One. Two.\nThree\ngoes on.\n\n\nFour.\n\nFive. Six.\n")
    texts = list(open_texts([str(book)], split="sentences"))
    found = [(s.text, int(s.location.rpartition(" ")[2])) for s in texts]
    assert found == [
        ("One.", 1),
        ("Two.", 1),
        ("Three goes on.", 1),
        ("Four.", 6),
        ("Five.", 8),
        ("Six.", 8),
    ]
    wrapped = write("b.txt", "".join(f"Sentence number {n} of some words.\n" for n in range(1000)))
    texts = list(open_texts([str(wrapped)], split="sentences"))
    at = [int(s.location.rpartition(" ")[2]) for s in texts]
    assert len(at) == 1000
    assert all(begin <= n + 1 < begin + 200 for n, begin in enumerate(at))
    assert len({*at}) > 1
    rows = write("c.csv", 'n,text\n1,"One.\n\nTwo."\n2,Three.\n')
    assert places(rows, split="sentences") == [f"{rows}, line {n}" for n in (2, 2, 5)]


@pytest.mark.parametrize("split", [None, "sentences"])
def test_a_text_that_is_too_long(write, tiny, split):
    encoder = load(tiny("bert"))
    first = str(write("a.txt", "a cat.\n\na dog.\n"))
    table = write("b.csv", f'text,n\na cat.,1\na cat.,1\n"{LONG}\n.",2\n{LONG}x,3\n')
    packed = write("c.csv.gz", gzip.compress(table.read_bytes()))
    for path in (table, packed):
        texts = open_texts([first, str(path)], column=None, split=split)
        with pytest.raises(TextError, match=f"{path}, line 4: .* tokens, more than the"):
            list(encoder.extract(texts, ["mean@-1"], long="error"))
    with pytest.raises(TextError, match=r"^text 3: .* tokens, more than the"):
        list(encoder.extract(["a", "a", "b", LONG], ["mean@-1"], long="error"))


def test_half_a_surrogate_pair_in_a_sentence(write):
    path = write("a.jsonl", '{"text": "a"}\n\n{"text": "One. Two \\ud800."}\n')
    for split in (None, "sentences"):
        with pytest.raises(TextError, match=r"a\.jsonl, line 3: half a surrogate pair"):
            list(open_texts([str(path)], split=split))
