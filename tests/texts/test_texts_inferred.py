"""What is inferred of a table as people have it, and what is said of it."""

from __future__ import annotations

import random

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poolwise.errors import TextError
from poolwise.texts import ColumnChoice, open_inferred
from poolwise.texts.inference.inferred_data import MAX_COLUMNS
from poolwise.texts.inference.table_sources import PREVIEW_ROWS

N = 60
RANDOM = random.Random(0)
VOCABULARY = (
    "the a film book good bad long short red blue cat dog runs sees likes house tree".split()
)


def texts(n=N, words=8):
    return [" ".join(RANDOM.choice(VOCABULARY) for _ in range(words)) + f" {i}" for i in range(n)]


def values(*choices, n=N):
    return [choices[i * 7 % 11 % len(choices)] for i in range(n)]


NUMBERS = [i * 37 % 100 / 7 for i in range(N)]
STARS = values(1, 2, 3, 4, 5)

TABLES = {
    "classes": (
        {"review": texts(), "topic": values("sport", "news")},
        "classification: the texts are in 'review', the classes in 'topic' (2 different)",
    ),
    "stars": (
        {"review": texts(), "stars": STARS},
        "classification: the texts are in 'review', the classes in 'stars' (5 different); "
        "task=regression takes them as numbers",
    ),
    "numbers": (
        {"body": texts(), "price": NUMBERS},
        "regression: the texts are in 'body', the numbers in 'price'; "
        "task=classification takes them as classes",
    ),
    "truth values": (
        {"t": texts(), "spam": values(True, False)},
        "classification: the texts are in 't', the classes in 'spam' (2 different)",
    ),
    "an index, an id and a date beside": (
        {
            "Unnamed: 0": range(N),
            "review_id": [f"R{i}" for i in range(N)],
            "when": pd.date_range("2020-01-01", periods=N),
            "text": texts(),
            "y": values(0, 1),
        },
        "classification: the texts are in 'text', the classes in 'y' (2 different)",
    ),
    "a title beside the text": (
        {"title": texts(words=3), "body": texts(words=30), "topic": values("a", "b", "c")},
        "classification: the texts are in 'body', the classes in 'topic' (3 different)",
    ),
    "descriptions of classes": (
        {"text": texts(), "label": values("the card did not arrive in time", "a lost card or pin")},
        "classification: the texts are in 'text', the classes in 'label' (2 different)",
    ),
    "scored pairs": (
        {"sentence1": texts(), "sentence2": texts(), "sim": NUMBERS},
        "similarity: the pairs are in 'sentence1' and 'sentence2', their scores in 'sim'",
    ),
    "pairs with two values": (
        {"question1": texts(), "question2": texts(), "is_duplicate": values(0, 1)},
        "pair-classification: the pairs are in 'question1' and 'question2', and 'is_duplicate' is "
        "'1' where they are alike",
    ),
    "pairs with yes and no": (
        {"left": texts(), "right": texts(), "same": values("yes", "no")},
        "pair-classification: the pairs are in 'left' and 'right', and 'same' is 'yes' where they "
        "are alike",
    ),
    "questions and answers": (
        {"question": texts(), "answer": texts(words=15)},
        "retrieval: the queries are in 'question', their relevant documents in 'answer'",
    ),
    "triplets": (
        {"anchor": texts(), "positive": texts(), "negative": texts()},
        "retrieval: the queries are in 'anchor', their relevant documents in 'positive', documents "
        "that are not relevant in 'negative'",
    ),
    "tagged words": (
        {"tokens": [t.split() for t in texts()], "ner_tags": [["O"] * 9] * N},
        "tagging: the words are in 'tokens', their tags in 'ner_tags'",
    ),
    "texts alone": (
        {"id": range(N), "text": texts()},
        "texts without labels: they are in 'text'; target=… names a column to predict",
    ),
}


def opened(data, **choice):
    return open_inferred(data, ColumnChoice(**choice), limit=None)


