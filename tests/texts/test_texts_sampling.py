"""What a limit takes: every label its share, every row the same chance, in the file's order."""

from __future__ import annotations

import hashlib
import io
import sys
import tracemalloc
from collections import Counter
from itertools import count, islice, pairwise
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

from poolwise.errors import TextError
from poolwise.texts import open_labels, open_pairs, open_tags, open_texts
from poolwise.texts.sampling import Limit, Reservoir, Sample, quotas, sampled

BANKING = Path(__file__).parent.parent.parent / "examples" / "banking77.csv"


@pytest.mark.parametrize(
    ("counts", "limit", "expected"),
    [
        ({"a": 600, "b": 300, "c": 100}, 100, {"a": 60, "b": 30, "c": 10}),
        ({"a": 600, "b": 300, "c": 101}, 10, {"a": 6, "b": 3, "c": 1}),
        ({"a": 5, "b": 3, "c": 3}, 7, {"a": 3, "b": 2, "c": 2}),
        ({"a": 996, "b": 3, "c": 1}, 100, {"a": 98, "b": 1, "c": 1}),
        ({"a": 10, "b": 10, "c": 10}, 4, {"a": 2, "b": 1, "c": 1}),
        ({"a": 3, "b": 2}, 9, {"a": 3, "b": 2}),
        ({"a": 50, "b": 30, "c": 20}, 2, {"a": 1, "b": 1, "c": 0}),
    ],
)
def test_quotas(counts, limit, expected):
    assert quotas(counts, limit) == expected


@given(counts=st.lists(st.integers(1, 1000), min_size=1, max_size=30), limit=st.integers(1, 2000))
def test_quotas_of_any_counts(counts, limit):
    found = quotas(dict(enumerate(counts)), limit)
    total = sum(counts)
    assert sum(found.values()) == min(limit, total)
    assert all(found[k] <= n for k, n in enumerate(counts))
    if limit >= len(counts):
        assert min(found.values()) >= 1
    shares = [min(limit, total) * n / total for n in counts]
    if min(shares) >= 1 or limit < len(counts):
        assert all(abs(found[k] - share) < 1 for k, share in enumerate(shares))
    # Nobody with more rows gets less, and the first of equals gets no less.
    order = sorted(found, key=lambda k: (counts[k], -k))
    assert all(found[a] <= found[b] for a, b in pairwise(order))


@pytest.mark.parametrize("strata", [1, 3])
def test_every_row_has_the_same_chance(strata):
    rows, limit, seeds = 60, 12, 4000
    taken = Counter(
        row
        for seed in range(seeds)
        for row in sampled(range(rows), Limit(limit, seed), "f", label=lambda row: row % strata)[0]
    )
    expected = [seeds * limit / rows] * rows
    # Rows are drawn without replacement, which makes the statistic smaller, not larger.
    assert chisquare([taken[row] for row in range(rows)], expected).pvalue > 1e-4


