"""Tokenizers of strangers: what they may make of a text, and how long they may take."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time

import pytest

from poolwise.encoders import load
from poolwise.encoders.tokenizer.checks import max_growth
from poolwise.encoders.tokenizer.limits import SECONDS, TooSlowError, may_be_slow, run_within
from poolwise.errors import TextError

BAD = "(x+x+)+y"
"""Against a row of x it takes time that doubles with each, up to the engine's own limit, at every
place of a text anew."""


def with_step(folder, key, step):
    """The folder with another step, read as it is."""
    spec = json.loads((folder / "tokenizer.json").read_text())
    spec[key] = step
    (folder / "tokenizer.json").write_text(json.dumps(spec))
    as_it_is = {"tokenizer_class": "PreTrainedTokenizerFast"}
    (folder / "tokenizer_config.json").write_text(json.dumps(as_it_is))
    return folder


def replace(pattern, content):
    return {"type": "Replace", "pattern": pattern, "content": content}


@pytest.fixture
def bad(tiny, tmp_path):
    folder = shutil.copytree(tiny("bert"), tmp_path / "folder")
    return with_step(folder, "normalizer", replace({"Regex": BAD}, "z"))


def test_known_tokenizers_are_quick(family_folder, demo):
    for encoder in (load(family_folder), demo):
        spec = json.loads(encoder.tokenizer.spec)
        assert not may_be_slow(spec)
        assert max_growth(spec, "") < 64


SLOW = """
    import sys, time
    from poolwise import load
    from poolwise.errors import TextError
    encoder = load(sys.argv[1])
    text = " ".join(["x" * 21] * 4)
    print("ready", flush=True)
    began = time.process_time()
    try:
        encoder.tokenize([text] * 2000)
    except TextError as error:
        print(error)
    print(time.process_time() - began)
"""


def started(code, *arguments):
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_slow_regular_expression_is_given_up(bad):
    process = started(SLOW, bad)
    assert process.stdout.readline() == "ready\n"
    printed, said = process.communicate(timeout=300)
    assert process.returncode == 0, said
    error, seconds = printed.splitlines()
    assert "takes more than 4 s for it" in error
    assert float(seconds) < 4 * SECONDS  # several threads take it at once


def test_ctrl_c_is_heard_in_a_slow_regular_expression(bad):
    interrupted = SLOW.replace("TextError as", "KeyboardInterrupt as")
    # A busy machine may take longer to send the signal than texts may take.
    patient = "    from poolwise.encoders.tokenizer import tokenizer; tokenizer.SECONDS = 100"
    process = started(f"\n{patient}{interrupted}", bad)
    assert process.stdout.readline() == "ready\n"
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    printed, said = process.communicate(timeout=300)
    assert process.returncode == 0, said
    assert float(printed) < 2 * 2 * (os.cpu_count() or 1)  # on every core twice what is promised


def test_within_gives_and_raises_what_the_work_does():
    assert run_within(10, lambda: 3) == 3
    with pytest.raises(ZeroDivisionError):
        run_within(10, lambda: 1 // 0)
    began = time.process_time()
    with pytest.raises(TooSlowError):
        run_within(
            0.01, lambda: [None for _ in iter(lambda: time.process_time() - began > 1, True)]
        )


@pytest.mark.parametrize(
    "step",
    [
        replace({"Regex": "a"}, "b" * 30),
        replace({"String": "a"}, "b" * 30),
        {
            "type": "Sequence",
            "normalizers": [replace({"String": "a"}, "a" * 5), replace({"String": "a"}, "b" * 6)],
        },
    ],
    ids=["regex", "literal", "twice"],
)
def test_a_text_may_become_longer_but_not_without_bound(tiny, tmp_path, step):
    folder = with_step(shutil.copytree(tiny("bert"), tmp_path / "folder"), "normalizer", step)
    code = """
        import sys
        from poolwise import load
        from poolwise.errors import TextError
        encoder = load(sys.argv[1])
        for texts in (["a" * 300_000], ["a" * 500] * 200):
            try:
                print(len(encoder.tokenize(texts)))
            except TextError as error:
                print(error)
        print(int(open("/proc/self/status").read().split("VmHWM:")[1].split()[0]) >> 10)
    """
    process = started(code, folder)
    printed, said = process.communicate(timeout=120)
    assert process.returncode == 0, said
    one, many, megabytes = printed.splitlines()
    assert "divide the text" in one
    assert many == "200"
    assert int(megabytes) < 1000


@pytest.mark.parametrize(("form", "growth"), [("NFKD", 11), ("NFKC", 11), ("NFD", 3), ("Nmt", 1)])
def test_normal_forms_make_a_text_longer(form, growth):
    assert max_growth({"normalizer": {"type": form}, "pre_tokenizer": None}, "") == growth
    if form.startswith("NFK"):
        from unicodedata import normalize

        assert len(normalize(form, "\ufdfa").encode()) == growth * len("\ufdfa".encode())


def test_a_panic_is_a_sentence(tiny, tmp_path, capfd):
    step = replace({"Regex": "(a+)+$"}, "z")
    folder = with_step(shutil.copytree(tiny("bert"), tmp_path / "folder"), "normalizer", step)
    with pytest.raises(TextError, match=r"text 1: .*retry-limit"):
        load(folder).tokenize(["the cat", "a" * 60 + "!"])
    capfd.readouterr()