@pytest.mark.parametrize("name", TABLES)
def test_what_a_table_is_taken_as(name):
    columns, expected = TABLES[name]
    inferred = opened(pd.DataFrame(columns))
    assert inferred.sentence.startswith(f"data is taken as {expected}")
    data = inferred.datasets
    [dataset] = [*data.labels, *data.pairs, *data.queries, *data.tags, *data.texts]
    assert len(list(dataset) if data.texts else dataset) == N
    assert inferred.sentence in dataset.notes


CONTAINERS = {
    "pandas": pd.DataFrame,
    "a categorical": lambda c: pd.DataFrame(c).astype({"topic": "category"}),
    "polars": pl.DataFrame,
    "a lazy frame": pl.LazyFrame,
    "Arrow": pa.table,
    "a dict": dict,
    "dicts": lambda c: [dict(zip(c, row, strict=True)) for row in zip(*c.values(), strict=True)],
}
FILES = {
    "reviews.csv": lambda frame, path: frame.to_csv(path),
    "reviews.tsv": lambda frame, path: frame.to_csv(path, sep="\t", index=False),
    "reviews.jsonl": lambda frame, path: frame.to_json(path, orient="records", lines=True),
    "reviews.parquet": lambda frame, path: frame.to_parquet(path),
    "reviews.csv.gz": lambda frame, path: frame.to_csv(path),
}


@pytest.fixture(scope="module")
def classes():
    return TABLES["classes"][0]


@pytest.mark.parametrize("container", CONTAINERS)
def test_containers_hold_the_same(container, classes):
    [labels] = opened(CONTAINERS[container](classes)).datasets.labels
    assert labels.texts == tuple(classes["review"])
    assert labels.labels == tuple(classes["topic"])
    assert labels.kind == "classification"


@pytest.mark.parametrize("name", FILES)
def test_files_hold_the_same(name, classes, tmp_path):
    FILES[name](pd.DataFrame(classes), tmp_path / name)
    inferred = opened(tmp_path / name)
    assert inferred.sentence.startswith(f"{name} is taken as classification: ")
    assert "overrule it with --task, --column or --target" in inferred.sentence
    assert inferred.datasets.labels[0].labels == tuple(classes["topic"])


def test_two_columns_without_names_are_numbered():
    [labels] = opened(list(zip(texts(), values("x", "y"), strict=True))).datasets.labels
    assert {*labels.labels} == {"x", "y"}
    assert "the texts are in '1', the classes in '2'" in labels.notes[0]


def test_every_choice_can_be_overruled():
    frame = pd.DataFrame(
        {"title": texts(), "body": texts(), "stars": STARS, "topic": values("a", "b")}
    )
    assert opened(frame, text="title", target="topic").task == "classification"
    inferred = opened(frame, text="title", target="stars", task="regression")
    [labels] = inferred.datasets.labels
    assert labels.kind == "regression"
    assert labels.texts == tuple(frame.title)
    assert set(map(float, labels.labels)) == {1, 2, 3, 4, 5}
    [pairs] = opened(frame, sides=("title", "body", "stars")).datasets.pairs
    assert pairs.scores.tolist() == STARS
    assert opened(frame, sides=("title", "body"), task="retrieval").datasets.queries
    inferred = opened(frame, sides=("title", "body"), task="bitext")
    assert "bitext: 'body' is the translation of 'title'" in inferred.sentence
    assert len(inferred.datasets.queries[0]) == N


