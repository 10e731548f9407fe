"""Columns that go with the texts: their types and values from every format."""

from __future__ import annotations

import datetime
import decimal
import json
import sys
from io import BytesIO, TextIOWrapper

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasets import ClassLabel, Dataset, Features, Value
from hypothesis import given, settings
from hypothesis import strategies as st

from poolwise.errors import StoreError, TextError
from poolwise.records import VectorBatch
from poolwise.stores import create
from poolwise.texts import Texts, open_texts


@pytest.fixture(autouse=True)
def quiet(tmp_path, monkeypatch):
    datasets.disable_progress_bars()
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")


def through(texts: Texts, path, batch: int = 3) -> pa.Table:
    """What a store makes of them, a few rows at a time."""
    sentences = list(texts)
    with create(
        path, ["mean@-1"], extra_columns=texts.extra_columns, with_text=True, overwrite=True
    ) as store:
        for at in range(0, len(sentences), batch):
            some = sentences[at : at + batch]
            rows = len(some)
            marks = [np.zeros(rows, np.bool_) for _ in range(3)]
            vectors = {"mean@-1": np.zeros((rows, 2), np.float32)}
            store.write(VectorBatch(some, vectors, np.zeros(rows, np.int32), *marks))
    return pq.read_table(path)


def refusal(*inputs: object, **how: object) -> str:
    with pytest.raises(TextError) as caught:
        list(open_texts([str(name) for name in inputs], **how))
    return str(caught.value)


COLUMNS = {
    "ns": pa.array([1, None, 1_234_567_891], pa.timestamp("ns")),
    "zone": pa.array([1, None, 3], pa.timestamp("us", "Europe/Berlin")),
    "time": pa.array([1, None, 3], pa.time64("ns")),
    "day": pa.array([datetime.date(2024, 2, 29), None, datetime.date(1, 1, 1)]),
    "for": pa.array([1, None, 3], pa.duration("ns")),
    "price": pa.array([decimal.Decimal("1.50"), None, decimal.Decimal(2)], pa.decimal128(9, 2)),
    "half": pa.array(np.array([1.5, 0, 2], np.float16)),
    "single": pa.array([0.1, None, 3e38], pa.float32()),
    "small": pa.array([1, None, -128], pa.int8()),
    "wide": pa.array([2**64 - 1, None, 0], pa.uint64()),
    "flag": pa.array([True, None, False]),
    "tags": pa.array([["a", None], None, []]),
    "two": pa.array([[1, 2], None, [3, 4]], pa.list_(pa.float32(), 2)),
    "doc": pa.array([{"a": 1, "b": "x"}, None, {"a": None, "b": "y"}]),
    "map": pa.array([[("k", 1)], None, []], pa.map_(pa.string(), pa.int32())),
    "raw": pa.array([b"\xff", None, b""]),
    "long": pa.array(["ä", None, ""], pa.large_string()),
    "none": pa.nulls(3),
}


def test_parquet_keeps_its_types(tmp_path):
    table = pa.table({"text": ["a", "b", "c"], **COLUMNS, "kind": ["x", None, "y"]})
    categories = table["kind"].dictionary_encode()
    pq.write_table(table.drop_columns("kind").append_column("kind", categories), tmp_path / "a.pq")
    (tmp_path / "a.pq").rename(tmp_path / "a.parquet")
    texts = open_texts([str(tmp_path / "a.parquet")], keep=[*COLUMNS, "kind", "doc.b"])
    made = through(texts, tmp_path / "out.parquet", 2)
    for name in [*COLUMNS, "kind"]:
        assert made[name].type == table[name].type, name
        assert made[name].combine_chunks() == table[name].combine_chunks(), name
    assert made["doc.b"].to_pylist() == ["x", None, "y"]
    assert made.column_names[:3] == ["id", "text", "ns"]


def test_fields_of_csv_are_text(write, tmp_path):
    path = write("a.csv", 'text;stars;note\r\na;4;"x\r\ny"\r\nb;;007\r\n')
    made = through(open_texts([str(path)], keep=["note", "stars"]), tmp_path / "out.parquet")
    assert made["stars"].to_pylist() == ["4", ""]
    assert made["note"].to_pylist() == ["x\r\ny", "007"]
    assert made["note"].type == pa.string()


