"""Rows from every format, and what is said when one cannot be read."""

from __future__ import annotations

import bz2
import csv
import gzip
import json
import lzma
import os
import re
import threading
from operator import length_hint

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poolwise.errors import TextError
from poolwise.texts import open_texts

ROWS = ["One.", "", "  Zwölf Bücher — “quoted”, with a comma", "𝒙" * 3, "a\u2028b\x0bc\x85d"]
ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]))


def read(*inputs: object, **how: object) -> list[str]:
    return [sentence.text for sentence in open_texts([str(name) for name in inputs], **how)]


def refusal(*inputs: object, **how: object) -> str:
    with pytest.raises(TextError) as caught:
        read(*inputs, **how)
    return str(caught.value)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("last", [True, False], ids=["final newline", "none"])
@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["plain", "BOM"])
def test_lines(write, end, last, mark):
    assert read(write("a.txt", mark + end.join(ROWS) + end * last)) == ROWS


def test_a_line_of_spaces_and_a_lone_carriage_return_are_text(write):
    assert read(write("a.txt", "a\rb\n \n\n")) == ["a\rb", " ", ""]


@settings(max_examples=50, deadline=None)
@given(
    rows=st.lists(ANY_TEXT.map(lambda text: re.sub("[\n\0]", "", text).rstrip("\r")), min_size=1)
)
def test_any_lines(tmp_path_factory, rows):
    rows[0] = rows[0].lstrip("\ufeff")
    path = tmp_path_factory.getbasetemp() / "any.txt"
    path.write_bytes("".join(f"{row}\n" for row in rows).encode())
    assert read(path) == rows


@pytest.mark.parametrize("chunk", [1, 2, 3, 7, 1 << 18])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-8-sig", "cp1252"])
def test_encodings_whatever_the_chunks(write, monkeypatch, chunk, encoding):
    monkeypatch.setattr("poolwise.texts.files.CHUNK", chunk)
    rows = ["Zwölf", "", "Bücher – drei"]
    path = write("a.txt", "\r\n".join(rows).encode(encoding))
    assert read(path, encoding=encoding) == rows


@pytest.mark.parametrize(
    ("suffix", "compress"),
    [(".gz", gzip.compress), (".bz2", bz2.compress), (".xz", lzma.compress)],
)
def test_compressed(write, suffix, compress):
    plain = write(f"a.txt{suffix}", compress("\n".join(ROWS).encode()))
    assert read(plain) == ROWS
    table = write(f"b.csv{suffix}", compress(b"text,n\nhello,1\n"))
    assert read(table) == ["hello"]
    broken = write(f"c.txt{suffix}", compress(b"hello\n" * 9)[:-9])
    assert "c.txt" in refusal(broken)
    assert "d.txt" in refusal(write(f"d.txt{suffix}", b"not compressed at all"))


def test_standard_input(feed):
    feed(b"one\r\ntwo")
    texts = open_texts(["-"])
    assert (texts.name, length_hint(texts, -1)) == ("standard input", -1)
    assert [sentence.text for sentence in texts] == ["one", "two"]
    with pytest.raises(TextError, match="standard input can be read only once"):
        iter(texts)
    feed(b"one\n")
    texts = open_texts(["-"])
    asked, other = iter(texts), iter(texts)
    assert [sentence.text for sentence in other] == ["one"]
    with pytest.raises(TextError, match="standard input can be read only once"):
        next(asked)
    feed(b"text\n\xe9t\xe9\n")
    assert "standard input is not utf-8: line 2, byte 5 is 0xe9" in refusal("-", format="csv")
    assert "named twice" in refusal("-", "-")
    assert "standard input" in refusal("-", format="parquet")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="has no named pipes")
def test_a_named_pipe_is_read_once(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=["one\ntwo\n"])
    writer.start()
    texts = open_texts([str(pipe)])
    assert length_hint(texts, -1) == -1
    assert [sentence.text for sentence in texts] == ["one", "two"]
    writer.join()
    with pytest.raises(TextError, match="only once"):
        iter(texts)


