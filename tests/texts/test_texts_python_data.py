"""Data from Python objects: every kind of frame and list gives what the same rows in a file do."""

import datasets
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from poolwise.errors import ColumnError, TextError
from poolwise.texts import (
    labels_from,
    open_labels,
    open_pairs,
    open_tags,
    open_texts,
    pairs_from,
    tags_from,
    texts_from,
)

TEXTS = ["the cat sat", "a dog ran", "birds sing", "the fish swam", "a fox hid", "the cow ate"]
LABELS = ["cat", "dog", "cat", "dog", "cat", "dog"]
SCORES = [0.5, 1.0, 4.25, 3.0, 2.0, 5.0]
SECOND = [text.upper() for text in TEXTS]
COLUMNS = {"text": TEXTS, "label": LABELS}

TABLES = {
    "dict": dict,
    "pandas": pd.DataFrame,
    "polars": pl.DataFrame,
    "lazy polars": lambda columns: pl.DataFrame(columns).lazy(),
    "pyarrow": pa.table,
    "record batch": pa.RecordBatch.from_pydict,
    "dataset": datasets.Dataset.from_dict,
    "streamed dataset": lambda columns: datasets.Dataset.from_dict(columns).to_iterable_dataset(),
    "dicts": lambda columns: pd.DataFrame(columns).to_dict("records"),
    "dict of arrays": lambda columns: {name: np.array(c) for name, c in columns.items()},
    "dict of Series": lambda columns: {name: pd.Series(c) for name, c in columns.items()},
    "dict of Arrow arrays": lambda columns: {name: pa.array(c) for name, c in columns.items()},
}
POSITIONAL = {
    "columns": lambda columns: tuple(columns.values()),
    "rows": lambda columns: list(zip(*columns.values(), strict=True)),
    "rows as lists": lambda columns: [[*row] for row in zip(*columns.values(), strict=True)],
    "arrays": lambda columns: tuple(map(np.array, columns.values())),
    "2-d array": lambda columns: np.array([*zip(*columns.values(), strict=True)], object),
    "frame without names": lambda columns: pd.DataFrame([*zip(*columns.values(), strict=True)]),
}
KINDS = TABLES | POSITIONAL


@pytest.fixture
def csv(tmp_path):
    def write(columns):
        path = tmp_path / "data.csv"
        pd.DataFrame(columns).to_csv(path, index=False)
        return str(path)

    return write


def same(made, expected):
    """All that a study reads, and the hash; not the name."""
    for name in ("texts", "labels", "first", "second", "subsets", "splits", "hash", "notes"):
        if hasattr(expected, name):
            assert getattr(made, name) == getattr(expected, name), name
    if hasattr(expected, "scores"):
        np.testing.assert_array_equal(made.scores, expected.scores)


@pytest.mark.parametrize("kind", KINDS)
def test_labels_are_those_of_a_file(kind, csv):
    made = labels_from(KINDS[kind](COLUMNS))
    same(made, open_labels(csv(COLUMNS)))
    assert made.name == "labels"
    assert all(type(text) is str for text in (*made.texts, *made.labels))


@pytest.mark.parametrize("kind", KINDS)
def test_pairs_are_those_of_a_file(kind, csv):
    columns = {"sentence1": TEXTS, "sentence2": SECOND, "score": SCORES}
    same(pairs_from(KINDS[kind](columns), name="sts"), open_pairs(csv(columns)))


@pytest.mark.parametrize("kind", TABLES)
def test_a_column_of_splits_is_read(kind, csv):
    columns = COLUMNS | {"split": ["train", "validation", "test"] * 2}
    made = labels_from(TABLES[kind](columns))
    assert made.splits == ("train", "dev", "test") * 2
    same(made, open_labels(csv(columns)))


@pytest.mark.parametrize("kind", POSITIONAL)
def test_a_third_column_is_the_split(kind, csv):
    columns = COLUMNS | {"split": ["train", "dev", "test"] * 2}
    same(labels_from(POSITIONAL[kind](columns)), open_labels(csv(columns)))


