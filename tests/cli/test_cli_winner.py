"""What a sweep says is what its readout.toml gives, wherever a readout can be named."""

from __future__ import annotations

import csv
import json
import shutil

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer

import poolwise
from poolwise.selection.grid import expand_grid

pytestmark = pytest.mark.usefixtures("undrawn")

WORDS = "cat dog mat hill sea house tree bird man woman child one two old red big".split()
PROMPT = "find the cat: "


@pytest.fixture
def folder(tiny, tmp_path, modules):
    """A model that normalises and wants a prompt."""
    copy = shutil.copytree(tiny("bert"), tmp_path / "model")
    modules(copy, "mean", "Normalize")
    said = {"prompts": {"query": PROMPT, "short": "a "}, "default_prompt_name": "query"}
    (copy / "config_sentence_transformers.json").write_text(json.dumps(said))
    return copy


@pytest.fixture
def pairs(tmp_path):
    rng = np.random.default_rng(0)
    texts = [" ".join(rng.choice(WORDS, rng.integers(3, 9))) for _ in range(400)]
    rows = zip(texts[:200], texts[200:], rng.uniform(0, 5, 200).round(2).tolist(), strict=True)
    path = tmp_path / "pairs.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["sentence1", "sentence2", "score"], *rows])
    return path


def swept(run, folder, pairs, out, *options):
    code, stdout, _ = run("sweep", folder, "--pairs", pairs, "-o", out, "--json", *options)
    assert code == 0
    return json.loads(stdout)


@pytest.mark.parametrize("options", [(), ("--prompt-name", "short"), ("--prompt", "")], ids=str)
def test_the_winner_is_the_same_everywhere(run, folder, pairs, tmp_path, options):
    out, texts = tmp_path / "sweep", ["the cat sat", "two birds"]
    said = swept(run, folder, pairs, out, *options)
    assert said["readout"].endswith("|l2")
    assert said["readout"] in said["verdict"]
    prompt = {"--prompt-name": "a ", "--prompt": ""}.get(next(iter(options), None), PROMPT)
    model = poolwise.load(folder)
    expected = model.embed(texts, out / "readout.toml")
    assert np.linalg.norm(expected, axis=1) == pytest.approx(1, abs=1e-6)
    plain = f"{said['readout'].partition('|')[0]}|l2"
    if said["readout"] == plain:
        np.testing.assert_array_equal(expected, model.embed(texts, plain, prompt=prompt))
    assert all(found["made"].get("prompt", "") == prompt for found in said["findings"])

    (tmp_path / "lines.txt").write_text("\n".join(texts))
    code, _, _ = run(
        "embed",
        folder,
        tmp_path / "lines.txt",
        "-r",
        out / "readout.toml",
        "-o",
        tmp_path / "v.npy",
    )
    assert code == 0
    np.testing.assert_array_equal(np.load(tmp_path / "v.npy"), expected)
    embedder = poolwise.Embedder(str(folder), out / "readout.toml")
    np.testing.assert_array_equal(embedder.fit(texts).transform(texts), expected)
    np.testing.assert_array_equal(embedder.encode(texts), expected)
    code, _, _ = run("export", folder, "-r", out / "readout.toml", "-o", tmp_path / "exported")
    assert code == 0
    exported = SentenceTransformer(str(tmp_path / "exported"), device="cpu", local_files_only=True)
    np.testing.assert_allclose(exported.encode(texts), expected, atol=1e-5)
    np.testing.assert_allclose(
        poolwise.load(tmp_path / "exported").embed(texts), expected, atol=1e-5
    )


def test_a_grid_of_ones_own_says_otherwise(run, folder, pairs, tmp_path):
    said = swept(run, folder, pairs, tmp_path / "sweep", "--grid", "mean@-1 mean@2")
    assert "|l2" not in said["readout"]
    norms = np.linalg.norm(
        poolwise.load(folder).embed(["a cat", "two dogs ran"], tmp_path / "sweep" / "readout.toml"),
        axis=1,
    )
    assert not np.allclose(norms, 1)


def test_readouts_of_a_model_that_normalises_do_so_too(folder):
    model = poolwise.load(folder)
    specs = [str(readout) for readout in expand_grid(model, "default", 1000)]
    assert all(spec.endswith("|l2") for spec in specs)
    assert {"mean@-1|l2", "pooler|l2", "cls@1|standardize|l2"} <= set(specs)
    assert [*map(str, expand_grid(model, "cls@1", 1000))] == ["cls@1", "mean@-1", "pooler"]


def test_a_head_takes_part_beside_its_pool(folder, modules):
    modules(folder, "cls", ("Dense", 16, "Tanh"))
    specs = [str(readout) for readout in expand_grid(poolwise.load(folder), "default", 1000)]
    assert {"cls@-1", "cls@-1|dense"} <= set(specs)
