"""Clients that cannot live beside openai's third major: its second, and litellm, which needs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import poolwise

PYTHON = Path(sys.prefix) / "other-clients" / "bin" / "python"
SCRIPT = Path(__file__).with_name("other_clients.py")
TEXTS = ["the cat sat on a mat", "a small dog", "we saw the sea and the big red house"]


@pytest.fixture(scope="module")
def folder(tiny):
    return tiny("bert")


@pytest.fixture(scope="module")
def told(live_server, folder):
    """What the script prints."""
    if not PYTHON.exists():
        pytest.skip(f"{PYTHON} is missing: make test makes this environment")
    url = live_server(folder, "-r", "mean@-1", "-r", "cls@-2|l2")
    # litellm asks the network for its table of prices otherwise.
    environment = {**os.environ, "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    command = [PYTHON, SCRIPT, f"{url}/v1", "mean@-1", *TEXTS]
    done = subprocess.run(
        command, env=environment, check=False, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def expected(folder):
    return poolwise.load(folder).embed(TEXTS, "mean@-1")


def test_second_major_of_openai(told, folder, expected):
    found = told["openai"]
    assert told["version"].startswith("2.")
    for key in ("vectors", "numbers"):
        np.testing.assert_array_equal(np.array(found[key], np.float32), expected)
    assert found["header"] == "mean@-1"
    assert found["models"] == [folder.name, f"{folder.name}:cls@-2|l2"]
    assert found["raised"] == "NotFoundError"


def test_litellm(told, folder, expected):
    found = told["litellm"]
    for key in ("vectors", "later", "numbers"):
        np.testing.assert_array_equal(np.array(found[key], np.float32), expected)
    tokens = poolwise.load(folder).tokenize(TEXTS)
    assert found["tokens"] == sum(text.n_tokens for text in tokens)
    assert found["raised"] == "NotFoundError"