@pytest.mark.parametrize("kind", TABLES)
def test_integers_become_labels_and_columns_are_named(kind, csv):
    columns = {"id": [*range(6)], "body": TEXTS, "class": [3, 1, 3, 1, 3, 1]}
    made = labels_from(TABLES[kind](columns), text_column="body")
    same(made, open_labels(csv(columns), text_column="body"))
    assert made.labels == ("3", "1") * 3


@pytest.mark.parametrize("kind", TABLES)
def test_a_limit_draws_the_rows_that_it_draws_of_a_file(kind, csv):
    columns = {"text": [f"text {i}" for i in range(50)], "label": ["a", "b"] * 25}
    made = labels_from(TABLES[kind](columns), limit=10, seed=3)
    same(made, open_labels(csv(columns), limit=10, seed=3))
    assert made.notes == ["10 of 50 rows, drawn by seed 3"]
    assert made.samples[0].source == "labels"


@pytest.mark.parametrize("missing", [None, float("nan"), np.nan, pd.NA, pd.NaT, "", " "])
def test_rows_without_text_or_label_are_left_out_and_counted(missing):
    frame = pd.DataFrame({"text": ["a", missing, "c", "d"], "label": ["x", "y", missing, "y"]})
    made = labels_from(frame.astype(object))
    assert (made.texts, made.labels) == (("a", "d"), ("x", "y"))
    assert [*made.notes] == [
        "1 row has no text; left out: row 1",
        "1 row has no label; left out: row 2",
    ]


def test_pandas_types(csv):
    frame = pd.DataFrame(COLUMNS).astype({"text": "string", "label": "category"})
    same(labels_from(frame[::-1].reset_index(drop=True)[::-1]), open_labels(csv(COLUMNS)))
    numbers = pd.DataFrame({"text": TEXTS, "label": pd.array([1, 2, None, 1, 2, 1], "Int64")})
    assert labels_from(numbers).labels == ("1", "2", "1", "2", "1")


def test_labels_of_other_kinds(csv):
    several = [["b", "a"], [], ["a"], ["c", "b"], ["a"], ["b"]]
    joined = ["a;b", "", "a", "b;c", "a", "b"]
    for made in (
        labels_from({"text": TEXTS, "label": several}, kind="multilabel"),
        labels_from(pl.DataFrame({"text": TEXTS, "label": several}), kind="multilabel"),
        labels_from((TEXTS, joined), kind="multilabel"),
    ):
        assert [*made.labels] == joined
    scores = labels_from(pd.DataFrame({"text": TEXTS, "score": SCORES}), kind="regression")
    assert [*map(float, scores.labels)] == SCORES


def test_dev_and_test_are_named_beside_the_training_data(csv):
    frame = pd.DataFrame(COLUMNS)
    made = labels_from(frame[:3], dev=frame[3:4], test=frame[4:])
    assert made.splits == ("train",) * 3 + ("dev",) + ("test",) * 2
    assert made.name == "labels, labels (dev), labels (test)"
    same(labels_from(frame, test=csv(COLUMNS)), open_labels(csv(COLUMNS), test=csv(COLUMNS)))


def test_a_dict_of_datasets_is_read_by_split():
    of = datasets.Dataset.from_dict(COLUMNS)
    made = labels_from(datasets.DatasetDict(train=of, validation=of, test=of))
    assert made.splits == ("train",) * 6 + ("dev",) * 6 + ("test",) * 6
    with pytest.raises(TextError, match=r"found the splits 'train', 'unsupervised', expected"):
        labels_from(datasets.DatasetDict(train=of, unsupervised=of))
    with pytest.raises(TextError, match=r"'train', 'test' and test=…, expected each split once"):
        labels_from(datasets.DatasetDict(train=of, test=of), test=of)


def test_fields_within_a_dataset_are_named_by_their_paths():
    of = datasets.Dataset.from_dict({"review": [{"body": t} for t in TEXTS], "label": LABELS})
    assert labels_from(of, text_column="review.body").texts == tuple(TEXTS)
    assert labels_from(of.to_list(), text_column="review.body").texts == tuple(TEXTS)


def test_paths_are_read_as_files_are(csv, tmp_path):
    path = csv(COLUMNS)
    for given in (path, tmp_path / "data.csv", [path]):
        assert labels_from(given) == open_labels(path)
    (tmp_path / "cats.txt").write_text("a cat\n")
    (tmp_path / "dogs.txt").write_text("a dog\n")
    sources = [f"{name}={tmp_path}/{name}s.txt" for name in ("cat", "dog")]
    assert labels_from(sources) == open_labels(sources)