@settings(max_examples=50, deadline=None)
@given(rows=st.lists(ANY_TEXT, min_size=1), data=st.data())
def test_any_csv(tmp_path_factory, rows, data):
    path = tmp_path_factory.getbasetemp() / "any.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        end, quoting = data.draw(
            st.sampled_from([("\n", csv.QUOTE_ALL), ("\r\n", csv.QUOTE_MINIMAL)])
        )
        writer = csv.writer(file, lineterminator=end, quoting=quoting)
        writer.writerow(["id", "text"])
        writer.writerows([f"r{row}", text] for row, text in enumerate(rows))
    sentences = list(open_texts([str(path)], id_column="id"))
    assert [sentence.text for sentence in sentences] == rows
    assert [sentence.id for sentence in sentences] == [f"r{row}" for row in range(len(rows))]


def test_csv_columns(write):
    path = write("a.csv", "\ufeffreview,label\ngood,1\n\nbad,0\n")
    assert read(path, column="review") == ["good", "bad"]
    assert "'review', 'label'" in refusal(path)
    assert "did you mean 'review'?" in refusal(path, column="reviews")
    assert "no column 'row'" in refusal(path, column="review", id_column="row")
    assert read(write("b.csv", "only\na\n")) == ["a"]
    assert read(write("c.csv", "n,sentence\n1,a\n")) == ["a"]
    assert read(write("d.csv", "sentence,text\n1,a\n")) == ["a"]


def test_a_csv_field_of_a_megabyte_and_nobody_elses_limit(write):
    text = 'a "b"\n' * 200_000
    path = write("a.csv", 'text\n"{}"\n'.format(text.replace('"', '""')))
    before = csv.field_size_limit()
    assert read(path) == [text]
    assert csv.field_size_limit() == before


def test_csv_that_is_not(write):
    assert "line 3: found 3 fields, expected the header's 2" in refusal(
        write("a.csv", "text,label\na,1\nb, and c,1\n")
    )
    assert "line 2: not valid CSV" in refusal(write("b.csv", 'text,label\n"a" b,1\n'))
    assert "not valid CSV" in refusal(write("c.csv", 'text\n"never closed\n'))


def test_tsv_takes_quotes_as_they_are(write):
    path = write("a.tsv", 'score\tsentence\n5\t"Hello, he said\n1\ta\n')
    assert read(path) == ['"Hello, he said', "a"]
    assert read(path, column="score") == ["5", "1"]


def test_jsonl(write):
    lines = [{"text": row, "meta": {"body": {"x": str(n)}}, "n": n} for n, row in enumerate(ROWS)]
    path = write("a.jsonl", "\n".join(map(json.dumps, lines)) + "\n\n")
    assert read(path) == ROWS
    assert read(path, column="meta.body.x") == list("01234")
    assert [sentence.id for sentence in open_texts([str(path)], id_column="n")] == [0, 1, 2, 3, 4]
    assert read(write("b.ndjson", '{"a.b": "literal", "a": {"b": "path"}}'), column="a.b") == [
        "literal"
    ]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"text": "b"', "line 2: not JSON"),
        ("nonsense", "line 2: not JSON"),
        ('["text"]', "line 2: found a list, expected an object"),
        ('{"txt": "b"}', "line 2: has no column 'text'; it has 'txt'"),
        ('{"text": null}', "line 2: 'text' is null, expected a text"),
        ('{"text": 7}', "line 2: 'text' is a int, expected a text"),
        ("[" * 100_000, "line 2: JSON nested too deeply"),
        ('{"text": "b", "id": 1.5}', "line 2: 'id' is a float, expected an integer or a text"),
        ('{"text": "b", "id": true}', "line 2: 'id' is a bool, expected an integer or a text"),
    ],
)
def test_jsonl_that_is_not(write, line, message):
    path = write("a.jsonl", f'{{"text": "a", "id": 1}}\n{line}\n')
    assert message in refusal(path, id_column="id" if '"id"' in line else None)