def test_more_labels_than_the_limit_are_drawn_as_one():
    taken = Counter()
    for seed in range(3000):
        drawn, sample = sampled(range(40), Limit(4, seed), "f", label=lambda row: row // 2)
        assert len(drawn) == 4
        assert sample == Sample("f", 4, 40, seed, crowded=True)
        taken.update(drawn)
    assert chisquare([taken[row] for row in range(40)], [300] * 40).pvalue > 1e-4


@given(
    labels=st.lists(st.integers(0, 9), min_size=1, max_size=80),
    limit=st.integers(1, 90),
    seed=st.integers(0, 5),
)
def test_a_stream_is_drawn_as_if_it_were_known(labels, limit, seed):
    """Each label's rows with the least numbers, as many as its quota; of all where it has none."""
    from random import Random

    random = Random(seed)
    draws = [(random.random(), row) for row in range(len(labels))]
    counts = Counter(labels)
    if len(counts) > min(limit, len(labels)):
        expected = sorted(row for _, row in sorted(draws)[:limit])
    else:
        shares = quotas(counts, limit)
        expected = sorted(
            row
            for label, share in shares.items()
            for _, row in sorted(draw for draw in draws if labels[draw[1]] == label)[:share]
        )
    found, sample = sampled(range(len(labels)), Limit(limit, seed), "f", label=labels.__getitem__)
    assert found == expected
    assert (sample is None) == (limit >= len(labels))


def test_memory_is_that_of_the_rows_kept():
    peaks = []
    for rows in (10_000, 40_000):
        tracemalloc.start()
        reservoir = Reservoir(Limit(100))
        for row in range(rows):
            reservoir.add(f"a text of its own, number {row}", label=row)  # all labels differ
        assert len(reservoir.sample()) == 100
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.1 * peaks[0] + 10_000


def test_a_file_sorted_by_label_keeps_all_labels_and_their_shares():
    whole, part = open_labels(str(BANKING)), open_labels(str(BANKING), limit=2500)
    assert list(whole.labels) == sorted(whole.labels, key=list(whole.labels).index)  # sorted it is
    assert len(part) == 2500
    assert Counter(part.labels) == quotas(Counter(whole.labels), 2500)
    assert len(set(part.labels)) == 77
    assert part.notes == [f"2,500 of {len(whole):,} rows, drawn by seed 0"]
    assert part.samples == [Sample("banking77.csv", 2500, len(whole), 0)]
    assert (whole.notes, whole.samples) == ([], [])
    # In the order of the file, the same by the same seed, others by another.
    rest = iter(zip(whole.texts, whole.labels, strict=True))
    assert all(row in rest for row in zip(part.texts, part.labels, strict=True))
    assert open_labels(str(BANKING), limit=2500).hash == part.hash
    other = open_labels(str(BANKING), limit=2500, seed=1)
    assert other.hash != part.hash
    assert Counter(other.labels) == Counter(part.labels)


def test_the_head_where_it_is_asked_for(write):
    path = str(write("a.csv", "text,label\n" + "".join(f"text {n},{n // 5}\n" for n in range(20))))
    head = open_labels(path, limit=7, seed=None)
    assert list(head.texts) == [f"text {n}" for n in range(7)]
    assert head.notes == ["the first 7 rows"]
    broken = write("b.csv", "text,label\na,x\nb,y\n" + "one field only\n")
    assert len(open_labels(str(broken), limit=2, seed=None)) == 2
    with pytest.raises(TextError, match="line 4"):
        open_labels(str(broken), limit=2)


def test_each_input_and_each_declared_part_is_drawn_on_its_own(write):
    def rows(n):
        return "text,label\n" + "".join(f"text {i},{'yn'[i % 2]}\n" for i in range(n))

    train, dev, test = (
        write(f"{name}.csv", rows(n)) for name, n in zip("abc", (40, 8, 20), strict=True)
    )
    data = open_labels(str(train), dev=str(dev), test=str(test), limit=10)
    assert Counter(zip(data.splits, data.labels, strict=True)) == {
        ("train", "y"): 5, ("train", "n"): 5, ("dev", "y"): 4, ("dev", "n"): 4,
        ("test", "y"): 5, ("test", "n"): 5,
    }  # fmt: skip
    assert data.notes == [
        "a.csv: 10 of 40 rows, drawn by seed 0",
        "c.csv: 10 of 20 rows, drawn by seed 0",
    ]
    assert data.samples == [Sample("a.csv", 10, 40, 0), Sample("c.csv", 10, 20, 0)]
    lines = [
        f"text {i},{'yn'[i % 2]},{part}\n"
        for part, n in (("train", 60), ("dev", 20), ("test", 20))
        for i in range(n)
    ]
    split = open_labels(str(write("d.csv", "text,label,split\n" + "".join(lines))), limit=20)
    assert Counter(split.splits) == {"train": 12, "dev": 4, "test": 4}
    assert Counter(zip(split.splits, split.labels, strict=True))[("test", "n")] == 2


def test_several_labels_and_numbers_are_drawn_row_by_row(write):
    path = str(write("a.csv", "text,labels\n" + "".join(f"t{n},{n % 3};{n}\n" for n in range(50))))
    data = open_labels(path, kind="multilabel", limit=20)
    assert data.notes == ["20 of 50 rows, drawn by seed 0"]
    numbers = write("b.csv", "text,score\n" + "".join(f"t{n},{n}\n" for n in range(50)))
    data = open_labels(str(numbers), kind="regression", limit=20)
    assert data.notes == ["20 of 50 rows, drawn by seed 0"]
    assert list(data.labels) == sorted(data.labels, key=float)
    crowded = open_labels(str(numbers), label_column="score", limit=20)
    assert crowded.notes == [
        "20 of 50 rows, drawn by seed 0; too few for every label or subset to be among them"
    ]


def test_pairs_keep_the_shares_of_their_subsets(write):
    lines = [f"a{n}\tb{n}\t{n % 5}\t{'abb'[n // 20]}\n" for n in range(60)]
    path = str(write("a.tsv", "text1\ttext2\tscore\tsubset\n" + "".join(lines)))
    data = open_pairs(path, limit=12)
    assert Counter(data.subsets) == {"a": 4, "b": 8}
    assert data.notes == ["12 of 60 rows, drawn by seed 0"]
    assert list(data.first) == sorted(data.first, key=lambda text: int(text[1:]))
    assert list(open_pairs(path, limit=2, seed=None).first) == ["a0", "a1"]


def test_tagged_sentences(write):
    path = str(write("a.conll", "".join(f"w{n}\tO\n\n" for n in range(30))))
    data = open_tags(path, limit=10, seed=3)
    words = [int(word[1:]) for (word,) in data.words]
    assert words == sorted(words)
    assert words != list(range(10))
    assert data.notes == ["10 of 30 sentences, drawn by seed 3"]
    assert [word for (word,) in open_tags(path, limit=2, seed=None).words] == ["w0", "w1"]


def test_texts_are_drawn_over_all_inputs_and_keep_their_rows(write, monkeypatch):
    one = write("one.txt", "".join(f"line {n}\n" for n in range(300)))
    two = write("two.csv", "text,n\n" + "".join(f"line {n},{n}\n" for n in range(300, 400)))
    texts = open_texts([str(one), str(two)], limit=100, seed=5)
    assert (texts.samples, texts.notes) == ([], [])
    drawn = list(texts)
    rows = [sentence.id for sentence in drawn]
    assert [sentence.text for sentence in drawn] == [f"line {row}" for row in rows]
    assert rows == sorted(set(rows))
    assert len(rows) == 100
    assert 10 <= sum(row >= 300 for row in rows) <= 40
    assert texts.notes == ["100 of 400 texts, drawn by seed 5"]
    assert texts.samples == [Sample("one.txt, two.csv", 100, 400, 5, "texts")]
    digest = hashlib.sha256()
    for sentence in drawn:
        encoded = sentence.text.encode()
        digest.update(len(encoded).to_bytes(8, "little") + encoded)
    assert texts.hash == digest.hexdigest()
    assert list(texts) == drawn
    # What was drawn of a pipe can be read again; its head only once, and no row beyond.
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(one.read_bytes())))
    piped = open_texts(["-"], limit=10)
    assert list(piped) == list(piped)
    whole = open_texts([str(one)], limit=300)
    list(whole)
    assert whole.notes == []


