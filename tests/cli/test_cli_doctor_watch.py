"""poolwise doctor --watch and --compare as a cron job runs them, against poolwise's own server."""

from __future__ import annotations

import json

import pytest


@pytest.fixture
def servers(live_server, tiny):
    folder = tiny("bert")
    return [live_server(folder, "-r", readout) for readout in ("mean@-1|l2", "mean@-1")]


def test_a_watch_ends_with_its_code(run, servers, tiny, tmp_path):
    folder, state, metrics = tiny("bert"), tmp_path / "state.json", tmp_path / "doctor.prom"
    watch = ("doctor", folder, "--watch", state, "--metrics", metrics, "--endpoint")
    code, out, _ = run(*watch, servers[0])
    assert code == 0
    assert "holds these vectors now" in out
    code, out, _ = run(*watch, servers[0], "--json")
    assert (code, json.loads(out)["outcome"]) == (0, "unchanged")
    kept = state.read_bytes()
    code, out, _ = run(*watch, servers[1])
    assert code == 10
    assert "normalisation: Vectors are not normalised" in " ".join(out.split())
    assert "poolwise_doctor_unchanged{" in metrics.read_text()
    code, _, err = run(*watch, "http://127.0.0.1:1")
    assert code == 8
    assert "127.0.0.1:1" in err
    assert state.read_bytes() == kept
    assert "poolwise_doctor_unchanged" not in metrics.read_text()


def test_a_comparison_ends_with_its_code(run, servers, tiny):
    compare = ("doctor", tiny("bert"), "--compare", servers[0])
    code, out, _ = run(*compare, servers[0])
    assert code == 0
    assert "make the same vectors" in out
    code, out, _ = run(*compare, servers[1], "--json")
    result = json.loads(out)
    assert (code, result["relation"]) == (9, "up to length")
    assert result["contrasts"] == [{"aspect": "normalisation", "one": "l2", "other": "none"}]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--watch", "s.json"], "--watch needs the server"),
        (["--metrics", "m.prom"], "--metrics needs --watch STATE"),
        (["--second-model", "m"], "--second-model needs --compare"),
        (["--compare", "a", "b", "--watch", "s"], "do not go together"),
        (["--compare", "a", "b", "--vectors", "v.npy"], "--vectors: not with --compare"),
        (["--watch", "s", "--endpoint", "http://h", "--seed", "0"], "--seed: not with --watch"),
    ],
)
def test_options_that_do_not_go_together(run, tmp_path, monkeypatch, options, message):
    monkeypatch.chdir(tmp_path)
    code, _, err = run("doctor", "demo", *options)
    assert code == 2
    assert message in err
    assert not [*tmp_path.iterdir()]
