"""poolwise.sweep(data=…): the task of a table is inferred; task= overrules it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import poolwise
from poolwise.errors import OptionError, StudyError, TextError

GRID = "{cls,mean}@{2,3}"


@pytest.fixture(scope="module")
def stars(rows):
    return [len(text.split()) for text in rows[0]]


@pytest.fixture(scope="module")
def frame(rows, stars):
    return pd.DataFrame({"text": rows[0], "label": rows[1], "stars": stars})


def test_data_give_what_labels_give(model, frame, rows):
    inferred = poolwise.sweep(model, data=frame, target="label", grid=GRID)
    named = poolwise.sweep(model, labels=rows, grid=GRID)
    assert inferred.selections[0].names == named.selections[0].names
    for ours, theirs in zip(inferred.selections, named.selections, strict=True):
        np.testing.assert_array_equal(ours.row_scores, theirs.row_scores)
    notes = inferred.findings[0].notes
    assert notes[0].startswith("data is taken as classification: the texts are in 'text'")


def test_a_scale_is_of_classes_or_of_numbers(model, frame):
    frame = frame[["text", "stars"]]
    classes = poolwise.sweep(model, data=frame, grid=GRID, task="classification")
    assert {f.study for f in classes.findings} >= {"classification"}
    assert not {f.study for f in classes.findings} & {"similarity", "clustering"}
    numbers = poolwise.sweep(model, data=frame, grid=GRID, task="regression")
    assert [s.task.score for s in numbers.selections] == ["R²"]


def test_a_task_is_asked_of_every_kind_of_data(model, rows):
    clusters = poolwise.sweep(model, labels=rows, grid=GRID, task="clustering")
    assert [s.task.score for s in clusters.selections] == ["V-measure"]
    alike = poolwise.sweep(model, labels=rows, grid=GRID, task="similarity")
    assert {f.study for f in alike.findings} & {"classification", "similarity"} == {"similarity"}


def test_two_columns_of_texts_are_retrieval(model, rows):
    texts = list(dict.fromkeys(rows[0]))[:80]
    frame = pd.DataFrame({"question": texts, "answer": [f"{text} house" for text in texts]})
    result = poolwise.sweep(model, data=frame, grid=GRID)
    assert result.findings[0].study == "retrieval"


def test_mistakes_are_named(model, frame, rows):
    with pytest.raises(OptionError, match="task is 'classify', expected one of classification"):
        poolwise.sweep(model, data=frame, task="classify")
    with pytest.raises(OptionError, match="task is 'classify', expected one of classification"):
        poolwise.sweep(model, labels=rows, task="classify")
    with pytest.raises(
        StudyError,
        match="retrieval cannot be measured on these data: they carry classification, clustering, "
        "similarity",
    ):
        poolwise.sweep(model, labels=rows, task="retrieval")
    with pytest.raises(OptionError, match="found data and labels, expected data alone"):
        poolwise.sweep(model, data=frame, labels=rows)
    with pytest.raises(OptionError, match="target names a column of data, and no data are given"):
        poolwise.sweep(model, labels=rows, target="label")
    with pytest.raises(TextError, match="cannot tell which column is the target"):
        poolwise.sweep(model, data=frame.rename(columns={"label": "a", "stars": "b"}))
    with pytest.raises(StudyError, match="all 160 texts are the same as the encoder reads them"):
        poolwise.sweep(model, data={"text": ["one text"] * 160, "label": rows[1]})
    with pytest.raises(TextError, match="found no column of classes or numbers to predict"):
        poolwise.sweep(model, data={"text": rows[0], "label": ["x"] * len(rows[0])})


def test_a_question_takes_data_too(model, frame):
    answered = poolwise.ask("similarity", model, data=frame, target="label", grid=GRID)
    assert answered.findings[0].study == "similarity"
    with pytest.raises(StudyError, match="tagging is measured on tags; the data hold none of them"):
        poolwise.ask("tagging", model, data=frame, target="label")
