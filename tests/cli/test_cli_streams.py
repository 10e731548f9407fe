"""stdin, stdout and stderr as a shell hands them over, to real processes."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import threading

import pytest

from poolwise import cli
from poolwise.cli import streams

POOLWISE = f"'{sys.executable}' -m poolwise"

C_LOCALE = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


def shell(line, **env):
    unset = ("PYTHONIOENCODING", "PYTHONUNBUFFERED")
    known = {name: os.environ[name] for name in os.environ if name not in unset}
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", line], check=False, capture_output=True, env=known | env
    )
    return done.returncode, done.stdout, done.stderr.decode()


@pytest.mark.parametrize(
    ("handed", "unbuffered", "code", "told"),
    [
        (">&-", "", 5, "poolwise: standard output cannot be written: Bad file descriptor; write "),
        ("> /dev/full", "", 5, "poolwise: standard output cannot be written: No space left on"),
        ("> /dev/full", "1", 5, "poolwise: standard output cannot be written: No space left on"),
        ("<&- 2>&-", "", 0, ""),
        ("| head -1", "", 0, ""),
        ("| head -1", "1", 0, ""),
    ],
)
def test_a_stream_that_is_closed_full_or_left(tiny, handed, unbuffered, code, told):
    line = f"{POOLWISE} layers '{tiny('bert')}' {handed}"
    found, _, err = shell(line, PYTHONUNBUFFERED=unbuffered)
    assert found == code
    assert err.startswith(told)
    assert err.count("\n") == (1 if told else 0)


def test_stdin_that_is_closed(tmp_path, tiny):
    """Nor does the descriptor that is free become that of a file."""
    line = f"{POOLWISE} embed '{tiny('bert')}' - -r cls@1 -o v.npy --json"
    code, out, err = shell(f"cd '{tmp_path}' && {line} <&-")
    assert code == 4
    assert err == "poolwise: cannot read standard input: Bad file descriptor\n"
    assert json.loads(out)["exit_code"] == 4
    assert not [*tmp_path.iterdir()]


def test_a_terminal_of_the_c_locale(tiny):
    """What ASCII lacks has a stand-in, and JSON its own way to write it."""
    line = f"{POOLWISE} layers '{tiny('bert')}'"
    code, out, err = shell(line, **C_LOCALE)
    assert (code, err) == (0, "")
    assert b"tanh(W * cls@-1 + b)" in out
    code, out, _ = shell(f"{line} --json", **C_LOCALE)
    assert code == 0
    assert json.loads(out.decode("ascii"))["pools"]["pooler"].startswith("tanh(W · cls@-1")


def test_an_encoding_that_lacks_an_emoji(tiny):
    line = f"{POOLWISE} inspect '{tiny('bert')}' 'a “cat” → \U0001f600'"
    code, out, err = shell(line, PYTHONIOENCODING="cp1252")
    assert (code, err) == (0, "")
    assert "a “cat” > \\U0001f600\n".encode("cp1252") in out


def test_a_pipe_that_does_not_wait_gets_all():
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    got = []
    with os.fdopen(reader, "rb") as pipe:
        late = threading.Timer(0.1, lambda: got.append(pipe.read()))
        late.start()
        with io.BufferedWriter(streams._Output(writer, "w")) as output:
            for _ in range(100):
                output.write(b"x" * 10_000)
        late.join()
    assert got == [b"x" * 1_000_000]


class PanicException(BaseException):
    """As PyO3 names it."""


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (OSError(5, "Input/output error", "/mnt/x"), 1, "/mnt/x: Input/output error; the disk"),
        (OSError(28, "No space left on device"), 5, "the operating system refuses: No space left"),
        (BrokenPipeError(32, "Broken pipe"), 1, "the operating system refuses: Broken pipe; look"),
        (OSError("nothing said"), 1, "the operating system refuses: nothing said; look"),
        (MemoryError(), 1, "there is not enough memory; end other programs, or ask for less"),
        (PanicException("full"), 1, "a library gave up: full; is the machine short of memory"),
    ],
)
def test_what_the_machine_refuses(run, monkeypatch, error, code, told):
    def fails(_):
        raise error

    monkeypatch.setattr("poolwise.cli.layers.load", fails)
    found, out, err = run("layers", "a model", "--json")
    assert found == code
    assert err.startswith(f"poolwise: {told}")
    assert json.loads(out) == {"error": err.removeprefix("poolwise: ")[:-1], "exit_code": code}


def test_a_fault_of_our_own_keeps_its_traceback(run, monkeypatch):
    monkeypatch.setattr("poolwise.cli.layers.load", lambda _: {}["no such key"])
    with pytest.raises(KeyError):
        run("layers", "a model")


def test_every_exit_code_is_told_by_help(run):
    from poolwise import errors

    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    codes = {kind.exit_code for kind in kinds if issubclass(kind, errors.PoolwiseError)}
    assert codes < {*cli.EXIT_CODES}
    assert "The data cannot answer the question." in run("--help")[1]