def test_what_has_been_read_is_given_back(csv):
    for read, data in ((labels_from, COLUMNS), (texts_from, TEXTS)):
        made = read(data)
        assert read(made) is made


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (5, r"labels: found int \(5\), expected a path, a frame or dict with named columns, a "),
        ([], r"labels: found list \(\[\]\), expected a path"),
        ({"a", "b"}, r"found set .* expected a path"),
        ({"text": TEXTS, "label": LABELS[1:]}, r"columns differ in length: 'text' 6, 'label' 5"),
        ({"text": "abc", "label": LABELS}, r"the column 'text' is str \('abc'\), expected a list"),
        ((TEXTS,), r"found a tuple of 1, expected \(text, label\), or with 'split' last"),
        ([("a", "b"), ("c",)], r"labels, row 1: found 1 fields, expected 2 as in the first row"),
        ([("a", "b"), "c"], r"labels, row 1: found str \('c'\), expected 2 as in the first row"),
        ([1, 2], r"labels, row 0: found int \(1\), expected \(text, label\)"),
        ([{"text": "a", "label": "b"}, {"text": "c"}], r"row 1: has no column 'label'; it has"),
        (pd.DataFrame({"a": TEXTS, "b": LABELS, "c": SCORES}), r"cannot tell which column holds "
         r"the texts; it has 'a', 'b', 'c'; name it with text_column=…"),
        ((LABELS, [["a"]] * 6), r"labels, row 0: 'label' is a list, expected a text or a number"),
        (([1, 2], ["a", "b"]), r"labels, row 0: 'text' is a int, expected a text"),
        ({"text": ["", None], "label": ["a", "b"]}, r"labels holds no rows that are whole: 2 rows"),
        ({"text": ["a\ud800"], "label": ["x"]}, r"labels, row 0: 'text' has half a surrogate"),
    ],
)  # fmt: skip
def test_what_holds_no_labels_is_an_error_that_says_what_was_found(data, message):
    with pytest.raises(TextError, match=message):
        labels_from(data)


def test_a_row_that_is_too_large_is_an_error():
    with pytest.raises(TextError, match=r"labels, row 0: found 12 bytes, expected at most 11"):
        labels_from(COLUMNS | {"text": ["a" * 12] * 6, "label": [1] * 6}, max_text_bytes=11)


WORDS = [["the", "cat"], ["a", "dog", "ran"], ["birds"]]
TAGS = [["D", "N"], ["D", "N", "V"], ["N"]]


def tag_columns(**names):
    return {names.get("words", "words"): WORDS, names.get("tags", "tags"): TAGS}


@pytest.mark.parametrize(
    "data",
    [
        [[*zip(words, tags, strict=True)] for words, tags in zip(WORDS, TAGS, strict=True)],
        (WORDS, TAGS),
        tag_columns(),
        pd.DataFrame(tag_columns(words="tokens", tags="ner_tags")),
        pl.DataFrame(tag_columns(words="tokens", tags="pos_tags")),
        pa.table(tag_columns(tags="upos")),
        datasets.Dataset.from_dict(tag_columns(words="tokens", tags="labels")),
    ],
    ids=str,
)
def test_tags_are_those_of_a_file(data, tmp_path):
    lines = [
        "".join(f"{word} {tag}\n" for word, tag in zip(words, tags, strict=True))
        for words, tags in zip(WORDS, TAGS, strict=True)
    ]
    (tmp_path / "tags.txt").write_text("\n".join(lines))
    made, expected = tags_from(data), open_tags(str(tmp_path / "tags.txt"))
    assert (made.words, made.tags, made.hash) == (expected.words, expected.tags, expected.hash)


def test_class_labels_of_a_dataset_become_their_names():
    features = datasets.Features(
        tokens=datasets.List(datasets.Value("string")),
        ner_tags=datasets.List(datasets.ClassLabel(names=["O", "B-PER"])),
    )
    columns = {"tokens": [["Ann", "ran"], ["rain"]], "ner_tags": [[1, 0], [0]]}
    made = tags_from(datasets.Dataset.from_dict(columns, features=features))
    assert made.tags == (("B-PER", "O"), ("O",))