def test_the_head_of_texts_asks_for_no_row_beyond(monkeypatch):
    monkeypatch.setattr(
        "poolwise.texts.files.TextFile.lines",
        lambda self: (f"line {n}\n" if n < 3 else pytest.fail("read beyond") for n in count()),
    )
    texts = open_texts(["-"], limit=3, seed=None)
    assert [sentence.text for sentence in texts] == ["line 0", "line 1", "line 2"]
    assert texts.notes == ["the first 3 texts"]


def test_drawing_texts_holds_no_more_than_those(tmp_path, monkeypatch):
    monkeypatch.setattr("poolwise.texts.files.CHUNK", 1 << 12)
    peaks = []
    for rows in (3_000, 12_000):
        path = tmp_path / f"{rows}.txt"
        path.write_text("A line of text like any other.\n" * rows)
        tracemalloc.start()
        assert sum(1 for _ in open_texts([str(path)], limit=50)) == 50
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.1 * peaks[0] + 10_000


def test_a_parquet_file_is_drawn_from_too(tmp_path):
    pq.write_table(pa.table({"text": [f"t{n}" for n in range(90)]}), tmp_path / "a.parquet")
    texts = open_texts([str(tmp_path / "a.parquet")], limit=9)
    assert len(list(islice(texts, 20))) == 9
    assert [s.text for s in texts] == [f"t{s.id}" for s in texts]
