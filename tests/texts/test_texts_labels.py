"""Labelled texts from every form that they come in, and what is said of rows that are none."""

from __future__ import annotations

import bz2
import csv
import json

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poolwise.errors import TextError
from poolwise.texts import open_labels

FILLED = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(str.strip)
ROWS = st.lists(st.tuples(FILLED, FILLED.map(str.strip)), min_size=1, max_size=5)


def rows(*sources: object, **how: object) -> list[tuple[str, ...]]:
    data = open_labels([str(source) for source in sources], **how)
    assert len(data) == len(data.texts)
    return list(zip(data.texts, data.labels, data.splits, strict=True))


def refusal(*sources: object, **how: object) -> str:
    with pytest.raises(TextError) as caught:
        rows(*sources, **how)
    return str(caught.value)


@pytest.mark.parametrize(
    "header",
    ["{},text,label", "{},Text,category", "{},sentence,intent", "{},utterance,class", "label,text"],
)
def test_usual_names(write, header):
    names = header.format("id").split(",")
    labels_last = names[-1] != "text"
    row = ["1", '"a, b"', "greeting"] if labels_last else ["greeting", '"a, b"']
    path = write("a.csv", f"{','.join(names)}\r\n{','.join(row)}\r\n")
    assert rows(path) == [("a, b", "greeting", "")]


def test_the_other_of_two_columns(write):
    assert rows(write("a.csv", "review,stars\nfine,4\n")) == [("fine", "4", "")]
    assert rows(write("b.csv", "klass,text\nx,a\n")) == [("a", "x", "")]
    path = write("c.csv", "klass,wort\nx,a\n")
    assert rows(path, label_column="klass") == [("a", "x", "")]
    assert rows(path, text_column="2") == [("wort", "klass", ""), ("a", "x", "")]


