"""Rows of a corpus: each row of an input is there, and a bad one says what is wrong with it."""

from __future__ import annotations

import gzip
import json
import pickle
import tracemalloc
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poolwise.errors import TextError
from poolwise.texts.corpus_rows import Corpus, open_corpus

HALF = "half a surrogate pair at character 3"
BAD_BYTE = "encoding: byte 0xff at byte 3 of the text is not utf-8"
LONG = "size: 600 bytes, expected at most 500"
MEGABYTE = 1 << 20


def opened(path: Path, **how: object) -> Corpus:
    corpus = open_corpus([str(path)], **how)
    return pickle.loads(pickle.dumps(corpus))


def found(corpus: Corpus) -> list[tuple[str, str]]:
    """Each row's text and problem; rows from any place on, and their number, are the same."""
    rows = list(corpus.rows(0))
    assert corpus.count(0) == len(rows)
    for first in range(len(rows) + 2):
        assert list(corpus.rows(0, first)) == rows[first:]
    return [(row.sentence.text, row.problem) for row in rows]


def test_lines(write):
    content = b"a\n" + b"z" * 600 + b"\n\n \t\nab\xe9\xffc\nx\0y\r\nfine \xc3\xa9"
    corpus = opened(write("a.txt", content), max_text_bytes=500)
    assert found(corpus) == [
        ("a", ""),
        ("", LONG),
        ("", "empty"),
        ("", "empty"),
        ("", "encoding: byte 0xe9 at byte 2 of the text is not utf-8"),
        ("x\0y", ""),
        ("fine é", ""),
    ]
    sentences = [row.sentence for row in corpus.rows(0, 5)]
    assert [sentence.id for sentence in sentences] == [5, 6]
    assert [sentence.location[-6:] for sentence in sentences] == ["line 6", "line 7"]


def test_json_lines(write):
    lines = [
        b'{"text": "a", "id": 1, "k": "x"}',
        b'{"text": null, "id": 2}',
        b"",
        b'{"text": " ", "id": "three"}',
        b'{"text": ["a"], "id": 4}',
        b'{"text": "abc\\udcff", "id": 5}',
        b'{"text": "abc\xff", "id": 6}',
        b'{"id": 7}',
        b'{"text": "a", "id": 8, "text": "b"}',
        b'["text"]',
        b'{"text": "a"',
        b"[" * 490 * 1000,
        b'{"text": "' + b"a" * 588 + b'"}',
        b'{"text": "a", "id": 2.5}',
        b'{"text": "a", "id": "abc\\ud800"}',
        b'{"text": "a", "id": 99999999999999999999}',
        b'{"text": "a", "id": 9, "k": "abc\\ud800"}',
        b'{"text": "a", "id": 9, "k": "abc\xff"}',
        b'{"text": "a"}',
        b'{"text": "a", "id": 10, "other": "\xff"}',
        b'{"text": NaN, "id": 11}',
    ]
    corpus = opened(
        write("a.jsonl", b"\n".join(lines)), id_column="id", keep=["k"], max_text_bytes=500
    )
    assert found(corpus) == [
        ("a", ""),
        ("", "null"),
        ("", "empty"),
        ("", "type: found a list, expected a text"),
        ("", f"surrogate: {HALF}"),
        ("", BAD_BYTE),
        ("", "column: no column 'text'"),
        ("", "json: the key 'text' is there twice in one object"),
        ("", "json: found a list, expected an object"),
        ("", "json: Expecting ',' delimiter at character 12"),
        ("", "size: 490,000 bytes, expected at most 500"),
        ("", LONG),
        ("", "id: found a float, expected an integer or a text"),
        ("", f"id: {HALF}"),
        ("", "id: an integer of more than 64 bits"),
        ("", f"column: 'k', {HALF}"),
        ("", f"column: 'k', {BAD_BYTE}"),
        ("", "id: column: no column 'id'"),
        ("a", ""),
        ("", "null"),
    ]
    rows = list(corpus.rows(0))
    ids = [1, 2, "three", 4, 5, 6, 7, *[None] * 8, 9, 9, None, 10, 11]
    assert [row.sentence.id for row in rows] == ids
    assert [row.sentence.extra for row in rows] == [("x",), *[(None,)] * (len(rows) - 1)]
    deep = opened(write("b.jsonl", b'{"text": "a"}\n' + b"[" * 100_000))
    assert found(deep) == [("a", ""), ("", "json: nested too deeply")]


