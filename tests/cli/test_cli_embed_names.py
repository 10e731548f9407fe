"""poolwise embed -r NAME=READOUT."""

import json

import pyarrow.parquet as pq
import pytest


@pytest.fixture
def lines(tmp_path):
    path = tmp_path / "lines.txt"
    path.write_text("a cat sat\na dog ran\n")
    return path


def test_a_readout_may_have_a_name(run, tiny, tmp_path, lines):
    out = tmp_path / "v.parquet"
    readouts = ("-r", "embedding=mean@weights(1=0.5,2=0.5)", "-r", "cls@-1")
    code, stdout, _ = run("embed", tiny("bert"), lines, *readouts, "-o", out)
    assert code == 0
    assert "embedding: mean@weights(1=0.5,2=0.5): 32 dimensions" in stdout
    assert pq.read_schema(out).names[1:3] == ["embedding", "cls@-1"]
    code, stdout, _ = run("embed", tiny("bert"), lines, *readouts, "-o", out, "--force", "--json")
    assert json.loads(stdout)["columns"]["embedding"] == "mean@weights(1=0.5,2=0.5)"


def test_a_readout_file_may_have_a_name(run, tiny, tmp_path, lines, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a=b.toml").write_text('readout = "cls@-1"\n')
    for readout, name in (("v=a=b.toml", "v"), ("a=b.toml", "cls@-1")):
        code, _, stderr = run(
            "embed", tiny("bert"), lines, "-r", readout, "-o", "v.parquet", "--force"
        )
        assert code == 0, stderr
        assert pq.read_schema("v.parquet").names[1] == name


def test_two_readouts_have_two_names(run, tiny, tmp_path, lines):
    twice = ("-r", "v=mean@-1", "-r", "v=cls@-1")
    code, _, stderr = run("embed", tiny("bert"), lines, *twice, "-o", tmp_path / "v.parquet")
    assert code == 2
    assert "two readouts have the column name v; give each its own" in stderr
