"""Hugging Face datasets from folders; the hub's answers are played."""

from __future__ import annotations

import sys
from operator import length_hint

import datasets
import pytest
from datasets import Dataset, DatasetDict, SplitDict, SplitInfo

from poolwise.errors import MissingExtraError, TextError
from poolwise.texts import open_texts

COLUMNS = {"sentence": ["a", "b", "c"], "label": [0, 1, 0], "idx": [5, 6, 7]}


@pytest.fixture(autouse=True)
def quiet(tmp_path, monkeypatch):
    datasets.disable_progress_bars()
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")


def read(address: str, **how: object) -> list[str]:
    return [sentence.text for sentence in open_texts([address], **how)]


def test_a_saved_dataset(tmp_path):
    Dataset.from_dict(COLUMNS).save_to_disk(tmp_path / "saved")
    texts = open_texts([f"hf:{tmp_path}/saved"], id_column="idx")
    assert [(sentence.text, sentence.id) for sentence in texts] == [("a", 5), ("b", 6), ("c", 7)]
    assert length_hint(texts) == 3
    assert texts.name == f"hf:{tmp_path}/saved"


def test_saved_splits_and_a_relative_folder(tmp_path, monkeypatch):
    splits = {"train": Dataset.from_dict(COLUMNS), "dev": Dataset.from_dict({"text": ["d"]})}
    DatasetDict(splits).save_to_disk(tmp_path / "saved")
    monkeypatch.chdir(tmp_path)
    assert read("hf:./saved") == ["a", "b", "c"]
    assert read("hf:./saved:dev") == ["d"]
    with pytest.raises(TextError, match="the splits train, dev"):
        read("hf:./saved:test")


@pytest.mark.parametrize("suffix", ["parquet", "json"])
def test_a_folder_of_files(tmp_path, suffix):
    for split in ("train", "test"):
        dataset = Dataset.from_dict({name: values[:2] for name, values in COLUMNS.items()})
        getattr(dataset, f"to_{suffix}")(tmp_path / f"{split}.{suffix}")
    assert read(f"hf:{tmp_path}", column="sentence") == ["a", "b"]
    assert read(f"hf:{tmp_path}:test") == ["a", "b"]
    with pytest.raises(TextError, match="has no column 'body'"):
        read(f"hf:{tmp_path}", column="body")
    with pytest.raises(TextError, match="dev"):
        read(f"hf:{tmp_path}:dev")


def test_rows_that_are_no_texts(tmp_path):
    Dataset.from_dict({"text": ["a", None], "n": [1, 2]}).save_to_disk(tmp_path / "saved")
    with pytest.raises(TextError, match="row 1: 'text' is null"):
        read(f"hf:{tmp_path}/saved")
    with pytest.raises(TextError, match="'n' is a int"):
        read(f"hf:{tmp_path}/saved", column="n")


def test_addresses_that_cannot_be(tmp_path):
    for address in ("hf:", "hf:a::b", "hf:a:b:c:d"):
        with pytest.raises(TextError, match="expected hf:NAME"):
            read(address)
    with pytest.raises(TextError, match="no such folder"):
        read(f"hf:{tmp_path}/nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(TextError, match="cannot read hf:"):
        read(f"hf:{tmp_path}/empty")


def test_without_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'poolwise\[data\]'"):
        open_texts(["hf:bookcorpus"])


@pytest.fixture
def hub(monkeypatch):
    """Records the calls; ``bookcorpus`` is a script, of which the hub keeps a Parquet copy."""
    calls = []

    def load_dataset(name, config=None, **how):
        calls.append((name, config, how))
        if name == "missing":
            raise datasets.exceptions.DatasetNotFoundError("Dataset 'missing' doesn't exist")
        if name == "bookcorpus" and "revision" not in how:
            raise RuntimeError("Dataset scripts are no longer supported, but found bookcorpus.py")
        loaded = Dataset.from_dict({"text": ["a", "b"]}).to_iterable_dataset()
        loaded.info.splits = SplitDict({"train": SplitInfo("train", num_examples=74_004_228)})
        return loaded

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    return calls


@pytest.mark.parametrize(
    ("address", "name", "config", "split"),
    [
        ("hf:imdb", "imdb", None, "train"),
        ("hf:imdb:test", "imdb", None, "test"),
        ("hf:nyu-mll/glue:sst2:validation", "nyu-mll/glue", "sst2", "validation"),
    ],
)
def test_addresses_on_the_hub(hub, address, name, config, split):
    assert read(address) == ["a", "b"]
    assert hub == [(name, config, {"split": split, "streaming": True})]


def test_what_the_hub_knows_about_the_size(hub):
    assert length_hint(open_texts(["hf:imdb"])) == 74_004_228
    assert length_hint(open_texts(["hf:imdb"], limit=100)) == 100
    assert length_hint(open_texts(["hf:imdb:test"]), -1) == -1


def test_a_script_is_read_from_its_parquet_copy(hub):
    assert read("hf:bookcorpus") == ["a", "b"]
    how = {"split": "train", "streaming": True}
    assert hub == [
        ("bookcorpus", None, how),
        ("bookcorpus", None, how | {"data_dir": None, "revision": "refs/convert/parquet"}),
    ]


def test_a_dataset_that_is_not_there(hub):
    with pytest.raises(TextError, match="cannot read hf:missing: Dataset 'missing' doesn't exist"):
        open_texts(["hf:missing"])
