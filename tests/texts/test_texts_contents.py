"""What files hold, whatever they are called: read as it is, or refused by name."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import sqlite3
import tarfile
import zipfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pyarrow import feather

from poolwise.errors import TextError
from poolwise.texts import open_labels, open_pairs, open_tags, open_texts

TEXT = "Zwölf Bücher\nund – 𝒙\n"
ROWS = ["Zwölf Bücher", "und – 𝒙"]


def read(*inputs: object, **how: object) -> list[str]:
    return [sentence.text for sentence in open_texts([str(name) for name in inputs], **how)]


def refusal(*inputs: object, **how: object) -> str:
    with pytest.raises(TextError) as caught:
        read(*inputs, **how)
    return str(caught.value)


def zstandard(content: bytes) -> bytes:
    return pa.compress(content, codec="zstd", asbytes=True)


COMPRESS = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress, ".zst": zstandard}


@pytest.mark.parametrize("suffix", COMPRESS)
def test_compressed_whatever_it_is_called(write, feed, suffix):
    stored = COMPRESS[suffix](TEXT.encode())
    for name in (f"a.txt{suffix}", "a.txt", "a"):
        assert read(write(name, stored)) == ROWS
    assert read(write("b.csv", COMPRESS[suffix](b"text,n\na,1\n"))) == ["a"]
    several = stored + COMPRESS[suffix](b"three\n")
    assert read(write(f"c.txt{suffix}", several)) == [*ROWS, "three"]
    feed(stored)
    assert read("-") == ROWS
    twice = write(f"d.txt{suffix}", COMPRESS[suffix](gzip.compress(b"a")))
    assert "compressed with gzip, expected text; decompress it" in refusal(twice)
    damaged = write(f"e.txt{suffix}", COMPRESS[suffix](TEXT.encode() * 99)[:-9])
    assert "e.txt" in refusal(damaged)


@pytest.mark.parametrize("suffix", COMPRESS)
def test_not_compressed_as_its_suffix_says(write, suffix):
    message = refusal(write(f"a.txt{suffix}", "text\n"))
    assert "a.txt" in message
    assert "as its suffix says; take the suffix away" in message
    assert "holds no text" in refusal(write(f"b.txt{suffix}", ""))


def archive(names: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as zipped:
        for name, content in names.items():
            zipped.writestr(name, content)
    return file.getvalue()


def tar(mode: str) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=mode) as tarred:
        entry = tarfile.TarInfo("a.txt")
        entry.size = 5
        tarred.addfile(entry, io.BytesIO(b"hello"))
    return file.getvalue()


def database(tmp_path) -> bytes:
    connection = sqlite3.connect(tmp_path / "a.db")
    connection.execute("create table t (text)")
    connection.commit()
    connection.close()
    return (tmp_path / "a.db").read_bytes()


def table(write_table) -> bytes:
    file = io.BytesIO()
    write_table(pa.table({"text": ["a"]}), file)
    return file.getvalue()


OFFICE = {"[Content_Types].xml": b"<x/>", "_rels/.rels": b"<x/>"}

OTHERS = {
    "zip": (lambda _: archive({"a.txt": b"hello"}), "a zip archive", "unpack it"),
    "empty zip": (lambda _: archive({}), "a zip archive", "unpack it"),
    "xlsx": (
        lambda _: archive({**OFFICE, "pad": b"x" * 900, "xl/workbook.xml": b"<x/>"}),
        "an Excel workbook",
        "save the sheet as CSV",
    ),
    "docx": (lambda _: archive({**OFFICE, "word/document.xml": b""}), "a Word document", "plain"),
    "ods": (
        lambda _: archive({"mimetype": b"application/vnd.oasis.opendocument.spreadsheet"}),
        "an OpenDocument file",
        "CSV",
    ),
    "epub": (lambda _: archive({"mimetype": b"application/epub+zip"}), "an e-book", "plain text"),
    "tar": (lambda _: tar("w"), "a tar archive", "unpack it"),
    "tar.gz": (lambda _: tar("w:gz"), "a tar archive", "unpack it"),
    "tar.zst": (lambda _: zstandard(tar("w")), "a tar archive", "unpack it"),
    "pdf": (lambda _: b"%PDF-1.7\n%\xe2\xe3\n1 0 obj\n", "a PDF", "plain text"),
    "sqlite": (database, "an SQLite database", "CSV"),
    "parquet": (lambda _: table(pq.write_table), "a Parquet file", "ends with .parquet"),
    "feather": (lambda _: table(feather.write_feather), "an Arrow file", "write it as Parquet"),
    "xls": (lambda _: bytes.fromhex("d0cf11e0a1b11ae1") + bytes(504), "an old Office", "CSV"),
    "7z": (lambda _: b"7z\xbc\xaf\x27\x1c\x00\x04", "a 7z archive", "unpack it"),
    "lfs": (
        lambda _: b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n",
        "a pointer of Git LFS",
        "git lfs pull",
    ),
}


@pytest.mark.parametrize("kind", OTHERS)
@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.txt", "a.jsonl", "a"])
def test_refused_by_name(write, feed, tmp_path, kind, name):
    make, what, to_do = OTHERS[kind]
    content = make(tmp_path)
    feed(content)
    for message in (refusal(write(name, content)), refusal("-")):
        assert f"is {what}" in message
        assert to_do in message
    with pytest.raises(TextError, match=f"is {what}"):
        open_labels(str(tmp_path / name))
    with pytest.raises(TextError, match=f"is {what}"):
        open_pairs(str(tmp_path / name))
    with pytest.raises(TextError, match=f"is {what}"):
        open_tags(str(tmp_path / name))


def test_what_is_called_parquet_and_is_not(write):
    for content, what in ((gzip.compress(b"a"), "with gzip"), (archive({}), "a zip archive")):
        message = refusal(write("a.parquet", content))
        assert "cannot be read as Parquet" in message
        assert what in message


SCRIPTS = ["Plain words.\nAnd more", "Слова, слова.\nИ ещё", "Ein Fluß – groß\nZwölf", "λόγος\nβ"]


@pytest.mark.parametrize("text", SCRIPTS)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_utf_16_and_32(write, feed, text, end, encoding):
    rows = text.split("\n") * 5
    plain = end.join(rows)
    marked = ("\ufeff" + plain).encode(encoding)
    assert read(write("a.txt", marked)) == rows
    feed(marked)
    assert read("-") == rows
    assert read(write("b.csv", gzip.compress(f"\ufefftext;n{end}a;1".encode(encoding)))) == ["a"]
    assert read(write("c.txt", plain.encode(encoding)), encoding=encoding) == rows
    assert encoding in refusal(write("d.txt", marked), encoding="latin-1")
    if encoding.startswith("utf-16"):
        for asked in ("utf-8", "utf-16"):
            assert read(write("e.txt", plain.encode(encoding)), encoding=asked) == rows


@settings(max_examples=100, deadline=None)
@given(text=st.text(st.characters(codec="ascii", exclude_characters="\0"), min_size=8))
@example("a;b\r\nc;d\r\n")
def test_ascii_in_utf_16_without_a_mark(tmp_path_factory, text):
    path = tmp_path_factory.getbasetemp() / "wide.txt"
    path.write_bytes(text.encode())
    expected = read(path)
    for encoding in ("utf-16-le", "utf-16-be", "utf-16"):
        path.write_bytes(text.encode(encoding))
        assert read(path) == expected


def test_nuls(write):
    assert read(write("a.txt", "one\0two\nthree\n")) == ["one\0two", "three"]
    assert read(write("b.csv", "text,n\none\0two,1\n")) == ["one\0two"]
    assert "byte 3 is NUL" in refusal(write("c.txt", b"caf\0\xe9\n"), encoding="latin-1")
    assert "byte 3 is NUL" in refusal(write("d.txt", b"caf\0\xe9\n" * 9))
    assert "is NUL" in refusal(write("e.txt", b"\0\0\0a" * 9))
    chinese = "床前明月光\n疑是地上霜\n"
    assert "--encoding" in refusal(write("f.txt", chinese.encode("utf-16-le")), encoding="utf-16")


@pytest.mark.parametrize(
    "name",
    [
        *("base64", "rot13", "zlib", "hex", "bz2", "uu", "quopri"),
        *("idna", "punycode", "undefined", "unicode_escape", "raw_unicode_escape", "charmap"),
    ],
)
def test_codecs_that_are_no_encodings(write, feed, name):
    for path in (write("a.txt", "aGVsbG8=\n"), write("a.csv", "text\na\n"), "-"):
        feed(b"a\n")
        assert f"'{name}' is no encoding of text files" in refusal(path, encoding=name)


def test_encodings_that_are_not_known(write):
    for name in ("", "klingon", "a\0b"):
        assert "unknown encoding" in refusal(write("a.txt", "a\n"), encoding=name)


@pytest.mark.parametrize("head", [1, 2, 3, 5])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-8-sig"])
def test_a_byte_order_mark_split_across_reads(write, monkeypatch, head, encoding):
    monkeypatch.setattr("poolwise.texts.files.CHUNK", 1)
    monkeypatch.setattr("poolwise.texts.files.HEAD", head)
    marked = "text,n\r\nZwölf,1\r\n".encode(encoding)
    path = write("a.csv", marked if encoding != "utf-8" else b"\xef\xbb\xbf" + marked)
    assert read(path, encoding=encoding) == ["Zwölf"]
