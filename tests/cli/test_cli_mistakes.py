"""A user's mistakes: a sentence and an exit code, never a traceback."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file


@pytest.fixture
def run():
    def run(*args, **options):
        return subprocess.run(
            [sys.executable, "-m", "poolwise", *map(str, args)],
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
            **options,
        )

    return run


def check(done, code, *words):
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in done.stderr


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        (
            ["embed", "{bert}", "{tmp}/none.txt", "-o", "{tmp}/v.npy", "-r", "mean@-1"],
            4,
            "none.txt",
        ),
        (["embed", "{tmp}/no-model", "{text}", "-o", "{tmp}/v.npy"], 3, "no-model"),
        (["embed", "{bert}", "{text}", "-o", "{tmp}/v.npy", "-r", "meen@-1"], 2, "mean"),
        (["embed", "{bert}", "{text}", "-o", "{tmp}/v.npy", "-r", "mean@9"], 2, "0..3"),
        (["embed", "{bert}", "{text}", "-o", "{tmp}/v.xyz", "-r", "mean@-1"], 5, ".parquet"),
        (["embed", "{bert}", "{text}", "-o", "{tmp}/no/v.npy", "-r", "mean@-1"], 5, "no"),
        (
            ["embed", "{bert}", "{csv}", "-o", "{tmp}/v.npy", "--column", "body", "-r", "mean@-1"],
            4,
            "text",
        ),
        (["embed", "{bert}", "{latin}", "-o", "{tmp}/v.npy", "-r", "mean@-1"], 4, "not utf-8"),
        (["embed", "{bert}", "{nothing}", "-o", "{tmp}/v.npy", "-r", "mean@-1"], 4, "nothing.txt"),
        (["ask", "length", "{bert}", "--texts", "{nothing}"], 4, "nothing.txt"),
        (["ask", "weather", "{bert}", "--texts", "{text}"], 2, "length"),
        (["embed", "{bert}", "{text}"], 2, "--output"),
        (["layers", "{tmp}"], 3, "config.json"),
    ],
)
def test_each_mistake_has_its_words(run, tiny, tmp_path, args, code, words):
    (tmp_path / "text.txt").write_text("a cat\n")
    (tmp_path / "text.csv").write_text("id,text\n1,a cat\n")
    (tmp_path / "latin.txt").write_bytes("caf\xe9\n".encode("latin-1"))
    (tmp_path / "nothing.txt").write_text("")
    places = {
        "bert": tiny("bert"),
        "tmp": tmp_path,
        "text": tmp_path / "text.txt",
        "csv": tmp_path / "text.csv",
        "latin": tmp_path / "latin.txt",
        "nothing": tmp_path / "nothing.txt",
    }
    check(run(*(a.format(**places) for a in args)), code, words)
    assert not (tmp_path / "v.npy").exists()


def test_with_json_the_error_is_the_one_document(run, tmp_path):
    done = run("layers", tmp_path / "none", "--json")
    said = json.loads(done.stdout)
    assert said["exit_code"] == done.returncode == 3
    assert "none" in said["error"]
    done = run("embed", "demo", "--json")
    assert json.loads(done.stdout)["exit_code"] == done.returncode == 2


def test_weights_that_are_not_finite_are_refused_by_name(run, tiny, tmp_path):
    import shutil

    broken = tmp_path / "broken"
    shutil.copytree(tiny("bert"), broken)
    tensors = load_file(broken / "model.safetensors")
    name = next(n for n in tensors if n.endswith("layer.1.output.dense.weight"))
    tensors[name] = tensors[name].copy()
    tensors[name][0, 0] = np.nan
    save_file(tensors, broken / "model.safetensors")
    check(run("layers", broken), 3, "layer.1.output.dense.weight")


def test_a_megabyte_on_one_line_is_one_row(run, tiny, tmp_path):
    text = tmp_path / "long.txt"
    text.write_text("the cat sat on the mat " * 50_000 + "\nshort\n")
    done = run("embed", tiny("bert"), text, "-o", tmp_path / "v.npy", "-r", "mean@-1", "--json")
    said = json.loads(done.stdout)
    assert (said["rows"], said["truncated"]) == (2, 1)


def test_a_full_disk_leaves_nothing_under_the_final_name(tiny, tmp_path):
    """A file size limit stands in for the full disk: the kernel refuses the write."""
    text = tmp_path / "t.txt"
    text.write_text("".join(f"cat {i}\n" for i in range(3000)))
    code = (
        "import resource, signal, sys\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        "from poolwise.cli import main\n"
        f"sys.argv = ['poolwise', 'embed', {str(tiny('bert'))!r}, {str(text)!r}, '-o', "
        f"{str(tmp_path / 'v.parquet')!r}, '-r', 'mean@-1']\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-B", "-c", code],  # Python keeps what a full disk lets it write of a .pyc
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    check(done, 5, "v.parquet")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["t.txt"]


def test_ctrl_c_says_so_and_leaves_nothing_half_written(tiny, tmp_path):
    out = tmp_path / "v.parquet"
    read, write = os.pipe()
    running = subprocess.Popen(
        [sys.executable, "-m", "poolwise", "embed", tiny("bert"), "-", "-o", out, "-r", "mean@-1"],
        stdin=read,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(read)
    with os.fdopen(write, "w") as feed:
        feed.writelines(f"cat {i}\n" for i in range(5000))
        feed.flush()
        deadline = time.monotonic() + 120
        while not list(tmp_path.iterdir()) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert list(tmp_path.iterdir()), "it has not begun to write"
        running.send_signal(signal.SIGINT)
        _, stderr = running.communicate(timeout=60)
    assert running.returncode == 130
    assert "interrupted" in stderr
    assert "Traceback" not in stderr
    assert list(tmp_path.iterdir()) == []