def test_half_a_surrogate_pair(write):
    path = write("a.jsonl", '{"text": "a"}\n{"text": "b\\ud800"}\n')
    assert "a.jsonl, line 2: half a surrogate pair at character 1" in refusal(path)


def test_parquet(tmp_path):
    path = tmp_path / "a.parquet"
    columns = {
        "text": pa.array(ROWS * 500, pa.large_string()),
        "sentence": pa.array(ROWS * 500).dictionary_encode(),
        "n": range(2500),
        "a.b": ROWS * 500,
    }
    pq.write_table(pa.table(columns), path, row_group_size=1700)
    for column in (None, "text", "sentence", "a.b"):
        assert read(path, column=column) == ROWS * 500
    texts = open_texts([str(path)], id_column="n")
    assert [sentence.id for sentence in texts] == list(range(2500))
    assert length_hint(texts) == 2500
    assert "'n' is a int, expected a text" in refusal(path, column="n")
    assert "'sentence', 'n', 'a.b'" in refusal(path, column="words")


def test_parquet_that_is_not(tmp_path, write):
    path = tmp_path / "null.parquet"
    pq.write_table(pa.table({"text": ["a", "b", None]}), path)
    assert "null.parquet, row 2: 'text' is null" in refusal(path)
    assert "cannot be read as Parquet" in refusal(write("b.parquet", b"PAR1 nothing PAR1"))
    pq.write_table(pa.table({"text": pa.array([], pa.string())}), path)
    assert "holds no text" in refusal(path)
    bad = pa.array([b"\xff\xfe"], pa.binary()).cast(pa.string(), safe=False)
    pq.write_table(pa.table({"text": bad}), path)
    assert "cannot be read as Parquet" in refusal(path)


def test_format_and_suffix(write):
    path = write("a.dat", "text,n\nhello,1\n")
    assert read(path) == ["text,n", "hello,1"]
    assert read(path, format="csv") == ["hello"]
    assert "unknown format 'xml'; expected one of lines, csv" in refusal(path, format="xml")
    assert read(write("a.json", '{"text": "a"}\n')) == ["a"]
    for document in ('[{"text": "a"}]\n', '{\n "text": "a"\n}\n'):
        message = refusal(write("b.json", document))
        assert "b.json, line 1" in message
        assert "one object a line" in message
    assert "plain lines, which have no columns" in refusal(path, column="text")


def test_files_that_cannot_be_read(tmp_path, write):
    write("novels.txt", "a")
    assert "no such file" in refusal(tmp_path / "novel.txt")
    assert "(there is novels.txt)" in refusal(tmp_path / "novel.txt")
    assert "nor is there a folder" in refusal(tmp_path / "nowhere" / "a.txt")
    assert read(tmp_path) == ["a"]
    assert "empty.txt holds no text" in refusal(write("empty.txt", ""))
    assert "header.csv holds no text" in refusal(write("header.csv", "text\n"))
    assert "no input" in refusal()
    assert "unknown encoding 'klingon'" in refusal(tmp_path / "novels.txt", encoding="klingon")


@pytest.mark.parametrize("chunk", [1, 4, 1 << 18])
def test_the_place_of_a_bad_byte(write, monkeypatch, chunk):
    monkeypatch.setattr("poolwise.texts.files.CHUNK", chunk)
    path = write("a.txt", b"\xc3\xa9t\xc3\xa9\nund\n\xfcber\n")
    message = refusal(path)
    assert "a.txt is not utf-8: line 3, byte 10 is 0xfc" in message
    assert "--encoding latin-1" in message
    assert read(path, encoding="latin-1")[2] == "über"
    assert "line 2, byte 2 is 0xc3" in refusal(write("cut.txt", b"a\n\xc3"))


def test_a_line_of_a_megabyte(write):
    text = "word " * 200_000
    assert read(write("a.txt", f"{text}\nshort\n")) == [text, "short"]
