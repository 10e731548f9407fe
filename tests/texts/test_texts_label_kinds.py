"""Several labels a text, and numbers: from every form that they come in."""

from __future__ import annotations

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from poolwise.errors import TextError
from poolwise.texts import open_labels
from poolwise.texts.labels import label_set


def labels(source, kind, **how):
    return list(open_labels(str(source), kind=kind, **how).labels)


def refusal(source, kind, **how):
    with pytest.raises(TextError) as caught:
        labels(source, kind, **how)
    return str(caught.value)


SEVERAL = [["sports", "news"], [], ["news"], [" news", "news"]]
READ = ["news;sports", "", "news", "news"]


def test_lists_and_separated_labels_are_the_same(write, tmp_path):
    records = [{"text": f"text {n}", "labels": several} for n, several in enumerate(SEVERAL)]
    pq.write_table(pa.Table.from_pylist(records), tmp_path / "a.parquet")
    jsonl = write("a.jsonl", "\n".join(map(json.dumps, records)))
    joined = ";".join
    csv = write(
        "a.csv",
        "".join(
            f"{t},{s}\n"
            for t, s in [("text", "labels")]
            + [(record["text"], joined(record["labels"])) for record in records]
        ),
    )
    read = [open_labels(str(p), kind="multilabel") for p in (tmp_path / "a.parquet", jsonl, csv)]
    assert [list(data.labels) for data in read] == [READ] * 3
    assert len({data.hash for data in read}) == 1
    assert [label_set(label) for label in READ[:2]] == [("news", "sports"), ()]


def test_one_label_is_a_set_too(write):
    assert labels(write("a.jsonl", '{"text": "a", "label": 3}'), "multilabel") == ["3"]
    assert labels(write("b.txt", "How many\tb; a;\nWho\t\n"), "multilabel") == ["a;b", ""]
    source = write("c.txt", "one\ntwo\n")
    assert labels(f"x={source}", "multilabel") == ["x", "x"]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("0.5", "is a float, expected a list of labels, or a text with ';' between them"),
        ('["a;b"]', "lists the label 'a;b', which ';' would make two"),
        ('["a", null]', "is null, expected a text or a number"),
        ('["a", " "]', "'label' is empty"),
    ],
)
def test_what_is_no_list_of_labels(write, value, said):
    path = write("a.jsonl", f'{{"text": "a", "label": {value}}}')
    found = refusal(path, "multilabel")
    assert said in found
    assert "a.jsonl, line 1" in found


def test_numbers(write):
    path = write("a.csv", "id,text,score,label\n1,fine,3.50,x\n2,bad,-1e-3,x\n")
    assert labels(path, "regression") == ["3.5", "-0.001"]
    assert labels(path, "classification") == ["x", "x"]
    assert labels(write("b.csv", "text,label\nfine,4\n"), "regression") == ["4.0"]
    assert labels(write("c.jsonl", '{"text": "a", "stars": 2}'), "regression") == ["2.0"]
    assert labels(path, "regression", label_column="id") == ["1.0", "2.0"]
    source = write("d.txt", "one\ntwo\n")
    assert labels(f"2={source}", "regression") == ["2.0", "2.0"]


def test_what_is_no_number(write):
    for field in ("fine", "nan", "inf"):
        said = refusal(write("a.csv", f"text,label\nok,1\na,{field}\n"), "regression")
        assert f"a.csv, line 3: the score 'label' is {field!r}, expected a number" in said
    source = write("d.txt", "one\n")
    assert "pos=" in refusal(f"pos={source}", "regression")