ERRORS = {
    "a target that is not there": (
        {"text": texts(), "stars": STARS},
        {"target": "star"},
        r"data has no column 'star' \(did you mean 'stars'\?\); it has 'text', 'stars'",
    ),
    "texts as a target": (
        {"text": texts(), "reply": texts()},
        {"target": "reply", "text": "text"},
        r"'reply' is no target, for it holds texts; .* its columns are 'text' \(texts, 60",
    ),
    "ids as a target": (
        {"text": texts(), "id": range(N)},
        {"target": "id"},
        r"'id' is no target, for it holds ids; .*name another with target=…$",
    ),
    "one value as a target": (
        {"text": texts(), "y": ["x"] * N},
        {"target": "y"},
        r"'y' is no target, for it holds the same value everywhere",
    ),
    "dates as a target": (
        {"text": texts(), "d": pd.date_range("2020-01-01", periods=N)},
        {"target": "d"},
        r"'d' is no target, for it holds dates",
    ),
    "several targets": (
        {"text": texts(), "a1": values("a", "b"), "b1": values("c", "d")},
        {},
        r"cannot tell which column is the target: 'a1', 'b1' may be; .*name it with target=…$",
    ),
    "no text": (
        {"a": NUMBERS, "b": values(1, 2)},
        {},
        r"found no column of texts; its columns are 'a' \(numbers, .*text_column=…$",
    ),
    "names as numbers": (
        {"text": texts(), "topic": values("a", "b")},
        {"task": "regression"},
        r"expected numbers in 'topic', found values such as 'a'",
    ),
    "one text for a task of pairs": (
        {"text": texts(), "topic": values("a", "b")},
        {"task": "retrieval"},
        r"retrieval needs two columns of texts",
    ),
    "pairs with classes": (
        {"premise": texts(), "hypothesis": texts(), "label": values("yes", "no", "perhaps")},
        {},
        r"'label' holds classes of pairs \(3 different\); pairs are measured by scores, or",
    ),
    "pairs with two names": (
        {"sentence1": texts(), "sentence2": texts(), "label": values("a", "b")},
        {},
        r"two values of which one says that a pair's texts are alike.*'label' holds 'a' and 'b'",
    ),
    "nothing": ({}, {}, "data holds no rows"),
    "no rows": ({"text": [], "label": []}, {}, "data holds no rows"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_what_makes_no_task_is_told(name):
    columns, choice, message = ERRORS[name]
    with pytest.raises(TextError, match=message):
        opened(pd.DataFrame(columns), **choice)


@pytest.mark.parametrize("data", [5, {"a", "b"}, None])
def test_what_is_no_table_is_told(data):
    with pytest.raises(TextError, match="expected a path, a frame, a dataset, a dict of columns"):
        opened(data)


def test_missing_values_and_columns_of_one_name():
    frame = pd.DataFrame({"text": texts(), "y": values(1.0, 2.0, 3.0), "z": STARS})
    frame.loc[3, "text"] = None
    frame.loc[5, "y"] = None
    [labels] = opened(frame[["text", "y"]]).datasets.labels
    assert {*labels.labels} == {"1", "2", "3"}
    assert len(labels) == N - 2
    frame.columns = ["text", "y", "y"]
    with pytest.raises(TextError, match="has 2 columns called 'y', expected one"):
        opened(frame, target="y")


def test_rows_that_are_sorted_by_their_labels(tmp_path):
    n = PREVIEW_ROWS + 500
    frame = pd.DataFrame({"text": texts(n), "label": ["a"] * (n - 100) + ["b"] * 100})
    [labels] = opened(frame).datasets.labels
    assert {*labels.labels} == {"a", "b"}
    frame.to_csv(tmp_path / "sorted.csv", index=False)
    [labels] = opened(tmp_path / "sorted.csv").datasets.labels
    assert "all of the first rows have 'a'" in labels.notes[0]
    assert {*labels.labels} == {"a", "b"}


def test_a_very_wide_table():
    columns = {f"f{i}": [1.5] * 20 for i in range(2 * MAX_COLUMNS)}
    frame = pd.DataFrame({**columns, "text": texts(20), "label": values("a", "b", n=20)})
    assert opened(frame).task == "classification"


def test_files_without_a_header(tmp_path):
    lines = [f"{t}\t{y}" for t, y in zip(texts(), values("a", "b"), strict=True)]
    (tmp_path / "plain.tsv").write_text("\n".join(lines))
    assert "the texts are in '1', the classes in '2'" in opened(tmp_path / "plain.tsv").sentence
    lines = [f"LOC:city {text}" for text in texts()]
    (tmp_path / "trec.label").write_text("\n".join(lines))
    assert "as TREC's are" in opened(tmp_path / "trec.label").sentence
    lines = [f"main\tMSRvid\t2012\t{i}\t{i % 6}\tone {i} text\tother" for i in range(N)]
    (tmp_path / "sts.csv").write_text("\n".join([lines[0] + "\textra", *lines[1:]]))
    [pairs] = opened(tmp_path / "sts.csv").datasets.pairs
    assert pairs.scores[:3].tolist() == [0, 1, 2]
    (tmp_path / "lines.txt").write_text("\n".join(texts()))
    inferred = opened(tmp_path / "lines.txt")
    assert inferred.sentence.endswith("say --labels NAME=FILE for each of them")
    assert len(list(inferred.datasets.texts[0])) == N
    (tmp_path / "words.conll").write_text("a O\ncat B\n\nthe O\n")
    assert len(opened(tmp_path / "words.conll").datasets.tags[0]) == 2


def test_a_folder_without_a_data_set(tmp_path):
    (tmp_path / "rt.pos").write_text("good\n")
    with pytest.raises(TextError, match=r"a folder without a data set: found rt.pos, expected"):
        opened(tmp_path)


def test_a_beir_folder(tmp_path):
    (tmp_path / "corpus.jsonl").write_text('{"_id": "d1", "title": "", "text": "a cat"}\n')
    (tmp_path / "queries.jsonl").write_text('{"_id": "q1", "text": "cats"}\n')
    (tmp_path / "qrels").mkdir()
    (tmp_path / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq1\td1\t1\n")
    inferred = opened(tmp_path)
    assert inferred.task == "retrieval"
    assert [*inferred.datasets.queries[0].queries] == ["cats"]


def dataset(n, labels=None):
    datasets = pytest.importorskip("datasets")
    features = datasets.Features(
        {"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["neg", "pos"])}
    )
    columns = {"text": texts(n), "label": labels or values(0, 1, n=n)}
    return datasets.Dataset.from_dict(columns, features=features)


def splits():
    datasets = pytest.importorskip("datasets")
    return datasets.DatasetDict(
        train=dataset(40), validation=dataset(20), test=dataset(10, [-1] * 10)
    )


def check_splits(inferred):
    [labels] = inferred.datasets.labels
    assert [*labels.splits] == ["train"] * 40 + ["dev"] * 20
    assert {*labels.labels} == {"neg", "pos"}
    assert "its splits are used: train, dev" in inferred.sentence
    assert "the split test has no labels and is left out" in inferred.sentence


def test_a_dataset_has_splits_and_names_of_classes():
    check_splits(opened(splits()))


@pytest.mark.filterwarnings("ignore")
def test_what_save_to_disk_wrote(tmp_path):
    splits().save_to_disk(tmp_path / "saved")
    check_splits(opened(tmp_path / "saved"))
    check_splits(opened(f"hf:{tmp_path / 'saved'}"))
    assert len(opened(f"hf:{tmp_path / 'saved'}:validation").datasets.labels[0]) == 20
    dataset(30).save_to_disk(tmp_path / "alone")
    assert len(opened(tmp_path / "alone").datasets.labels[0]) == 30


def test_splits_that_nobody_declares_are_left_out():
    datasets = pytest.importorskip("datasets")
    data = datasets.DatasetDict(train=dataset(40), test=dataset(20), unsupervised=dataset(10))
    inferred = opened(data)
    assert "the splits 'unsupervised' are left out" in inferred.sentence
    assert [*inferred.datasets.labels[0].splits] == ["train"] * 40 + ["test"] * 20


FIELDS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.floats(),
    st.text(max_size=12),
    st.sampled_from(["train", "a b c d", "1", "x", "2020-01-01", ""]),
    st.lists(st.text(max_size=3), max_size=3),
)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_drawn_tables_make_a_task_or_an_error(data):
    names = data.draw(st.lists(st.sampled_from("text label score a id split".split()), max_size=4))
    rows = data.draw(st.lists(st.tuples(*(FIELDS for _ in names)), max_size=8))
    table = {name: [row[i] for row in rows] for i, name in enumerate(names)}
    try:
        sentence = opened(table).sentence
    except TextError as error:
        sentence = str(error)
    assert sentence.startswith("data")
