"""How an output was made: by names and hashes; nobody is told whose folder it was."""

from __future__ import annotations

import json
import shutil
from itertools import pairwise

import numpy as np
import pyarrow.parquet as pq
import pytest

import poolwise
from poolwise.encoders.location import display_name

WORDS = "the cat sat on a mat and ran over the old hill to see one big dog".split()


@pytest.fixture
def home(tiny, tmp_path):
    """A folder of somebody's, with a model, texts and pairs."""
    home = tmp_path / "home-of-somebody"
    home.mkdir()
    shutil.copytree(tiny("bert"), home / "model")
    rng = np.random.default_rng(0)
    texts = [f"{' '.join(rng.choice(WORDS, 6))} {n}" for n in range(90)]
    (home / "lines.txt").write_text("\n".join(texts))
    pairs = [f"{a},{b},{rng.uniform(0, 5):.2f}" for a, b in pairwise(texts)]
    (home / "pairs.csv").write_text("\n".join(["sentence1,sentence2,score", *pairs]))
    return home


def holders(home, said):
    """What names the folder: files under it, and documents."""
    files = {str(path): path.read_bytes() for path in home.rglob("*") if path.is_file()}
    return [name for name, data in (files | said).items() if home.name.encode() in data]


def test_no_output_names_the_folders_it_was_made_in(run, home):
    model, lines, pairs = home / "model", home / "lines.txt", home / "pairs.csv"
    steps = ["-r", "mean@-1|whiten(4)", "--fit", lines]
    for suffix in ("parquet", "npy", "safetensors"):
        assert run("embed", model, lines, "-o", home / f"v.{suffix}", *steps)[0] == 0
    assert run("sweep", model, "--pairs", pairs, "-o", home / "sweep")[0] == 0
    assert run("ask", "length", model, "--texts", lines, "-o", home / "asked")[0] == 0
    assert run("inspect", model, "a cat", "a dog", "--html", home / "inside.html")[0] == 0
    said = {"layers": run("layers", model, "--json")[1].encode()}
    absent = ["--data", home / "data", "--model", model]
    code, reproduced, _ = run("reproduce", "sts-minilm", *absent, "-o", home / "rep")
    assert code == 0
    assert str(home) in reproduced  # whoever runs it is told where nothing was found
    assert holders(home, said) == []
    metadata = pq.read_schema(home / "v.parquet").metadata
    assert metadata[b"poolwise.model"] == b"model"
    assert metadata[b"poolwise.texts"] == b"lines.txt"
    assert json.loads(metadata[b"poolwise.fitted_on"])["texts"] == "lines.txt"
    for key in (b"model_hash", b"texts_sha256"):
        assert len(metadata[b"poolwise." + key]) == 64
    # The readout is found again beside its file, wherever both have gone.
    moved = home.rename(home.with_name("another"))
    again = run("embed", moved / "model", moved / "lines.txt", "-o", moved / "again.npy", "-r")
    assert again[0] == 2
    args = ["-o", moved / "again.npy", "-r", moved / "sweep" / "readout.toml"]
    assert run("embed", moved / "model", moved / "lines.txt", *args)[0] == 0


def test_why_a_figure_was_not_run_names_files_by_their_place(run, home):
    data = home / "data"
    data.mkdir()
    (data / "sts-test.csv").write_text("nothing of use\n")
    _, out, _ = run("reproduce", "sts-minilm", "--data", data, "--model", home / "no", "--json")
    assert "not run because" in out
    assert home.name not in json.dumps(json.loads(out)["finding"])


def test_a_model_is_called_by_its_last_name(tiny, tmp_path, monkeypatch):
    folder = shutil.copytree(tiny("bert"), tmp_path / "mine")
    monkeypatch.chdir(folder)
    for name in (folder, str(folder), ".", f"{folder}/../mine/"):
        assert poolwise.load(name).name == "mine"
    monkeypatch.chdir(tmp_path)
    assert poolwise.load("mine").name == "mine"
    assert display_name("org/mine", tmp_path / "snapshots" / "abc") == "org/mine"
    assert display_name("demo", tmp_path / "model") == "demo"