BIG = 2**53 + 1


@pytest.mark.parametrize(
    ("values", "type_", "kept"),
    [
        ([1, 2, None], pa.int64(), None),
        ([-(2**63), BIG, 0], pa.int64(), None),
        ([1, 2.5], pa.float64(), [1.0, 2.5]),
        ([True, None, False], pa.bool_(), None),
        (["a", "ä", None], pa.string(), None),
        ([None, None], pa.string(), None),
        ([1, "a", None], pa.string(), ["1", '"a"', None]),
        ([True, 1], pa.string(), ["true", "1"]),
        ([BIG, 2.5], pa.string(), [str(BIG), "2.5"]),
        ([2**63, 1], pa.string(), [str(2**63), "1"]),
        ([["a", "ä"], {"b": None}], pa.string(), ['["a", "ä"]', '{"b": null}']),
    ],
)
def test_json_keeps_what_all_of_a_file_agrees_on(write, tmp_path, values, type_, kept):
    lines = [json.dumps({"text": "t", "v": value}) for value in values]
    texts = open_texts([str(write("a.jsonl", "\n".join(lines)))], keep=["v"])
    column = through(texts, tmp_path / "out.parquet", batch=1)["v"]
    assert column.type == type_
    assert column.to_pylist() == (values if kept is None else kept)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=4,
)


@settings(max_examples=60, deadline=None)
@given(values=st.lists(JSON, min_size=1, max_size=5))
def test_any_json(tmp_path_factory, values):
    folder = tmp_path_factory.mktemp("kept")
    lines = "".join(json.dumps({"text": "t", "v": value}) + "\n" for value in values)
    (folder / "a.jsonl").write_text(lines)
    texts = open_texts([str(folder / "a.jsonl")], keep=["v"])
    column = through(texts, folder / "out.parquet", batch=1)["v"]
    found = column.to_pylist()
    if column.type == pa.string() and not all(isinstance(v, str | None) for v in values):
        found = [None if value is None else json.loads(value) for value in found]
    assert found == values


def test_keys_that_some_rows_lack_and_paths(write, tmp_path):
    rows = [{"text": "a"}, {"text": "b", "by": {"name": "x"}}, {"text": "c", "by": None, "n": 1}]
    path = str(write("a.jsonl", "\n".join(map(json.dumps, rows))))
    made = through(open_texts([path], keep=["by.name", "n"]), tmp_path / "out.parquet")
    assert made["by.name"].to_pylist() == [None, "x", None]
    assert made["n"].to_pylist() == [None, None, 1]
    assert "has no column 'by.nam'" in refusal(path, keep=["by.nam"])


def test_json_that_is_read_once(monkeypatch, tmp_path):
    lines = b'{"text": "a", "v": 1}\n{"text": "b", "v": "x"}\n{"text": "c"}\n'
    monkeypatch.setattr(sys, "stdin", TextIOWrapper(BytesIO(lines)))
    texts = open_texts(["-"], format="jsonl", keep=["v"])
    assert through(texts, tmp_path / "out.parquet")["v"].to_pylist() == ["1", '"x"', None]


def test_datasets_keep_their_types(tmp_path):
    features = Features(
        {
            "text": Value("string"),
            "label": ClassLabel(names=["neg", "pos"]),
            "score": Value("float32"),
            "when": Value("timestamp[us]"),
            "by": {"name": Value("string")},
        }
    )
    when = datetime.datetime(2024, 1, 1)  # noqa: DTZ001
    row = {"label": 1, "score": 0.5, "when": when, "by": {"name": "x"}}
    rows = [{"text": "a", **row}, {"text": "b", **row, "score": None, "by": {"name": None}}]
    Dataset.from_list(rows, features=features).save_to_disk(tmp_path / "saved")
    kept = ["label", "score", "when", "by.name"]
    made = through(open_texts([f"hf:{tmp_path}/saved"], keep=kept), tmp_path / "out.parquet")
    assert [str(made[name].type) for name in kept] == ["int64", "float", "timestamp[us]", "string"]
    assert made["score"].to_pylist() == [0.5, None]
    assert made["by.name"].to_pylist() == ["x", None]
    assert "has no column 'by.nam'" in refusal(f"hf:{tmp_path}/saved", keep=["by.nam"])
    assert "'by' is a dict, expected a text; name one of its fields: 'by.name'" in refusal(
        f"hf:{tmp_path}/saved", column="by"
    )


