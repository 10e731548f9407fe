"""The commands as a user runs them: files in, files and one JSON document out."""

from __future__ import annotations

import gzip
import json
import shutil
import subprocess
import sys

import numpy as np
import pyarrow.parquet as pq
import pytest

import poolwise


@pytest.fixture
def lines(tmp_path):
    path = tmp_path / "lines.txt"
    path.write_text("the cat sat\n\na dog ran over the hill\n", encoding="utf-8")
    return path


def test_embed_writes_parquet_as_the_conventions_have_it(run, tiny, lines, tmp_path):
    out = tmp_path / "v.parquet"
    code, stdout, _ = run(
        "embed", tiny("bert"), lines, "-o", out, "-r", "mean@-1", "-r", "cls@1|l2", "--json"
    )
    said = json.loads(stdout)
    assert code == 0
    assert (said["rows"], said["empty"], said["truncated"], said["nonfinite"]) == (3, 1, 0, 0)
    assert said["readouts"] == {"mean@-1": 32, "cls@1|l2": 32}
    table = pq.read_table(out)
    encoder = poolwise.load(tiny("bert"))
    vectors = np.stack(table["mean@-1"].to_numpy(zero_copy_only=False))
    np.testing.assert_array_equal(
        vectors, encoder.embed(["the cat sat", "", "a dog ran over the hill"], "mean@-1")
    )
    assert table["id"].to_pylist() == [0, 1, 2]
    assert table.schema.metadata[b"poolwise.model_hash"].decode() == encoder.hash


def test_embed_reads_standard_input(run, tiny, tmp_path, monkeypatch):
    import io

    stdin = io.TextIOWrapper(io.BytesIO(b"a cat\na dog\n"), encoding="utf-8")
    monkeypatch.setattr(sys, "stdin", stdin)
    out = tmp_path / "v.npy"
    code, _, _ = run("embed", tiny("bert"), "-", "-o", out, "-r", "mean@-1")
    assert code == 0
    assert np.load(out).shape == (2, 32)


def test_embed_keeps_other_columns(run, tiny, tmp_path):
    table = tmp_path / "a.csv"
    rows = "".join(f'"a cat {n}.";{n};{n % 5}\n' for n in range(3000))
    table.write_text(f'text;"n, as text";stars\n{rows}')
    out = tmp_path / "v.parquet"
    args = ["embed", tiny("bert"), table, "-r", "mean@-1", "--keep", '"n, as text",stars', "-o"]
    code, stdout, _ = run(*args, out)
    assert code == 0
    assert "its fields are delimited by semicolons" in stdout
    made = pq.read_table(out)
    assert made.column_names[:4] == ["id", "n, as text", "stars", "mean@-1"]
    assert made["n, as text"].to_pylist() == [str(n) for n in range(3000)]
    assert made["stars"].to_pylist() == [str(n % 5) for n in range(3000)]
    code, stdout, err = run(*args, tmp_path / "v.npy", "--json")
    assert code == 5
    assert "holds no columns such as 'n, as text'" in json.loads(stdout)["error"]
    twice = [*args[:5], "--keep", "stars", "--keep", "stars, text", "-o", tmp_path / "w.parquet"]
    code, _, err = run(*twice)
    assert code == 5
    assert "'text' cannot be kept under that name" in err
    assert not (tmp_path / "w.parquet").exists()


def test_embed_fits_steps_on_other_texts(run, tiny, tmp_path):
    train = tmp_path / "train.txt"
    words = "the a cat dog sat ran on over mat hill sea and old blue".split()
    train.write_text("".join(f"{a} {b}\n" for a in words for b in words))
    out = tmp_path / "v.npy"
    args = ["embed", tiny("bert"), train, "-o", out, "-r", "mean@-1|whiten(4)"]
    code, _, err = run(*args)
    assert code != 0
    assert "--fit" in err
    assert not out.exists()
    assert run(*args, "--fit", train)[0] == 0
    np.testing.assert_allclose(np.cov(np.load(out), rowvar=False), np.eye(4), atol=1e-2)


def test_embed_refuses_to_replace_a_file_unless_told(run, tiny, lines, tmp_path):
    out = tmp_path / "v.npy"
    args = ["embed", tiny("bert"), lines, "-o", out, "-r", "mean@-1"]
    assert run(*args)[0] == 0
    code, _, err = run(*args)
    assert code == 5
    assert "--force" in err
    assert run(*args, "--force")[0] == 0


def test_inspect_shows_tokens_norms_and_cosines(run, tiny):
    code, stdout, _ = run("inspect", tiny("bert"), "the cat", "a dog ran", "--json")
    seen = json.loads(stdout)
    assert code == 0
    encoder = poolwise.load(tiny("bert"))
    first = seen["sentences"][0]
    assert first["tokens"][0]["special"]
    assert first["tokens"][-1]["special"]
    np.testing.assert_allclose(
        first["norms"]["cls"][-1], np.linalg.norm(encoder.embed("the cat", "cls@-1")), rtol=1e-5
    )
    assert len(first["norms"]["layers"]) == encoder.depth + 1
    special = seen["special_tokens"][0]
    row = encoder.word_embeddings[special["id"]]
    np.testing.assert_allclose(special["norm"], np.linalg.norm(row), rtol=1e-5)
    cosine = np.array(seen["cosine"]["mean@-1"])
    np.testing.assert_allclose(np.diag(cosine), 1, atol=1e-5)
    assert run("inspect", tiny("bert"), "the cat")[0] == 0


