"""Globs and folders of inputs, here and behind URLs."""

from __future__ import annotations

import os

import fsspec
import pytest

from poolwise.errors import TextError
from poolwise.texts import expand_inputs, open_texts

NAMES = [
    "b.csv",
    "a.txt",
    "sub/c.jsonl.gz",
    "sub/deep/d.PARQUET",
    "e.ndjson",
    "f.json",
    "g.tsv.zst",
]
OTHERS = ["_SUCCESS", "notes.md", "_plan.json", ".h.csv", "_tmp/i.csv", "sub/.j/k.csv", "l.arrow"]
FOUND = sorted(NAMES)


@pytest.fixture(params=["path", "file", "memory", "s3"])
def place(request, tmp_path):
    """``place(names)``: files made there; the folder's name."""
    if request.param == "s3":
        put = request.getfixturevalue("bucket")

        def make(names):
            urls = [put(f"data/{name}", b"a row\n") for name in names]
            return urls[0][: urls[0].index("/data") + 5]

        return make

    def make(names):
        if request.param == "memory":
            folder = f"memory://{tmp_path.name}/data"
        else:
            folder = f"{'file://' * (request.param == 'file')}{tmp_path}/data"
        for name in names:
            with fsspec.open(f"{folder}/{name}", "wb", auto_mkdir=True) as file:
                file.write(b"a row\n")
        return folder

    return make


def below(folder: str, names: list[str]) -> list[str]:
    return [f"{folder.removeprefix('file://')}/{name}" for name in names]


def refusal(*inputs: str) -> str:
    with pytest.raises(TextError) as caught:
        expand_inputs(inputs)
    return str(caught.value)


def test_a_folder_is_its_files_of_texts(place):
    folder = place([*NAMES, *OTHERS])
    assert expand_inputs([folder]) == below(folder, FOUND)
    assert expand_inputs([f"{folder}/"]) == below(folder, FOUND)
    assert expand_inputs([f"{folder}/sub"]) == below(folder, FOUND[-2:])


def test_a_glob_is_what_it_matches(place):
    folder = place([*NAMES, *OTHERS])
    assert expand_inputs([f"{folder}/?.*s*"]) == below(
        folder, ["b.csv", "e.ndjson", "f.json", "g.tsv.zst"]
    )
    assert expand_inputs([f"{folder}/**/[cd].*"]) == below(folder, FOUND[-2:])
    assert expand_inputs([f"{folder}/s*"]) == below(folder, FOUND[-2:])
    assert expand_inputs([f"{folder}/*.md", f"{folder}/a*"]) == below(folder, ["notes.md", "a.txt"])
    assert expand_inputs([f"{folder}/sub/**"]) == below(folder, FOUND[-2:])
    assert expand_inputs([f"{folder}/.h*", f"{folder}/_p*"]) == below(
        folder, [".h.csv", "_plan.json"]
    )
    assert expand_inputs([f"{folder}/sub/.j/*"]) == below(folder, ["sub/.j/k.csv"])


def test_a_name_with_such_characters_goes_first(place):
    folder = place(["a[1].txt", "a1.txt", "b*.txt", "bb.txt"])
    assert expand_inputs([f"{folder}/a[1].txt"]) == below(folder, ["a[1].txt"])
    assert expand_inputs([f"{folder}/b*.txt"]) == below(folder, ["b*.txt"])


def test_the_root_of_a_store(monkeypatch):
    monkeypatch.setattr("fsspec.implementations.memory.MemoryFileSystem.store", {})
    with fsspec.open("memory://in/a.csv", "wb") as file:
        file.write(b"text\none\n")
    for given in ("memory://", "memory:///", "memory://**/a.csv", "memory://in"):
        assert expand_inputs([given])[0] in {"memory://in/a.csv", "memory:///in/a.csv"}
        assert [text.text for text in open_texts([given])] == ["one"]


def test_nothing_is_an_error(place):
    folder = place(["notes.md", "_a.csv", "sub/.b.csv"])
    assert "*.jsonl matches no file; expected a pattern" in refusal(f"{folder}/*.jsonl")
    assert "s* matches no file" in refusal(f"{folder}/s*")
    assert "is a folder in which no file's name ends with .csv" in refusal(folder)


def test_a_saved_dataset_has_another_name(place):
    folder = place(["a.csv", "saved/state.json", "saved/data.arrow"])
    message = refusal(folder)
    assert "data/saved is a folder that save_to_disk of Hugging Face datasets wrote" in message
    assert "hf:FOLDER" in message


def test_other_names_stay_as_they_are(tmp_path):
    names = ["-", "hf:bookcorpus", "hf:./a*", "nowhere.txt", "https://example.org/a.csv?b=*"]
    names += ["zip://*.csv::s3://bucket/a.zip"]
    assert expand_inputs(names) == names
    with pytest.raises(TextError, match=r"no such file: .*nowhere\.txt"):
        open_texts([f"{tmp_path}/nowhere.txt"])


def test_links_are_followed_once_round(tmp_path, write):
    write("here/a.txt", "a")
    write("there/b.txt", "b")
    for link, target in (("here/round", tmp_path), ("here/out", tmp_path / "there")):
        (tmp_path / link).symlink_to(target)
    found = expand_inputs([str(tmp_path / "here")])
    assert [os.path.relpath(name, tmp_path) for name in found] == [
        "here/a.txt",
        "here/out/b.txt",
        "here/round/there/b.txt",
    ]


def test_relative_names_stay_relative(write, monkeypatch, tmp_path):
    write("data/a.txt", "one\n")
    write("data/b.csv", "text\ntwo\n")
    monkeypatch.chdir(tmp_path)
    assert expand_inputs(["data", "./data/*.csv", "*"]) == [
        *("data/a.txt", "data/b.csv"),
        "./data/b.csv",
        *("data/a.txt", "data/b.csv"),
    ]
    texts = open_texts(["data"])
    assert [(text.id, text.text) for text in texts] == [(0, "one"), (1, "two")]
    assert texts.name == "a.txt, b.csv"


def test_a_folder_that_may_not_be_listed(tmp_path, monkeypatch):
    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "scandir", refuse)
    assert f"cannot read {tmp_path}: Permission denied" in refusal(str(tmp_path))