@settings(max_examples=40, deadline=None)
@given(written=ROWS)
def test_any_labels_in_any_format(tmp_path_factory, written):
    folder = tmp_path_factory.mktemp("labels")
    with (folder / "a.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, quoting=csv.QUOTE_ALL).writerows([("text", "label"), *written])
    records = [{"text": text, "label": label} for text, label in written]
    (folder / "a.jsonl").write_text("\n".join(map(json.dumps, records)), encoding="utf-8")
    pq.write_table(pa.Table.from_pylist(records), folder / "a.parquet")
    read = [open_labels(str(folder / f"a.{suffix}")) for suffix in ("csv", "jsonl", "parquet")]
    for data in read:
        assert list(zip(data.texts, data.labels, strict=True)) == written
    assert len({data.hash for data in read}) == 1


def test_a_tsv_without_a_header(write):
    path = write("past_present.txt", 'He said " no .\tPast\nHe says .\tPres\n')
    assert rows(path) == [('He said " no .', "Past", ""), ("He says .", "Pres", "")]
    assert rows(path, text_column="2", label_column="1")[1] == ("Pres", "He says .", "")
    assert rows(write("b.txt", "text\tlabel\na\tx\n")) == [("a", "x", "")]
    assert rows(write("c.txt", "How many\tquestion\n")) == [("How many", "question", "")]
    assert "line 2: found 3 fields, expected 2" in refusal(write("d.txt", "a\tx\na\tb\tx\n"))
    first = write("e.txt", "".join(f"{'NP'[n % 2]}\ttext {n}\n" for n in range(9)))
    assert "say --column 2 --label-column 1" in refusal(first)
    assert rows(first, text_column="2")[8] == ("text 8", "N", "")


def test_senteval_probing_files(write):
    path = write("tense.txt", "tr\tPAST\tHe went .\nva\tPRES\tHe goes .\nte\tPAST\tThey went .\n")
    assert rows(path) == [
        ("He went .", "PAST", "train"),
        ("He goes .", "PRES", "dev"),
        ("They went .", "PAST", "test"),
    ]
    odd = write("odd.txt", "tr\tPAST\ta\nxx\tPRES\tb\n")
    assert "odd.txt, line 2: the part '1' is 'xx'" in refusal(odd)


def test_trec(write):
    lines = "DESC:manner How did it end ?\nENTY:animal What is the \xf0 ?\n".encode("latin-1")
    path = write("train.label", lines)
    assert rows(path, encoding="latin-1") == [
        ("How did it end ?", "DESC", ""),
        ("What is the ð ?", "ENTY", ""),
    ]
    assert "--encoding latin-1" in refusal(path)
    broken = write("broken.label", "DESC:manner How ?\nHow ?\n")
    assert "broken.label, line 2: found no label" in refusal(broken)


def test_files_of_one_label(write, tmp_path):
    pos, neg = write("rt.pos", "good .\n\n great, = fun .\n"), write("rt.neg", "bad .\n")
    named = open_labels([f"pos={pos}", f"neg={neg}"])
    assert list(named.texts) == ["good .", " great, = fun .", "bad ."]
    assert list(named.labels) == ["pos", "pos", "neg"]
    assert named.name == "rt.pos, rt.neg"
    table = write("a.csv", "id,text\n1,fine\n")
    assert rows(f"pos={table}") == [("fine", "pos", "")]
    assert rows(f"pos={table}", text_column="id") == [("1", "pos", "")]
    assert rows(write("k=v.txt", "a\tx\n")) == [("a", "x", "")]
    assert "no such file" in refusal(f"pos={tmp_path}/rt")
    assert "is a folder" in refusal(f"pos={tmp_path}")
    assert "rt.none holds no rows" in refusal(f"pos={write('rt.none', '')}")
    assert "NAME=FILE" in refusal(pos)


def test_parts(write):
    one, two = write("one.txt", "a\tx\n"), write("two.txt", "b\ty\n")
    dev, test = write("dev.txt", "c\tx\n"), write("test.txt", "d\ty\n")
    data = open_labels([str(one), str(two)], dev=str(dev), test=[str(test)])
    assert "".join(data.texts) == "abcd"
    assert list(data.splits) == ["train", "train", "dev", "test"]
    assert data.name == "one.txt, two.txt, dev.txt, test.txt"
    split = write("a.csv", "text,label,split\na,x,train\nb,y,val\n")
    assert [row[2] for row in rows(split)] == ["train", "dev"]
    assert [row[2] for row in rows(split, test=str(split))] == ["train", "train", "test", "test"]


def test_limit_is_for_each_source(write):
    pos, neg = write("pos", "a\nb\nc\n"), write("neg", "d\ne\n")
    assert "".join(row[0] for row in rows(f"p={pos}", f"n={neg}", limit=2, seed=None)) == "abde"
    assert [row[1] for row in rows(f"p={pos}", f"n={neg}", limit=2)] == ["p", "p", "n", "n"]
    assert "a limit of 0" in refusal(pos, limit=0)


def test_labels_become_text(write, tmp_path, monkeypatch):
    path = write("a.jsonl", '{"text": "a", "label": 3}\n{"text": "b", "label": " x "}\n')
    assert [row[1] for row in rows(path)] == ["3", "x"]
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    datasets.disable_progress_bars()
    table = {"text": ["a", "b"], "label": [0, 1], "label_text": ["no", "yes"]}
    datasets.Dataset.from_dict(table).save_to_disk(tmp_path / "saved")
    saved = f"hf:{tmp_path}/saved"
    assert [row[1] for row in rows(saved)] == ["0", "1"]
    assert [row[1] for row in rows(saved, label_column="label_text")] == ["no", "yes"]
    assert rows(write("b.csv.bz2", bz2.compress(b"text,label\na,x\n"))) == [("a", "x", "")]


def test_numbers_are_labels(write):
    lines = '{"text": "a", "label": 1.5}\n{"text": "b", "label": 2}\n'
    assert rows(write("a.jsonl", lines)) == [("a", "1.5", ""), ("b", "2", "")]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"text": "a", "label": [1.5]}', "line 2: 'label' is a list, expected a text or a"),
        ('{"text": "a", "label": 1e999}', "line 2: 'label' is inf, expected a text or a number"),
        ('{"text": 7, "label": "x"}', "line 2: 'text' is a int, expected a text"),
        ('{"text": "a"}', "line 2: has no column 'label'; it has 'text'"),
    ],
)
def test_rows_that_have_no_label(write, line, message):
    assert message in refusal(write("a.jsonl", f'{{"text": "a", "label": "x"}}\n{line}\n'))


def test_columns_that_cannot_be_told(write):
    path = write("a.csv", "id,text,grade\n1,a,x\n")
    assert "cannot tell which column holds the labels; it has 'id', 'text'" in refusal(path)
    assert "name it with --label-column" in refusal(path)
    assert "did you mean 'grade'?" in refusal(path, label_column="grades")
    assert rows(path, label_column="3")[-1] == ("a", "x", "")
    twice = write("b.csv", "text,category,intent\na,x,y\n")
    assert "which column holds the labels" in refusal(twice)
    assert rows(twice, label_column="intent") == [("a", "y", "")]
    assert "holds the texts; it has 'label', 'b', 'c'" in refusal(
        write("c.csv", "label,b,c\n1,2,3\n")
    )
    assert "holds the labels; it has 'text'" in refusal(write("d.csv", "text\na\n"))
    assert "holds the labels" in refusal(path, text_column="text", label_column="text")


def test_sources_that_cannot_be_read(write, tmp_path):
    write("train.csv", "text,label\na,x\n")
    assert "(there is train.csv)" in refusal(tmp_path / "trai.csv")
    assert "is a folder" in refusal(tmp_path)
    assert "empty.csv holds no rows" in refusal(write("empty.csv", "text,label\n"))
    assert "no input" in refusal()


def test_the_hash_is_over_every_field(write):
    lines = ["tr\tx\ta", "tr\ty\ta", "tr\tx\tb", "te\tx\ta"]
    hashes = [open_labels(str(write("a.txt", line))).hash for line in lines]
    assert len({*hashes}) == len(lines)
    assert open_labels(str(write("b.txt", lines[0]))).hash == hashes[0]
