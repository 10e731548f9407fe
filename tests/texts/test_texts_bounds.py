"""Inputs that would take all memory or never end: each refused in words, soon and small."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from poolwise.errors import TextError
from poolwise.texts import open_labels, open_pairs, open_tags, open_texts
from poolwise.texts.columns import field_paths
from poolwise.texts.sentences import split_sentences

READ = """
import sys, time
from poolwise.errors import TextError
from poolwise.texts import open_labels, open_pairs, open_tags, open_texts
from operator import length_hint
path, kind = sys.argv[1:]
read = {
    "texts": lambda: (length_hint(open_texts([path])), sum(1 for _ in open_texts([path]))),
    "sentences": lambda: sum(1 for _ in open_texts([path], split="sentences")),
    "labels": lambda: len(open_labels(path).texts),
    "pairs": lambda: len(open_pairs(path).first),
    "tags": lambda: len(open_tags(path).words),
}[kind]
try:
    print(read())
except TextError as error:
    print(error)
peak = open("/proc/self/status").read().split("VmHWM:")[1].split()[0]
print(int(peak) >> 10, time.process_time())
"""
MEGABYTE = 1 << 20


def run(path, kind):
    """What is said; the bounds of memory (MB) and of processor time (s) are held."""
    command = [sys.executable, "-c", READ, str(path), kind]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=300)
    said, used = done.stdout.rsplit("\n", 2)[:2]
    megabytes, seconds = used.split()
    assert int(megabytes) < 1000
    assert float(seconds) < 15  # three times what is promised
    return said


def packed(compressor, unit, times):
    return b"".join([*(compressor.compress(unit) for _ in range(times)), compressor.flush()])


@pytest.mark.parametrize("unit", [b"a", b"\n"], ids=["letters", "line ends"])
def test_a_gigabyte_in_a_few_bytes(write, unit):
    bomb = 4 * packed(bz2.BZ2Compressor(), unit * MEGABYTE, 250)  # streams, one after another
    assert len(bomb) < 1000
    path = write("a.txt.bz2", bomb)
    for kind in ("texts", "labels", "pairs", "tags", "sentences"):
        assert "a.txt.bz2 holds more than 250 times as many bytes" in run(path, kind), kind


@pytest.mark.parametrize(
    "pack", [gzip.compress, bz2.compress, lzma.compress], ids=["gzip", "bzip2", "xz"]
)
def test_what_is_compressed_well_is_read(write, pack):
    lines = "".join(f"{number} the cat sat on the mat\n" for number in range(300_000))
    path = write("a.txt.x", pack(lines.encode()))
    assert sum(1 for _ in open_texts([str(path)])) == 300_000


@pytest.mark.parametrize(
    ("name", "begin", "unit", "end"),
    [
        ("a.csv", b"text,label\n", b"a b ", b",x\n"),
        ("a.csv", b'text,label\n"', b"a b\n", b'",x\n'),
        ("a.csv", b'text,label\n"x",', b'"a\n",', b"\n"),
        ("a.tsv", b"text\tlabel\n", b"a b ", b"\tx\n"),
        ("a.jsonl", b'{"text": "', b"a b ", b'", "label": "x"}\n'),
    ],
    ids=["field", "quoted", "fields", "tsv", "jsonl"],
)
@pytest.mark.parametrize("kind", ["texts", "labels"])
def test_a_row_of_fifty_megabytes(tmp_path, name, begin, unit, end, kind):
    path = tmp_path / name
    path.write_bytes(begin + unit * (50_000_000 // len(unit)) + end)
    said = run(path, kind)
    assert "found more than 16,777,216 bytes, expected at most so many in a row" in said
    assert "--max-text-bytes" in said


def test_one_text_in_many_rows_of_parquet(tmp_path):
    path = tmp_path / "a.parquet"
    one = pa.array(["x" * 10 * MEGABYTE])
    column = pa.DictionaryArray.from_arrays(pa.array([0] * 5000, pa.int32()), one)
    pq.write_table(pa.table({"text": column}), path, store_schema=False)
    with pytest.raises(TextError, match="row 0: found 10,485,760 bytes, expected at most 1,000"):
        next(iter(open_texts([str(path)], max_text_bytes=1000)))
    texts = iter(open_texts([str(path)]))
    assert [len(next(texts).text) for _ in range(40)] == [10 * MEGABYTE] * 40
    huge = pa.DictionaryArray.from_arrays(pa.array([0] * 5000, pa.int32()), pa.array(["x" * 10**8]))
    pq.write_table(pa.table({"text": huge}), path, store_schema=False)
    assert "row 0: found 100,000,000 bytes" in run(path, "texts")


FILES = {
    "a.txt": "fine\n{}\n",
    "a.csv": 'text,label\nfine,x\n"{}",y\n',
    "a.tsv": "text\tlabel\nfine\tx\n{}\ty\n",
    "a.jsonl": '{{"text": "fine", "label": "x"}}\n{{"text": "{}", "label": "y"}}\n',
}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("letter", ["a", "é", "猫", "👩"])
def test_the_limit_counts_bytes(write, name, letter):
    size = len(letter.encode())
    text = letter * (600 // size)
    path = str(write(name, FILES[name].format(text)))
    assert [s.text for s in open_texts([path], max_text_bytes=700)] == ["fine", text]
    line = 3 if name in ("a.csv", "a.tsv") else 2
    with pytest.raises(TextError, match=rf"{name}, line {line}: found .* in a row"):
        list(open_texts([path], max_text_bytes=550))
    if name != "a.txt":
        with pytest.raises(TextError, match=rf"{name}, line {line}: found .* in a row"):
            open_labels(path, max_text_bytes=550)


def test_a_limit_on_sentences_with_tags_and_on_pairs(write):
    tags = str(write("a.conll", "cat NN\n\n" + "the DT\n" * 50))
    with pytest.raises(TextError, match="the sentence before line"):
        open_tags(tags, max_text_bytes=100)
    assert len(open_tags(tags, max_text_bytes=1000).words) == 2
    pairs = str(write("a.tsv", "a\tb\t1.5\n" + "x" * 100 + "\tb\t2\n"))
    with pytest.raises(TextError, match=r"line 2: found .* in a row"):
        open_pairs(pairs, max_text_bytes=50)
    with pytest.raises(TextError, match="found a limit of 0 bytes"):
        open_pairs(pairs, max_text_bytes=0)


def test_devices_and_sockets_are_refused(tmp_path):
    for name in ("/dev/zero", "/dev/null"):
        if Path(name).exists():
            with pytest.raises(TextError, match="is a device, expected a file"):
                open_texts([name])
            with pytest.raises(TextError, match="is a device, expected a file"):
                open_labels(name)
    with socket.socket(socket.AF_UNIX) as bound:
        path = os.path.relpath(tmp_path / "s")  # names of sockets are short
        bound.bind(path)
        with pytest.raises(TextError, match="is a socket, expected a file"):
            open_texts([path])


def fed(path, content):
    """A named pipe, into which the content goes."""
    os.mkfifo(path)
    writer = threading.Thread(target=lambda: path.write_bytes(content), daemon=True)
    writer.start()
    return str(path)


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_a_named_pipe_is_read_once(tmp_path, pack):
    texts = open_texts([fed(tmp_path / "a.jsonl", pack(b'{"text": "a"}\n{"text": "b"}\n'))])
    assert [s.text for s in texts] == ["a", "b"]
    with pytest.raises(TextError, match="can be read only once"):
        iter(texts)
    assert open_labels(fed(tmp_path / "b.tsv", pack(b"the cat\tx\na dog\ty\n"))).labels == (
        "x",
        "y",
    )


def test_a_pipe_holds_no_parquet(tmp_path):
    os.mkfifo(tmp_path / "a.parquet")
    with pytest.raises(TextError, match="Parquet cannot be read from a pipe"):
        list(open_texts([str(tmp_path / "a.parquet")]))


def test_blank_lines_before_the_first_are_not_held(write):
    path = write("a.tsv", "\n" * 3_000_000 + "the cat\tx\na dog\ty\n")
    assert open_labels(str(path)).labels == ("x", "y")
    assert run(path, "labels") == "2"


def test_paths_of_fields_do_not_multiply():
    record = {"k" * 10_000: {f"{n}": {"x": n} for n in range(50_000)}, "text": "a"}
    assert len(field_paths(record)) == 2
    record = {"k": {f"{n}": {"x": n} for n in range(50_000)}, "text": "a"}
    assert len(field_paths(record)) < 20_000


def test_a_long_paragraph_is_split_piece_by_piece():
    paragraph = "猫が座った。" * 60_000
    assert list(split_sentences([paragraph])) == ["猫が座った。"] * 60_000
    assert len(list(split_sentences(["a" * 1_000_000]))) == 1