@pytest.mark.parametrize(("name", "mark"), [("a.csv", ","), ("a.tsv", "\t")])
def test_delimited(write, name, mark):
    kind = name[2:]
    lines = [
        b"id,text",
        b"1,a",
        b"7," + b"z" * 598,
        b"2,",
        b"3,b,c",
        b"4",
        b"5,abc\xff",
        b"6,x\0y",
        b'8,"a ""b""\nc"',
        b'9,"a"b',
        b'10,"' + b"z\n" * 297 + b'"',
        b'11,"' + b'z""' * 200 + b'"',
        b"12,fine",
    ]
    content = b"\n".join(lines).replace(b",", mark.encode())
    corpus = opened(write(name, content), id_column="id", max_text_bytes=500)
    rows = [
        ("a", ""),
        ("", LONG),
        ("", "empty"),
        ("", "fields: found 3 fields, expected 2"),
        ("", "fields: found 1 field, expected 2"),
        ("", BAD_BYTE),
        ("x\0y", ""),
        ('a "b"\nc', ""),
        ("", f"{kind}: '{mark}' expected after '\"'"),
        ("", "size: 599 bytes, expected at most 500"),
        ("", "size: 605 bytes, expected at most 500"),
        ("fine", ""),
    ]
    if kind == "csv":
        assert found(corpus) == rows
        assert [row.sentence.id for row in corpus.rows(0)] == [
            *("1", None, "2", None, None, "5", "6", "8"),
            *(None, None, None, "12"),
        ]
        assert list(corpus.rows(0))[-1].sentence.location.endswith(f"line {len(lines) + 298}")
    else:  # quotation marks are text where a row says so
        assert found(corpus)[:7] == rows[:7]
        assert found(corpus)[-1] == rows[-1]


def test_a_quoted_field_that_does_not_end(write):
    corpus = opened(write("a.csv", 'id,text\n1,a\n2,"b\n3,c\n'))
    with pytest.raises(TextError, match=r"a\.csv, line 3: not valid CSV: unexpected end of data"):
        list(corpus.rows(0))
    long = opened(write("b.csv", 'id,text\n1,a\n2,"b\n' + "3,c\n" * 200), max_text_bytes=100)
    with pytest.raises(TextError, match=r"b\.csv, line 3: not valid CSV: unexpected end of data"):
        list(long.rows(0))
    swallowed = opened(write("c.csv", 'id,text\n1,"a\n2,b\n3,"c"\n4,d\n'))
    assert found(swallowed) == [("", "csv: ',' expected after '\"' (lines 2 to 4)"), ("d", "")]


def parquet(path: Path, column: pa.Array, **more: object) -> Path:
    pq.write_table(pa.table({"text": column, **more}), path, row_group_size=3)
    return path


@pytest.mark.parametrize("encoded", [False, True])
def test_parquet(tmp_path, encoded):
    values = [b"a", None, b"", b"abc\xff", b"x\0y", b"z" * 600, b"fine", b" ", b"\xc3\xa9"]
    texts = pa.StringArray.from_buffers(
        len(values), *pa.array(values).buffers()[1:], pa.array(values).buffers()[0]
    )
    column = texts.dictionary_encode() if encoded else texts
    ids = pa.array([1, None, 3, 4, 5, 6, 7, 8, 9])
    path = parquet(tmp_path / "a.parquet", column, id=ids)
    assert found(opened(path, id_column="id", max_text_bytes=500)) == [
        ("a", ""),
        ("", "null"),
        ("", "empty"),
        ("", BAD_BYTE),
        ("x\0y", ""),
        ("", LONG),
        ("fine", ""),
        ("", "empty"),
        ("é", ""),
    ]
    rows = list(opened(path, id_column="id", max_text_bytes=500).rows(0))
    assert [row.sentence.id for row in rows] == [1, None, 3, 4, 5, 6, 7, 8, 9]


def test_parquet_of_other_types(tmp_path):
    path = parquet(tmp_path / "a.parquet", pa.array([["a"], None]))
    assert found(opened(path)) == [("", "type: found a list, expected a text"), ("", "null")]


def test_a_hugging_face_dataset(tmp_path):
    datasets = pytest.importorskip("datasets")
    texts = ["a", None, "", "z" * 600, "b"]
    data = datasets.Dataset.from_dict({"text": texts, "id": [1, 2, None, 4, 5]})
    data.save_to_disk(str(tmp_path / "saved"))
    corpus = open_corpus([f"hf:{tmp_path / 'saved'}"], id_column="id", max_text_bytes=500)
    expected = [("a", ""), ("", "null"), ("", "empty"), ("", LONG), ("b", "")]
    assert found(pickle.loads(pickle.dumps(corpus))) == expected
    streamed = tmp_path / "streamed"
    streamed.mkdir()
    parquet(streamed / "a.parquet", pa.array(texts))
    assert found(open_corpus([f"hf:{streamed}"], max_text_bytes=500)) == expected


