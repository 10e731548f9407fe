"""Rows without a text, a label or a score: left out and counted, and no reason to stop."""

from __future__ import annotations

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from poolwise.errors import TextError
from poolwise.texts import open_labels, open_pairs, open_texts


def test_labelled_rows(write):
    lines = ["a,x", ",y", '"  ",x', "b,", "c,y", "\u3000,x", "d, ", ",", "e,x", ",x", ",x", ",y"]
    data = open_labels(str(write("a.csv", "text,label\n" + "\n".join(lines) + "\n")))
    assert list(zip(data.texts, data.labels, strict=True)) == [("a", "x"), ("c", "y"), ("e", "x")]
    assert data.notes == [
        "7 rows have no text; left out: lines 3, 4, 7, 9, 11 …",
        "2 rows have no label; left out: lines 5, 8",
    ]


@pytest.mark.parametrize("form", ["jsonl", "parquet"])
def test_nulls(tmp_path, form):
    records = [
        {"text": "a", "label": "x"},
        {"text": None, "label": "y"},
        {"text": "b", "label": None},
        {"text": "c", "label": "y"},
    ]
    path = tmp_path / f"a.{form}"
    if form == "jsonl":
        path.write_text("\n".join(map(json.dumps, records)))
    else:
        pq.write_table(pa.Table.from_pylist(records), path)
    data = open_labels(str(path))
    assert list(data.texts) == ["a", "c"]
    assert [note.split(";")[0] for note in data.notes] == [
        "1 row has no text",
        "1 row has no label",
    ]
    texts = open_texts([str(path)], column="text", blank=False)
    assert [(s.text, s.id) for s in texts] == [("a", 0), ("b", 2), ("c", 3)]
    assert [note.split(";")[0] for note in texts.notes] == ["1 row has no text"]


def test_labels_of_other_kinds(write):
    rows = [{"text": "a", "label": 1}, {"text": "b", "label": None}, {"text": "c", "label": []}]
    several = [{**row, "label": ["x"] if row["label"] == 1 else row["label"]} for row in rows]
    path = write("a.jsonl", "\n".join(map(json.dumps, several)))
    data = open_labels(str(path), kind="multilabel")
    assert list(data.labels) == ["x", ""]  # none of the labels is an answer, null is none
    assert data.notes == ["1 row has no label; left out: line 2"]
    path = write("b.csv", "text,score\na,1\nb,\nc,2\n")
    data = open_labels(str(path), kind="regression")
    assert list(data.labels) == ["1.0", "2.0"]
    assert data.notes == ["1 row has no label; left out: line 3"]


def test_pairs(write, tmp_path):
    path = write("a.tsv", "text1\ttext2\tscore\na\tb\t1\n\tb\t2\na\t \t3\nc\td\t\ne\tf\t4\n")
    data = open_pairs(str(path))
    assert list(data.scores) == [1.0, 4.0]
    assert data.notes == [
        "2 rows have no text on one side; left out: lines 3, 4",
        "1 row has no score; left out: line 5",
    ]
    table = pa.table({"text1": ["a", None], "text2": ["b", "c"], "score": [1.0, float("nan")]})
    pq.write_table(table, tmp_path / "b.parquet")
    assert len(open_pairs(str(tmp_path / "b.parquet"))) == 1
    write("STS/STS.input.x.txt", "a\tb\n\tc\n")
    write("STS/STS.gs.x.txt", "5.0\n3\n")
    data = open_pairs(str(tmp_path / "STS"))
    assert (len(data), data.notes) == (1, ["1 row has no text on one side; left out: line 2"])


def test_files_of_one_label_and_several_files(write):
    pos, neg = write("rt.pos", "good .\n\n  \nfun .\n"), write("rt.neg", "bad .\n")
    data = open_labels([f"pos={pos}", f"neg={neg}"])
    assert data.notes == ["rt.pos: 2 rows have no text; left out: lines 2, 3"]


def test_a_question_of_trec_without_its_text(write):
    path = write("a.label", "DESC:manner How did it end ?\nENTY:animal\nHUM:ind Who ?\nHUM:ind \n")
    data = open_labels(str(path))
    assert list(data.labels) == ["DESC", "HUM"]
    assert data.notes == ["2 rows have no text; left out: lines 2, 4"]


def test_what_is_left_out_is_no_part_of_what_is_drawn_from(write):
    lines = "".join(f"{f'text {n}' if n % 3 else ''},{n % 2}\n" for n in range(30))
    data = open_labels(str(write("a.csv", "text,label\n" + lines)), limit=10)
    assert all(data.texts)
    assert data.notes == [
        "10 of 20 rows, drawn by seed 0",
        "10 rows have no text; left out: lines 2, 5, 8, 11, 14 …",
    ]


def test_plain_texts_without_blank_ones(write):
    path = write("a.txt", "one\n\ntwo\n \t\nthree\n")
    texts = open_texts([str(path)], blank=False)
    assert [(s.text, s.id) for s in texts] == [("one", 0), ("two", 2), ("three", 4)]
    assert texts.notes == ["2 rows have no text; left out: lines 2, 4"]
    assert len(list(open_texts([str(path)]))) == 5  # an embedding keeps its rows
    texts = open_texts([str(path)], blank=False, limit=2)
    assert len(list(texts)) == 2
    assert texts.notes == [
        "2 of 3 texts, drawn by seed 0",
        "2 rows have no text; left out: lines 2, 4",
    ]


def test_nothing_but_such_rows(write):
    with pytest.raises(TextError, match=r"a\.csv holds no rows that are whole: 2 rows have no"):
        open_labels(str(write("a.csv", "text,label\na,\nb,\n")))
    blank = open_texts([str(write("a.txt", "\n \n"))], blank=False)
    with pytest.raises(TextError, match=r"a\.txt holds no text"):
        list(blank)