def test_a_folder_of_json(tmp_path):
    (tmp_path / "train.jsonl").write_text('{"text": "a", "v": 1}\n{"text": "b", "v": 2}\n')
    made = through(open_texts([f"hf:{tmp_path}"], keep=["v"]), tmp_path / "out.parquet")
    assert made["v"].to_pylist() == [1, 2]


def test_several_inputs(write, tmp_path):
    one = str(write("a.csv", "text,n\na,1\n"))
    two = str(write("b.jsonl", '{"text": "b", "n": "2"}\n'))
    three = str(write("c.jsonl", '{"text": "c", "n": 3}\n'))
    made = through(open_texts([one, two], keep=["n"]), tmp_path / "out.parquet")
    assert made["n"].to_pylist() == ["1", "2"]
    made = through(open_texts([one, two, three], keep=["n"]), tmp_path / "out.parquet")
    assert [json.loads(value) for value in made["n"].to_pylist()] == ["1", "2", 3]
    pq.write_table(pa.table({"text": ["d"], "n": [4]}), tmp_path / "d.parquet")
    parquet = str(tmp_path / "d.parquet")
    made = through(open_texts([three, parquet], keep=["n"]), tmp_path / "out.parquet")
    assert made["n"].to_pylist() == [3, 4]
    message = refusal(one, parquet, keep=["n"])
    assert f"'n' is string in {one} and int64 in {parquet}, expected one type" in message


def test_sentences_repeat_the_values_of_their_row(write, tmp_path):
    path = str(write("a.csv", 'text,n\n"One. Two.\n\nThree.",7\nFour.,8\n'))
    texts = open_texts([path], keep=["n"], split="sentences")
    made = through(texts, tmp_path / "out.parquet")
    assert made["text"].to_pylist() == ["One.", "Two.", "Three.", "Four."]
    assert made["n"].to_pylist() == ["7", "7", "7", "8"]


def test_values_stay_with_their_rows_where_some_are_drawn(write, tmp_path):
    rows = "".join(f"text {n},{n}\n" for n in range(500))
    texts = open_texts([str(write("a.csv", f"text,n\n{rows}"))], keep=["n"], limit=40)
    made = through(texts, tmp_path / "out.parquet", batch=7)
    assert len(made) == 40
    assert made["text"].to_pylist() == [f"text {n}" for n in made["n"].to_pylist()]


def test_what_cannot_be_kept(write, tmp_path):
    lines = write("a.txt", "a\n")
    assert "plain lines, which have no columns" in refusal(lines, keep=["n"])
    path = str(write("b.csv", "text,n,id,empty\na,1,2,3\n"))
    assert "has no column 'm'; it has 'text', 'n'" in refusal(path, keep=["m"])
    half = write("c.jsonl", '{"text": "a", "n": "x"}\n{"text": "b", "n": "\\ud800"}\n')
    assert "c.jsonl, line 2: 'n' has half a surrogate pair" in refusal(half, keep=["n"])
    for suffix in ("npy", "safetensors"):
        with pytest.raises(StoreError, match="holds no columns such as 'n'"):
            through_vectors(open_texts([path], keep=["n"]), tmp_path / f"out.{suffix}")
    for name in ("id", "text", "empty"):
        with pytest.raises(StoreError, match=f"'{name}' cannot be kept under that name"):
            through(open_texts([path], keep=[name]), tmp_path / "out.parquet")
    vectors = write("d.csv", "text,mean@-1\na,1\n")
    with pytest.raises(StoreError, match="'mean@-1' cannot be kept under that name"):
        through(open_texts([str(vectors)], keep=["mean@-1"]), tmp_path / "out.parquet")


def through_vectors(texts: Texts, path) -> None:
    with create(path, ["mean@-1"], extra_columns=texts.extra_columns):
        pass