def test_an_encoding_of_one_byte(write):
    corpus = opened(write("a.txt", b"\x80 \xe9\na\x81\n"), encoding="cp1252")
    bad = "encoding: byte 0x81 at byte 1 of the text is not cp1252"
    assert found(corpus) == [("€ é", ""), ("", bad)]


def test_the_first_rows_are_bad(write):
    assert found(opened(write("a.jsonl", 'x\n{"n": 1}\n{"text": "a"}\n'), column="text"))[1:] == [
        ("", "column: no column 'text'"),
        ("a", ""),
    ]
    assert found(opened(write("a.txt", b"\xff\na\n")))[1] == ("a", "")
    with pytest.raises(TextError, match=r"b\.jsonl, line 1: not JSON"):
        opened(write("b.jsonl", "x\ny\n"))
    with pytest.raises(TextError, match="has no column 'body'"):
        opened(write("c.jsonl", '{"text": "a"}\n'), column="body")


def test_what_cannot_be_read_on_is_an_error(write, feed):
    packed = gzip.compress("".join(f"{n * n} lines\n" for n in range(9999)).encode())
    corpus = opened(write("a.txt.gz", packed[:-500]))
    with pytest.raises(TextError, match=r"a\.txt\.gz is damaged"):
        list(corpus.rows(0))
    feed(b"a\n")
    with pytest.raises(TextError, match="standard input can be read only once"):
        open_corpus(["-"])
    with pytest.raises(TextError, match="holds no text"):
        opened(write("b.txt", ""))


@pytest.mark.parametrize(
    ("name", "begin", "end"),
    [
        ("a.txt", "", ""),
        ("a.jsonl", '{"text": "a"}\n{"text": "', '"}'),
        ("a.csv", 'n,text\n1,a\n2,"', '"'),
        ("a.tsv", "n\ttext\n1\ta\n2\t", ""),
    ],
)
def test_a_row_of_sixty_megabytes_is_not_held(tmp_path, name, begin, end):
    path = tmp_path / name
    with path.open("w") as file:
        file.write(begin or "a\n")
        for _ in range(60):
            file.write("a b " * (MEGABYTE // 4))
        last = {"a.jsonl": '{"text": "b"}', "a.csv": "3,b", "a.tsv": "3\tb"}.get(name, "b")
        file.write(f"{end}\n{last}\n")
    corpus = open_corpus([str(path)], column="text" if begin else None, max_text_bytes=MEGABYTE)
    tracemalloc.start()
    try:
        rows = [(row.text, row.problem[:5]) for row in corpus.rows(0)]
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert rows == [("a", ""), ("", "size:"), ("b", "")]
    assert peak < 20 * MEGABYTE


PIECES = st.sampled_from(
    [b"a", b" ", b'"', b'""', b",", b"\xff", b"\xc3\xa9", b"\0", b"\r", b"z" * 30, b'{"text":"b"}']
)
LINES = st.lists(st.lists(PIECES, max_size=5).map(b"".join), max_size=8)


@pytest.mark.parametrize("name", ["a.txt", "a.csv", "a.jsonl", "a.txt.gz"])
@settings(max_examples=60, deadline=None)
@given(lines=LINES, end=st.sampled_from([b"\n", b"\r\n"]), at=st.integers(0, 9))
def test_rows_from_any_place_are_those_after_it(tmp_path_factory, name, lines, end, at):
    path = tmp_path_factory.getbasetemp() / f"corpus-{name}"
    begin = {"a.csv": b"n,text", "a.jsonl": b'{"text":"a"}'}.get(name, b"begin of the text")
    content = end.join([begin, *([b"1,a"] if name == "a.csv" else []), *lines])
    path.write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    try:
        corpus = open_corpus([str(path)], max_text_bytes=40)
        rows = list(corpus.rows(0))
    except TextError as error:
        assert name == "a.csv" or "NUL" in str(error)  # noqa: PT017 - other files are read on
        return
    assert list(corpus.rows(0, at)) == list(islice(rows, at, None))
    assert corpus.count(0) == len(rows)
    assert all(bool(row.text) != bool(row.problem) for row in rows)
    for row in rows:
        json.dumps(row.problem).encode()
        row.text.encode()


def test_inputs_without_rows_are_left_out(tmp_path):
    for name, content in {"a.csv": "text\nfirst\n", "b.csv": "", "c.csv": "text\n"}.items():
        (tmp_path / name).write_text(content)
    corpus = open_corpus([str(tmp_path)])
    assert [source.label for source in corpus.sources] == [str(tmp_path / "a.csv")]
    with pytest.raises(TextError, match=r"b\.csv holds no text"):
        open_corpus([str(tmp_path / name) for name in ("b.csv", "c.csv")])
