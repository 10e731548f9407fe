"""poolwise doctor."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

import poolwise

TEXTS = [f"the {a} {b} sat on {c}" for a in ("old", "big") for b in "abcdefgh" for c in "vwxyz"]


@pytest.fixture(scope="module")
def model(tiny, modules, tmp_path_factory):
    """A folder that declares the mean, normalised."""
    folder = shutil.copytree(tiny("bert"), tmp_path_factory.mktemp("doctor") / "model")
    modules(folder, "mean", "Normalize")
    return folder


@pytest.fixture(scope="module")
def stored(model, tmp_path_factory):
    """``stored("cls@1")``: the options that name a file of these vectors, and that of the texts."""
    folder = tmp_path_factory.mktemp("stored")
    (folder / "texts.txt").write_text("".join(f"{text}\n" for text in TEXTS))
    loaded = poolwise.load(model)

    def options(spec):
        np.save(folder / "vectors.npy", loaded.embed(TEXTS, spec))
        return ["--vectors", folder / "vectors.npy", "--texts", folder / "texts.txt"]

    return options


def test_all_as_declared(run, model, stored):
    code, out, err = run("doctor", model, *stored("mean@-1|l2"))
    assert code == 0, err
    lines = out.splitlines()
    assert lines[0].startswith("mean@-1|l2 of ")
    assert not any(line.startswith("≠") for line in lines)
    assert any(line.split()[:3] == ["=", "readout", "mean@-1"] for line in lines)
    assert "√(2 − 2·cos)" in out


@pytest.mark.parametrize("columns", [60, 80, 200])
def test_what_differs_is_marked_and_told_what_to_do(run, model, stored, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    code, out, _ = run("doctor", model, *stored("cls@1"))
    assert code == 9
    assert max(map(len, out.replace(str(model), "").splitlines())) <= max(columns, 80)
    row = next(line for line in out.splitlines() if line.startswith("≠  readout"))
    assert "cls@1" in row
    assert "mean@-1" in (row if columns > 60 else out)
    assert "≠ readout: The first token, of block 1 (cls@1)." in out
    assert "Set the pooling" in out
    assert "-r 'mean@-1|l2'\n" in out


def test_vectors_of_nothing_that_is_known(run, model, stored):
    options = stored("mean@-1")
    np.save(options[1], np.random.default_rng(0).normal(size=(len(TEXTS), 32)))
    code, out, _ = run("doctor", model, *options)
    assert code == 9
    assert out.startswith("No readout of ")
    assert any(line.split() == ["nearest", "distance"] for line in out.splitlines())
    assert "= as the folder declares" not in out


def test_json_is_one_document(run, model, stored):
    code, out, _ = run("doctor", model, *stored("cls@1"), "--json")
    found = json.loads(out)
    assert code == 9
    assert found["readout"] == "cls@1"
    assert found["agrees"] is False
    assert "page" not in found


def test_a_page_is_whole_or_not_at_all(run, model, stored, tmp_path):
    page = tmp_path / "doctor.html"
    code, out, _ = run("doctor", model, *stored("cls@1"), "-o", page)
    assert code == 9
    assert f"page: {page}" in out
    assert page.read_bytes().startswith(b"<!doctype html>")
    assert [path.name for path in tmp_path.iterdir()] == ["doctor.html"]
    before = page.read_bytes()
    code, _, err = run("doctor", model, *stored("mean@-1|l2"), "-o", page)
    assert code == 5
    assert "doctor.html" in err
    assert page.read_bytes() == before
    code, _, err = run(
        "doctor", model, "--vectors", "none.npy", "--texts", "no.txt", "-o", tmp_path / "other.html"
    )
    assert code == 5
    assert [path.name for path in tmp_path.iterdir()] == ["doctor.html"]
    code, out, _ = run("doctor", model, *stored("cls@1"), "-o", page, "--force", "--json")
    assert json.loads(out)["page"] == str(page)


def test_a_server(run, model, live_server):
    code, out, err = run("doctor", model, "--endpoint", f"{live_server(model)}/v1", "--json")
    assert code == 0, err
    found = json.loads(out)
    assert found["readout"] == "mean@-1|l2"
    said = {statement["aspect"]: statement for statement in found["statements"]}
    assert said["truncation"]["value"] == "64 right"
    assert said["truncation"]["runner_up"] == "63 right"
    assert said["batch neighbours"]["agrees"] is True


def test_a_server_with_a_key_of_the_environment(run, model, live_server, tmp_path, monkeypatch):
    keys = tmp_path / "keys"
    keys.write_text("a-secret-key\n")
    url = live_server(model, "-r", "cls@1", "--api-key-file", keys)
    arguments = ["doctor", model, "--endpoint", f"{url}/v1", "--api", "openai"]
    arguments += ["--endpoint-model", "model"]
    code, out, err = run(*arguments)
    assert code == 8
    assert "401" in err
    monkeypatch.setenv("POOLWISE_ENDPOINT_KEY", "a-secret-key")
    code, out, err = run(*arguments, "--prompt", "search: ")
    assert code == 9, err
    assert "cls@1 of " in out
    assert "a-secret-key" not in out + err


def test_a_server_that_is_not_there(run, model):
    code, _, err = run("doctor", model, "--endpoint", "http://127.0.0.1:9/v1")
    assert code == 8
    assert "127.0.0.1:9" in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "where do the vectors come from"),
        (["--endpoint", "http://x", "--vectors", "v.npy"], "found endpoint and vectors"),
        (["--vectors", "v.npy", "--api", "tei"], "api: of endpoint"),
        (["--endpoint", "http://x", "--api", "grpc"], "grpc"),
    ],
)
def test_a_command_line_without_sense(run, model, arguments, said):
    code, _, err = run("doctor", model, *arguments)
    assert code == 2
    assert said in err
