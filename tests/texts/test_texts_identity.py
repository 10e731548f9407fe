"""What tells a source from another, and from itself after a change."""

from __future__ import annotations

import hashlib
import json
import os

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasets import Dataset, DatasetDict

from poolwise.errors import TextError
from poolwise.texts.memory_source import MemorySource
from poolwise.texts.sources import find_source


def identity(name):
    found = find_source(str(name), "utf-8").identity()
    assert json.loads(json.dumps(found)) == found
    return found


def test_a_file(write, monkeypatch):
    path = write("a.txt", b"a" * 70_000 + b"b" * 70_000)
    whole = identity(path)
    assert whole == {
        "name": str(path),
        "bytes": 140_000,
        "modified": path.stat().st_mtime_ns,
        "sha256": hashlib.sha256(b"a" * 65_536 + b"b" * 65_536).hexdigest(),
    }
    monkeypatch.chdir(path.parent)
    assert identity("a.txt") == whole
    for content in (b"a\n", b"", b"a" * 70_000, b"a" * 65_537):
        write("b.txt", content)
        hashed = hashlib.sha256(content).hexdigest()
        found = identity("b.txt")
        assert (found["bytes"], found["sha256"]) == (len(content), hashed)


def test_a_change_shows(write):
    path = write("a.csv", b"text\none\n")
    before = identity(path)
    path.write_bytes(b"text\ntwo\n")
    os.utime(path, ns=(0, before["modified"]))
    assert identity(path).keys() == before.keys()
    assert {key for key, value in identity(path).items() if value != before[key]} == {"sha256"}


def test_the_footer_of_parquet(tmp_path):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"text": [f"{n}" * 9 for n in range(99_999)]}), path)
    content = path.read_bytes()
    length = int.from_bytes(content[-8:-4], "little")
    assert identity(path)["sha256"] == hashlib.sha256(content[-8 - length : -8]).hexdigest()


@pytest.mark.parametrize("content", [b"PAR1PAR1", b"PAR1\xff\xff\xff\x7fPAR1", b"PAR1" * 9])
def test_what_only_looks_like_parquet(write, content):
    assert identity(write("a.parquet", content))["bytes"] == len(content)


def test_an_object(bucket):
    url = bucket("a.txt", b"one\n")
    before = identity(url)
    assert before["name"] == url
    assert before["bytes"] == 4
    assert before["modified"].strip('"') == hashlib.md5(b"one\n").hexdigest()
    assert before["sha256"] == hashlib.sha256(b"one\n").hexdigest()
    bucket("a.txt", b"two\n")
    assert identity(url)["modified"] != before["modified"]
    with pytest.raises(TextError, match="no such file: s3://"):
        identity(url.replace("a.txt", "b.txt"))


def test_a_saved_dataset(tmp_path):
    datasets.disable_progress_bars()
    for name, texts in (("a", ["one"]), ("b", ["two"])):
        Dataset.from_dict({"text": texts}).save_to_disk(tmp_path / name)
    first = identity(f"hf:{tmp_path}/a")
    state = json.loads((tmp_path / "a" / "state.json").read_text())
    assert first == {
        "name": str(tmp_path / "a"),
        "config": None,
        "split": "train",
        "rows": 1,
        "fingerprint": state["_fingerprint"],
    }
    assert identity(f"hf:{tmp_path}/b")["fingerprint"] != first["fingerprint"]
    assert identity(f"hf:{tmp_path}/a") == first
    DatasetDict({"dev": Dataset.from_dict({"text": ["one"]})}).save_to_disk(tmp_path / "splits")
    state = json.loads((tmp_path / "splits" / "dev" / "state.json").read_text())
    assert identity(f"hf:{tmp_path}/splits:dev")["fingerprint"] == state["_fingerprint"]


def test_a_folder_of_files_as_a_dataset(tmp_path, monkeypatch):
    datasets.disable_progress_bars()
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "train.csv").write_text("text\none\n")
    before = identity(f"hf:{folder}")
    assert identity(f"hf:{folder}") == before
    (folder / "train.csv").write_text("text\nlonger\n")
    assert identity(f"hf:{folder}")["fingerprint"] != before["fingerprint"]


def test_the_commit_of_the_hub(monkeypatch):
    class Api:
        def dataset_info(self, name):
            if name == "imdb":
                return type("Info", (), {"sha": "0123abcd"})
            raise OSError("no connection")

    monkeypatch.setattr("huggingface_hub.HfApi", Api)
    rows = Dataset.from_dict({"text": ["one"]}).to_iterable_dataset()
    monkeypatch.setattr(datasets, "load_dataset", lambda *_, **__: rows)
    assert identity("hf:imdb:test") == {
        "name": "imdb",
        "config": None,
        "split": "test",
        "rows": None,
        "commit": "0123abcd",
    }
    assert identity("hf:other")["commit"] is None


def test_what_is_read_once(feed, tmp_path):
    with pytest.raises(TextError, match="standard input can be read only once; a job needs files"):
        identity("-")
    with pytest.raises(TextError, match="rows can be read only once, by this process; a job needs"):
        MemorySource(["a"], "rows", 99).identity()
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(TextError, match="pipe can be read only once"):
        identity(tmp_path / "pipe")
    with pytest.raises(TextError, match="no such file"):
        identity(tmp_path / "nowhere.txt")
