"""How many sets of data an argument holds, and what they are called."""

from __future__ import annotations

import pandas as pd
import pytest

from poolwise.api.inputs import as_datasets
from poolwise.api.read_options import read_options
from poolwise.errors import TextError

ROWS = [(f"text {i}", "ab"[i % 2]) for i in range(20)]
COLUMNS = tuple(map(list, zip(*ROWS, strict=True)))
FRAME = pd.DataFrame(ROWS, columns=["text", "label"])
SENTENCE = [("the", "D"), ("cat", "N"), ("sat", "V")]


def datasets(**data):
    every = dict.fromkeys(("pairs", "labels", "tags", "texts"))
    return as_datasets(**every | data, options=read_options(0, {}))


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        (None, []),
        (ROWS, ["labels"]),
        (list(map(list, ROWS)), ["labels"]),
        (COLUMNS, ["labels"]),
        (FRAME, ["labels"]),
        ([{"text": text, "label": label} for text, label in ROWS], ["labels"]),
        ([FRAME], ["labels"]),
        ([FRAME, COLUMNS], ["labels 1", "labels 2"]),
        ([COLUMNS, FRAME, COLUMNS], ["labels 1", "labels 2", "labels 3"]),
    ],
)
def test_rows_are_one_set_and_tables_are_several(labels, names):
    sets = datasets(labels=labels).labels
    assert [data.name for data in sets] == names
    assert all(list(data.texts) == list(COLUMNS[0]) for data in sets)


def test_files_of_one_label_are_one_set(tmp_path):
    for name in "ab":
        (tmp_path / f"{name}.txt").write_text("".join(f"{name} {i}\n" for i in range(9)))
    (data,) = datasets(labels=[f"{name}={tmp_path / name}.txt" for name in "ab"]).labels
    assert set(data.labels) == {"a", "b"}
    assert len(data.texts) == 18


@pytest.mark.parametrize(
    ("texts", "n"),
    [
        (["one text", "another"], 1),
        ([{"text": "one text"}, {"text": "another"}], 1),
        (FRAME, 1),
        ([FRAME[["text"]], FRAME[["text"]]], 2),
    ],
)
def test_strings_are_one_set_of_texts(texts, n):
    assert len(datasets(texts=texts).texts) == n


def test_sentences_of_tagged_words_are_one_set():
    assert [data.name for data in datasets(tags=[SENTENCE] * 5).tags] == ["tags"]


def test_no_rows_are_an_error():
    with pytest.raises(TextError):
        datasets(labels=[])