def test_layers_names_every_hidden_state(run, tiny):
    code, stdout, _ = run("layers", tiny("bert"), "--json")
    seen = json.loads(stdout)
    assert code == 0
    assert [s["layer"] for s in seen["hidden_states"]] == [0, 1, 2, 3]
    assert seen["pooler"] == "trained"
    assert json.loads(run("layers", tiny("distilbert"), "--json")[1])["pooler"] == "absent"
    code, text, _ = run("layers", tiny("bert"))
    assert code == 0
    assert "mean[words]" in text


def test_ask_length_ends_in_a_verdict_and_a_report(run, demo, tiny, tmp_path):
    texts = tmp_path / "texts.txt.gz"
    words = "the old cat sat on a mat by the sea and looked at ships go by in rain".split()
    with gzip.open(texts, "wt", encoding="utf-8") as lines:
        lines.writelines(" ".join(words[: 1 + i % 17]) + f" {i}\n" for i in range(400))
    folder = tiny("bert")
    code, stdout, _ = run("ask", "length", folder, "--texts", texts, "-o", tmp_path / "r")
    assert code == 0
    assert "report:" in stdout
    assert (tmp_path / "r" / "report.html").stat().st_size > 100_000
    findings = json.loads((tmp_path / "r" / "findings.json").read_text())
    assert json.dumps(findings)
    code, stdout, _ = run("ask", "length", demo.folder, "--texts", texts, "--json")
    said = json.loads(stdout)
    assert said["verdict"]
    made = said["findings"][0]["made"]
    assert made["n_texts"] == 400
    assert made["model_hash"] == demo.hash


def test_ask_stops_at_the_limit(run, tiny, tmp_path):
    texts = tmp_path / "t.txt"
    texts.write_text("".join(f"{'word ' * (i % 9 + 1)}{i}\n" for i in range(200)))
    said = json.loads(
        run("ask", "length", tiny("bert"), "--texts", texts, "--limit", 150, "--json")[1]
    )
    assert said["findings"][0]["made"]["n_texts"] == 150


@pytest.mark.parametrize("as_json", [True, False])
def test_convert_says_what_it_leaves_out(run, tiny, tmp_path, as_json):
    import torch
    from safetensors.torch import load_file

    folder = shutil.copytree(tiny("bert"), tmp_path / "folder")
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    (folder / "modeling.py").touch()
    code, out, _ = run("convert", folder, tmp_path / "out", *["--json"] * as_json)
    assert code == 0
    if as_json:
        said = json.loads(out)
        assert said["left_out"] == ["modeling.py"]
        assert said["model_hash"] == poolwise.load(tiny("bert")).hash
    else:
        assert "BERT, 3 blocks, width 32" in " ".join(out.split())
        assert "Left out: modeling.py" in out


def test_help_names_every_command(run):
    code, text, _ = run("--help")
    assert code == 0
    for name in ("embed", "ask", "inspect", "layers", "convert"):
        assert name in text
        assert run(name, "--help")[0] == 0


EACH_PRECISION = """
import sys
from poolwise.cli import main
for precision in ("near", "fast"):
    sys.argv[sys.argv.index("-o") + 1 :] = [f"{precision}.npy", "--precision", precision]
    try:
        main()
    except SystemExit as stop:
        assert not stop.code
    print("---")
    print("---", file=sys.stderr)
"""
"""Two commands of one process, which imports torch once."""


def test_precision_is_named_and_what_cannot_be_had_is_said(tiny, lines, tmp_path):
    command = [
        sys.executable,
        "-c",
        EACH_PRECISION,
        "embed",
        tiny("bert", hidden_act="tanh"),
        lines,
    ]
    command += ["-r", "mean@-1", "--json", "-o", "v.npy"]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=tmp_path)
    *told, _ = zip(done.stdout.split("---\n"), done.stderr.split("---\n"), strict=True)
    for precision, (out, err) in zip(("near", "fast"), told, strict=True):
        assert json.loads(out)["made"]["precision"] == "exact"
        assert f"exact instead of {precision}" in err
        assert "PoolwiseWarning" not in err  # a sentence, not a place in our code


def test_fast_is_written_into_the_output(tiny, lines, tmp_path, run):
    target = tmp_path / "v.npy"
    code, out, _ = run(
        "embed", tiny("bert"), lines, "-o", target, "-r", "cls@1", "--json", "--precision", "fast"
    )
    made = json.loads(out)["made"]
    assert code == 0
    assert made["precision"] == ("fast" if made["engine"] == "native" else "exact")
