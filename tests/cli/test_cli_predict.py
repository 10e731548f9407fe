"""poolwise predict, as a user runs it."""

from __future__ import annotations

import csv
import io
import json
import shutil
import sys

import numpy as np
import pyarrow.parquet as pq
import pytest
from safetensors.numpy import load_file, save_file

from poolwise.classifier.classifier import OUTPUTS, load_classifier
from poolwise.classifier.output_space import OutputSpace
from poolwise.classifier.prediction_files import prediction_file
from poolwise.classifier.predictions import records
from poolwise.errors import StoreError
from poolwise.records import Sentence, VectorBatch
from poolwise.texts import open_labels

TEXTS = ["the cat sat", "", "a dog\tran", "tree " * 100]


@pytest.fixture
def checkpoint(tiny, tmp_path):
    """``checkpoint(kind)``: a folder of three labels, or of a number."""

    def make(kind="classification"):
        folder = shutil.copytree(tiny("bert"), tmp_path / kind)
        labels = [] if kind == "regression" else ["x", "y", "z"]
        rng = np.random.default_rng(0)
        k = len(labels) or 1
        head = {"classifier.weight": rng.normal(size=(k, 32)).astype("f4")}
        head["classifier.bias"] = np.zeros(k, np.float32)
        path = folder / "model.safetensors"
        save_file({**load_file(path), **head}, path, metadata={"format": "pt"})
        about = {"format": 1, "kind": kind, "readout": "mean@-1", "asked": "mean@-1"}
        about |= {"attention": False, "labels": labels, "made": {"seed": 1}}
        (folder / "poolwise.json").write_text(json.dumps(about))
        return folder

    return make


@pytest.fixture
def lines(tmp_path):
    path = tmp_path / "lines.txt"
    path.write_text("\n".join(TEXTS) + "\n", encoding="utf-8")
    return path


def said_by_us(err):
    return [line for line in err.splitlines() if line.startswith("poolwise: ")]


def test_lines_on_stdout(run, checkpoint, lines):
    folder = checkpoint()
    code, out, err = run("predict", folder, lines)
    told = [line.split("\t") for line in out.splitlines()]
    classifier = load_classifier(folder)
    shares = classifier.predict_proba(TEXTS).max(axis=1)
    assert code == 0
    assert [row[0] for row in told] == classifier.predict(TEXTS)
    assert [row[1] for row in told] == [f"{share:.4f}" for share in shares]
    assert [row[2] for row in told] == ["the cat sat", "", "a dog ran", ("tree " * 100).strip()]
    assert said_by_us(err) == [
        "poolwise: 1 texts were cut to the maximum length",
        "poolwise: 1 texts were empty",
    ]


@pytest.mark.parametrize("wrapper", ["module.", "_orig_mod."])
def test_a_head_behind_a_wrapper_is_found(checkpoint, wrapper):
    """DataParallel and torch.compile put it before every name."""
    folder = checkpoint()
    told = load_classifier(folder).predict(TEXTS)
    path = folder / "model.safetensors"
    wrapped = {f"{wrapper}{name}": tensor for name, tensor in load_file(path).items()}
    path.unlink()
    save_file(wrapped, path, metadata={"format": "pt"})
    assert load_classifier(folder).predict(TEXTS) == told


def test_standard_input_and_numbers(run, checkpoint, monkeypatch):
    folder = checkpoint("regression")
    stdin = io.TextIOWrapper(io.BytesIO(b"a cat\na dog\n"), encoding="utf-8")
    monkeypatch.setattr(sys, "stdin", stdin)
    code, out, _ = run("predict", folder, "-", "--limit", "1")
    number, text = out.rstrip("\n").split("\t")
    assert (code, text) == (0, "a cat")
    assert float(number) == pytest.approx(load_classifier(folder).predict(["a cat"])[0], rel=1e-5)


def test_several_labels_on_a_line(run, checkpoint, lines):
    folder = checkpoint("multilabel")
    _, out, _ = run("predict", folder, lines)
    told = [line.split("\t") for line in out.splitlines()]
    classifier = load_classifier(folder)
    sets = classifier.predict(TEXTS)
    assert [row[0] for row in told] == [";".join(named) for named in sets]
    assert max(map(len, sets)) > 1
    for row, share in zip(told, classifier.predict_proba(TEXTS), strict=True):
        assert row[1] == ";".join(f"{p:.4f}" for p in share if p > 0.5)


def test_one_document(run, checkpoint, tmp_path):
    folder = checkpoint()
    source = tmp_path / "a.jsonl"
    source.write_text('{"body": "a cat", "key": "k7"}\n{"body": "dogs", "key": "k8"}\n')
    args = ("--column", "body", "--id-column", "key", "--max-length", "3", "--json")
    code, out, err = run("predict", folder, source, *args)
    said = json.loads(out)
    assert (code, said_by_us(err)) == (0, [])
    first, second = said["predictions"]
    assert [*first] == ["id", "text", "label", "probability", "probabilities"]
    assert (first["id"], second["text"]) == ("k7", "dogs")
    assert first["probabilities"][first["label"]] == first["probability"]
    assert sum(first["probabilities"].values()) == pytest.approx(1)
    assert (said["rows"], said["truncated"], said["empty"]) == (2, 2, 0)
    assert said["verdict"].startswith("2 texts predicted in")
    made = said["made"]
    assert made["readout"] == "mean@-1"
    assert made["tuned"] == {"seed": 1}
    assert made["texts"] == "a.jsonl"
    assert len(made["texts_sha256"]) == 64


