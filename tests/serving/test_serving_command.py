"""``poolwise serve``: what it prints on start, and what it refuses."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from contextlib import suppress

import httpx
import pytest


def refused(*arguments):
    command = [sys.executable, "-m", "poolwise", "serve", *map(str, arguments)]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert not result.stdout
    return result.returncode, result.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        ([], 2, "nothing to serve: name a model, such as demo"),
        (["-r", "mean@-1"], 2, "are of MODEL..., and none is named"),
        (["no-such-folder"], 3, "no folder of this name"),
        (["demo", "demo"], 2, "two models are called demo; give one another name: NAME=demo"),
        (["demo", "--host", "0.0.0.0", "--port", "0"], 2, "give --api-key-file, or --insecure"),
        (["demo", "-r", "mean@77", "--port", "0"], 2, "no hidden state 77"),
        (["demo", "--config", "no-such-file"], 2, "no-such-file cannot be read"),
        (["demo", "--api-key-file", "no-such-file"], 2, "no-such-file cannot be read"),
    ],
)
def test_a_mistake_ends_the_start_with_a_sentence(arguments, code, says):
    found, told = refused(*arguments)
    assert (found, says in told) == (code, True), told


def test_it_prints_what_is_served_where_and_a_line_that_works(tiny, live_server):
    arguments = (f"mine={tiny('bert')}", "-r", "mean@-1", "-r", "cls@-2|l2")
    live_server(*arguments)
    told = live_server.told(*arguments)
    assert "mine: 3 blocks, 64 tokens, native engine, exact" in told
    assert "  mean@-1: 32 dimensions (default)" in told
    assert "  cls@-2|l2: 32 dimensions\n" in told
    (line,) = re.findall(r"^  (curl .*)$", told, re.MULTILINE)
    reply = subprocess.run(shlex.split(line), capture_output=True, text=True, check=True)
    assert '"readout":"mean@-1"' in reply.stdout


@pytest.mark.parametrize("redirection", ["2>/dev/full", "2>&-", "</dev/null 2>/dev/null"])
def test_a_log_that_cannot_be_written_stops_no_request(tiny, redirection):
    command = [sys.executable, "-m", "poolwise", "serve", str(tiny("bert")), "-r", "mean@-1"]
    line = f"exec {shlex.join([*command, '--port', '0'])} {redirection}"
    with subprocess.Popen(line, shell=True, stdout=subprocess.PIPE, text=True) as process:
        told = ""
        while "curl" not in told:
            told = process.stdout.readline()
            assert told, "the server has ended"
        for _ in range(3):
            reply = subprocess.run(
                [*shlex.split(told), "--retry", "9", "--retry-connrefused"],
                capture_output=True,
                text=True,
                check=True,
            )
            assert '"readout":"mean@-1"' in reply.stdout
        process.terminate()
        assert process.wait(120) == 0


def test_a_log_that_nobody_reads_stops_no_request(tiny):
    """More lines than a pipe holds."""
    command = [sys.executable, "-m", "poolwise", "serve", str(tiny("bert")), "-r", "mean@-1"]
    with subprocess.Popen(
        [*command, "--port", "0"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        told = ""
        while "serving at" not in told:
            told = process.stdout.readline()
            assert told, "the server has ended"
        url = re.search(r"http://[^;]+", told)[0]
        with httpx.Client(timeout=120) as client:
            while True:
                with suppress(httpx.ConnectError):
                    if client.get(f"{url}/readyz").status_code == 200:
                        break
            for _ in range(2_000):
                assert client.get(f"{url}/livez").status_code == 200
        process.terminate()
        assert process.wait(120) == 0
        lines = process.stderr.read().splitlines()
    assert json.loads(lines[0]) | {"event": "request", "status": 200} == json.loads(lines[0])
