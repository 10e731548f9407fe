"""Texts as a whole: several inputs, ids, limits, counts, the hash, memory."""

from __future__ import annotations

import gzip
import hashlib
import random
import tracemalloc
from itertools import islice
from operator import length_hint
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from poolwise.errors import TextError
from poolwise.records import Sentence
from poolwise.texts import open_texts


@pytest.fixture
def three(tmp_path) -> list[str]:
    """Three inputs of two rows."""
    (tmp_path / "a.txt").write_text("one\ntwo\n")
    (tmp_path / "b.csv").write_text("text,n\nthree,7\nfour,8\n")
    (tmp_path / "c.txt.gz").write_bytes(gzip.compress(b"five\n\n"))
    return [str(tmp_path / name) for name in ("a.txt", "b.csv", "c.txt.gz")]


def test_inputs_follow_one_another(three):
    texts = open_texts(three)
    expected = ["one", "two", "three", "four", "five", ""]
    assert list(texts) == [Sentence(text, row) for row, text in enumerate(expected)]
    assert list(texts) == list(texts)
    assert texts.name == "a.txt, b.csv, c.txt.gz"
    assert length_hint(texts) == 6


@pytest.mark.parametrize("limit", [1, 3, 6, 9])
def test_limit(three, limit):
    texts = open_texts(three, limit=limit)
    assert len(list(texts)) == length_hint(texts) == min(limit, 6)


def test_no_limit_below_one(three):
    with pytest.raises(TextError, match="at least 1"):
        open_texts(three, limit=0)


def test_the_hash_is_of_the_texts_and_known_at_the_end(three):
    texts = open_texts(three)
    assert texts.hash is None
    list(islice(texts, 3))
    assert texts.hash is None
    encoded = [text.encode() for text in ("one", "two", "three", "four", "five", "")]
    digest = hashlib.sha256()
    for text in encoded:
        digest.update(len(text).to_bytes(8, "little") + text)
    list(texts)
    assert texts.hash == digest.hexdigest()
    shorter = open_texts(three, limit=5)
    list(shorter)
    assert shorter.hash not in {None, texts.hash}


def test_an_empty_input_among_others(three, tmp_path):
    (tmp_path / "empty.txt").touch()
    with pytest.raises(TextError, match=r"empty\.txt holds no text"):
        open_texts([*three, str(tmp_path / "empty.txt")])


def test_mistakes_are_found_before_the_first_sentence_is_asked_for(tmp_path):
    (tmp_path / "a.csv").write_text("title,body\na,b\n")
    for name, how in {"b.csv": {}, "a.csv": {"column": "text"}}.items():
        with pytest.raises(TextError):
            open_texts([str(tmp_path / name)], **how)
    with pytest.raises(TextError, match="no input"):
        open_texts(str(tmp_path / "a.csv"))
    with pytest.raises(TextError, match="unknown split 'words'"):
        open_texts([str(tmp_path / "a.csv")], column="body", split="words")


def test_counts_beyond_the_sample_are_estimates(tmp_path, monkeypatch):
    # Of 2.5 MB in gzip: Python 3.12 reads 128 KB of it ahead.
    monkeypatch.setattr("poolwise.texts.files._MAX_COUNTED", 1 << 21)
    draws = random.Random(0)
    lines = "".join(f"{draws.getrandbits(160):040x}\n" for _ in range(100_000))
    (tmp_path / "a.txt").write_text(lines)
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress(lines.encode()))
    for name in ("a.txt", "a.txt.gz"):
        assert length_hint(open_texts([str(tmp_path / name)])) == pytest.approx(100_000, rel=0.2)


def test_split_sentences_are_not_counted_beforehand(three):
    assert length_hint(open_texts(three, split="sentences"), -1) == -1


def _save_lines(path: Path, rows: int) -> None:
    path.write_text("A line of text like any other.\n" * rows)


def _save_parquet(path: Path, rows: int) -> None:
    pq.write_table(pa.table({"text": ["A line of text like any other."] * rows}), path)


def _peak(path: Path, split: str | None, rows: int) -> int:
    """Bytes at most, while all texts are read."""
    tracemalloc.start()
    assert sum(1 for _ in open_texts([str(path)], split=split)) == rows
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


@pytest.mark.parametrize(
    ("save", "suffix", "split"),
    [
        (_save_lines, ".txt", None),
        (_save_lines, ".txt", "sentences"),
        (_save_parquet, ".parquet", None),
    ],
)
def test_memory_does_not_grow_with_the_rows(tmp_path, monkeypatch, save, suffix, split):
    monkeypatch.setattr("poolwise.texts.files.CHUNK", 1 << 12)
    peaks = []
    for rows in (3_000, 12_000):
        path = tmp_path / f"{rows}{suffix}"
        save(path, rows)
        # The lowest of three: what other threads of the process allocate is traced as well.
        peaks.append(min(_peak(path, split, rows) for _ in range(3)))
    assert peaks[1] < 1.1 * peaks[0] + 10_000