@pytest.mark.parametrize("kind", ["classification", "multilabel", "regression"])
@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_files_are_labelled_texts_again(run, checkpoint, tmp_path, kind, suffix):
    folder, source = checkpoint(kind), tmp_path / "in.txt"
    source.write_text("a cat\nthe dog ran\nold tree\n")
    out = tmp_path / f"out.{suffix}"
    code, stdout, _ = run("predict", folder, source, "-o", out)
    assert code == 0
    assert "3 texts predicted in" in stdout
    told = load_classifier(folder).predict(["a cat", "the dog ran", "old tree"])
    again = open_labels(str(out), kind=kind)
    assert list(again.texts) == ["a cat", "the dog ran", "old tree"]
    if kind == "regression":
        np.testing.assert_allclose(list(map(float, again.labels)), told, rtol=1e-5)
    else:
        assert list(again.labels) == [
            one if isinstance(one, str) else ";".join(one) for one in told
        ]


def test_parquet_says_how_it_was_made(run, checkpoint, lines, tmp_path):
    folder, out = checkpoint(), tmp_path / "out.parquet"
    run("predict", folder, lines, "-o", out)
    table = pq.read_table(out)
    assert table.schema.names == ["id", "text", "label", "probability", "probabilities"]
    shares = load_classifier(folder).predict_proba(TEXTS)
    rows = [[row[name] for name in "xyz"] for row in table["probabilities"].to_pylist()]
    np.testing.assert_array_equal(np.array(rows, np.float32), shares)
    assert table.schema.metadata[b"poolwise.readout"] == b"mean@-1"
    assert table.schema.metadata[b"poolwise.tuned"] == b'{"seed": 1}'


def test_what_stands_there_stays(run, checkpoint, lines, tmp_path):
    out = tmp_path / "out.csv"
    out.write_text("mine")
    folder = checkpoint()
    code, _, err = run("predict", folder, lines, "-o", out)
    assert (code, out.read_text()) == (5, "mine")
    assert "--force to replace it" in err
    assert run("predict", folder, lines, "-o", out, "--force")[0] == 0
    with out.open(newline="") as file:
        assert [row["text"] for row in csv.DictReader(file)] == TEXTS
    code, _, err = run("predict", folder, lines, "-o", tmp_path / "out.txt")
    assert (code, "ends with none of .csv, .jsonl, .parquet" in err) == (5, True)


def test_mistakes(run, checkpoint, tiny, lines, tmp_path):
    code, out, _ = run("predict", tiny("bert"), lines, "--json")
    assert (code, json.loads(out)["exit_code"]) == (3, 3)
    code, _, err = run("predict", checkpoint(), lines, "--column", "review")
    assert (code, "plain lines, which have no columns" in err) == (4, True)
    (tmp_path / "a.csv").write_text("review,stars\ngood,5\n")
    code, _, err = run("predict", tmp_path / "classification", tmp_path / "a.csv")
    assert (code, "Name one with --column: 'review', 'stars'" in err) == (4, True)


def batch(ids, outputs):
    n = len(ids)
    no = np.zeros(n, np.bool_)
    lost = ~np.isfinite(outputs).all(axis=1)
    sentences = [Sentence(f"text {i}", i) for i in ids]
    return VectorBatch(sentences, {OUTPUTS: outputs}, np.full(n, 3, np.int32), no, no, lost)


@pytest.mark.parametrize("kind", ["classification", "multilabel", "regression"])
def test_outputs_that_are_not_finite(kind, tmp_path):
    output_space = OutputSpace(kind, () if kind == "regression" else ("x", "y"))
    outputs = np.array([[1.0] * output_space.width, [np.nan] * output_space.width], np.float32)
    good, bad = records(batch([0, 1], outputs), output_space)
    assert good["label"] is not None
    assert {bad[name] for name in bad if name not in ("id", "text")} == {None}
    for suffix in ("csv", "jsonl", "parquet"):
        path = tmp_path / f"a.{suffix}"
        with prediction_file(path, output_space, {}, overwrite=False) as write:
            write([good, bad])
    lines = (tmp_path / "a.jsonl").read_text().splitlines()
    assert list(map(json.loads, lines)) == [good, bad]
    assert pq.read_table(path)["label"].null_count == 1


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_a_file_appears_whole_or_not_at_all(suffix, tmp_path):
    output_space = OutputSpace("regression")
    some = list(records(batch([0, 1], np.ones((2, 1), np.float32)), output_space))

    def stopped():
        with prediction_file(tmp_path / f"a.{suffix}", output_space, {}, overwrite=False) as write:
            write(some)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    assert list(tmp_path.iterdir()) == []


def test_ids_of_two_types(tmp_path):
    output_space = OutputSpace("regression")
    rows = [list(records(batch([i], np.ones((1, 1), np.float32)), output_space)) for i in (0, "b")]

    def write_all():
        with prediction_file(tmp_path / "a.parquet", output_space, {}, overwrite=False) as write:
            write(rows[0])
            write(rows[1])

    with pytest.raises(StoreError, match="ids begin as int64, and then one is not"):
        write_all()
    assert list(tmp_path.iterdir()) == []