def test_tags_that_do_not_fit_are_errors():
    with pytest.raises(TextError, match="row 0: found 2 words and 1 tags, expected a tag for each"):
        tags_from(([["a", "b"]], [["N"]]))
    with pytest.raises(TextError, match="cannot tell which column holds the tags; it has 'words'"):
        tags_from({"words": WORDS})
    with pytest.raises(TextError, match=r"tags, row 0: found 'abc', expected \(word, tag\)"):
        tags_from([["abc"]])
    with pytest.raises(TextError, match="'words' is a str, expected a list"):
        tags_from((["a b"], [["N"]]))
    made = tags_from({"w": WORDS, "t": TAGS}, words_column="w", tags_column="t", limit=2)
    assert [*made.notes] == ["2 of 3 sentences, drawn by seed 0"]


@pytest.mark.parametrize(
    "data",
    [
        TEXTS,
        tuple(TEXTS),
        np.array(TEXTS),
        pd.Series(TEXTS),
        pl.Series(TEXTS),
        pa.chunked_array([TEXTS[:2], TEXTS[2:]]),
        datasets.Dataset.from_dict(COLUMNS)["text"],
        COLUMNS,
        pd.DataFrame(COLUMNS),
        pl.DataFrame(COLUMNS),
        pa.table(COLUMNS),
        datasets.Dataset.from_dict(COLUMNS),
        [{"text": text} for text in TEXTS],
    ],
    ids=lambda data: f"{type(data).__module__}.{type(data).__name__}",
)
def test_texts_are_those_of_a_file(data, tmp_path):
    (tmp_path / "texts.txt").write_text("\n".join(TEXTS))
    made, expected = texts_from(data), open_texts([str(tmp_path / "texts.txt")])
    for _ in range(2):
        assert [(s.text, s.id) for s in made] == [(s.text, s.id) for s in expected]
        assert made.hash == expected.hash
    drawn = texts_from(data, limit=3)
    assert [s.text for s in drawn] == [
        s.text for s in open_texts([str(tmp_path / "texts.txt")], limit=3)
    ]
    assert drawn.notes == ["3 of 6 texts, drawn by seed 0"]


def test_an_iterator_of_texts_is_read_once():
    made = texts_from(iter(TEXTS))
    assert [sentence.text for sentence in made] == TEXTS
    with pytest.raises(TextError, match="texts can be read only once"):
        list(made)


def test_texts_have_ids_and_other_columns():
    frame = pd.DataFrame(
        {
            "key": ["x", "y"],
            "body": ["a", "b"],
            "stars": [1, 2],
            "when": pd.to_datetime(["2020-01-01", "2021-01-01"]),
            "mixed": [1, "a"],
        }
    )
    made = texts_from(frame, column="body", id_column="key", keep=["stars", "when", "mixed"])
    assert [(s.text, s.id, s.extra[0], s.extra[2]) for s in made] == [
        ("a", "x", 1, "1"),
        ("b", "y", 2, '"a"'),
    ]
    assert made.extra_columns["stars"] == pa.int64()
    assert pa.types.is_timestamp(made.extra_columns["when"])
    assert made.extra_columns["mixed"] == pa.string()
    assert next(iter(made)).location == "texts, row 0"


def test_texts_may_be_paths(tmp_path):
    path = tmp_path / "texts.txt"
    path.write_text("\n".join(TEXTS))
    for data in (str(path), path, [path]):
        assert [sentence.text for sentence in texts_from(data)] == TEXTS
    with pytest.raises(TextError, match=r"found a list of 1 strings that are names of files"):
        texts_from([str(path)])


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        ({"a", "b"}, TextError, "found a set, which has no order"),
        (5, TextError, r"found int \(5\), expected one text, or texts"),
        ([], TextError, "texts holds no text"),
        (["a", None], TextError, "texts, row 1: 'text' is null, expected a text"),
        ({"x": ["a"], "y": ["b"]}, ColumnError, "which column of texts holds the texts"),
        ("no such file.txt", TextError, "no such file"),
    ],
)
def test_what_holds_no_texts_is_an_error(data, error, message):
    with pytest.raises(error, match=message):
        list(texts_from(data))
