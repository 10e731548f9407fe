"""Long texts are tokenised piece by piece: the ids are those of the whole."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
import textwrap

import numpy as np
import pytest
from tokenizers import Tokenizer as Rust

from poolwise.encoders import load
from poolwise.encoders.tokenizer.split_points import is_splittable
from poolwise.errors import TextError

LOCAL = {"bert", "bert-cased", "roberta", "xlm-roberta", "camembert", "distilbert", "electra"}
LOCAL |= {"mpnet", "albert", "deberta-v2", "modernbert", "nomic_bert", "multilingual-e5", "bge-m3"}
LOCAL |= {"paraphrase-multilingual"}

BITS = [
    *("the", "cat", "sat", "a", "running", "don't", "x" * 130, "Crème", "brûlée", "3,141.59", "İ"),
    *(
        "猫が座った",
        "猫",
        "。",
        "👩‍👩‍👧",
        "e\u0300",
        "\u0301",
        "ﬁ",
        "\ufdfa",
        "\u1100\u1161",
        "ൎ",
        "①",
    ),
    *("[SEP]", "<mask>", "</s>", "[MASK]", "``", "''", "▁", "Ġ", "##ing", "١٢٣", "мир", "ß"),
]
BETWEEN = [
    *([" "] * 8),
    "  ",
    "\n",
    "\t",
    "",
    "",
    ", ",
    ". ",
    "\u00a0",
    "\u3000",
    " \n ",
    "-",
    "\x00",
]


def drawn(rng, n):
    return "".join(rng.choice(BITS) + rng.choice(BETWEEN) for _ in range(n))


def whole(tokenizer, text):
    return tokenizer.backend.encode(text, add_special_tokens=False).ids


@pytest.fixture
def small(monkeypatch):
    """Pieces of some 40 characters."""
    for module in ("tokenizer.split_points", "tokenizer.tokenizer"):
        monkeypatch.setattr(f"poolwise.encoders.{module}.PIECE", 40)


def test_pieces_give_the_ids_of_the_whole(family, family_folder, small):
    tokenizer = load(family_folder).tokenizer
    assert is_splittable(json.loads(tokenizer.spec)) == (family in LOCAL)
    rng = random.Random(f"cuts {family}")
    for _ in range(150):
        text = drawn(rng, rng.choice([3, 20, 60]))
        expected = whole(tokenizer, text)
        (ids,) = tokenizer.encode([text])
        assert ids.tolist() == expected, text
        for side in ("left", "right"):
            object.__setattr__(tokenizer, "truncation_side", side)
            most = rng.choice([1, 5, 30])
            (some,) = tokenizer.encode([text], max_ids=most)
            kept = expected[-most:] if side == "left" else expected[:most]
            assert (some[-most:] if side == "left" else some[:most]).tolist() == kept, text
            assert len(some) >= min(most, len(expected))


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("long", ["truncate", "window"])
def test_a_long_text_is_read_as_before(tiny, tmp_path, side, long):
    folder = shutil.copytree(tiny("bert"), tmp_path / "folder")
    (folder / "tokenizer_config.json").write_text(json.dumps({"truncation_side": side}))
    encoder = load(folder)
    text = drawn(random.Random(side), 20_000)
    ids = whole(encoder.tokenizer, text)
    (read,) = encoder.tokenize([text], long=long)
    room = encoder.max_length - 2
    kept = ids[:room] if side == "right" else ids[-room:]
    if long == "truncate":
        assert read.windows[0].ids[1:-1].tolist() == kept
        assert (read.n_tokens, read.truncated) == (encoder.max_length, True)
    else:
        assert read.n_tokens == len(ids) + 2
        assert read.windows[-1].ids[1:-1].tolist() == ids[-(len(read.windows[-1].ids) - 2) :]
    with pytest.raises(TextError, match=r"text 1: \d+ or more tokens, more than the"):
        encoder.tokenize(["a", text], long="error")


def added(content, **flags):
    usual = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": True}
    return {"content": content, "special": False, **usual, **flags}


def replaced(pattern, content):
    return {"type": "Replace", "pattern": {"String": pattern}, "content": content}


STEPS = [
    {"normalizer": replaced(" ", "")},
    {"normalizer": replaced("a", " ")},
    {"normalizer": {"type": "Prepend", "prepend": "▁"}},
    {"normalizer": {"type": "Strip", "strip_left": True, "strip_right": True}},
    {"normalizer": {"type": "Replace", "pattern": {"Regex": ".*"}, "content": "x"}},
    {"normalizer": replaced(" ", "▁")},
    {"pre_tokenizer": {"type": "CharDelimiterSplit", "delimiter": "|"}},
    {"pre_tokenizer": {"type": "Digits", "individual_digits": True}},
    {"pre_tokenizer": None},
    {"added_tokens": [added("the cat")]},
    {"added_tokens": [added("cat", rstrip=True)]},
]


@pytest.mark.parametrize("steps", STEPS, ids=str)
def test_what_looks_over_spaces_is_not_cut(tiny, small, steps):
    spec = json.loads(load(tiny("bert")).tokenizer.spec)
    more = [{**token, "id": len(spec["model"]["vocab"])} for token in steps.get("added_tokens", ())]
    spec |= steps | {"added_tokens": spec["added_tokens"] + more}
    Rust.from_str(json.dumps(spec))
    assert not is_splittable(spec)


def test_a_vocabulary_that_goes_on_over_spaces_is_not_cut(tiny):
    spec = json.loads(load(tiny("xlm-roberta")).tokenizer.spec)
    spec["pre_tokenizer"] = {
        "type": "Metaspace",
        "replacement": "▁",
        "prepend_scheme": "always",
        "split": False,
    }
    assert is_splittable(spec)
    spec["model"]["vocab"].append(["the▁cat", -1.0])
    assert not is_splittable(spec)


def run(code, folder):
    """What it prints, and the megabytes and seconds of processor time that it took."""
    code = f"import time\n{textwrap.dedent(code)}\n" + textwrap.dedent("""
        status = open("/proc/self/status").read()
        print(int(status.split("VmHWM:")[1].split()[0]) >> 10, time.process_time())
    """)
    command = [sys.executable, "-c", code, str(folder)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=300)
    *printed, used = done.stdout.splitlines()
    megabytes, seconds = used.split()
    return "\n".join(printed), int(megabytes), float(seconds)


LONG = """
    import sys
    from poolwise import load
    from poolwise.errors import TextError
    text = {text}
    try:
        print(load(sys.argv[1]).tokenize([text], long={long!r})[0].n_tokens)
    except TextError as error:
        print(error)
"""


@pytest.mark.parametrize(
    ("name", "text", "long", "said"),
    [
        ("bert", "'the cat sat ' * 1_700_000", "truncate", "64"),
        ("bert", "'a' * 20_000_000", "truncate", "divide the text"),
        ("roberta", "'a' * 20_000_000", "error", "divide the text"),
        ("albert", "'\\ufdfa' * 1_000_000", "truncate", "divide the text"),
    ],
)
def test_twenty_megabytes_in_one_text(tiny, name, text, long, said):
    printed, megabytes, seconds = run(LONG.format(text=text, long=long), tiny(name))
    assert said in printed
    assert megabytes < 1000
    assert seconds < 15


def test_ids_have_their_type(tiny):
    (ids,) = load(tiny("bert")).tokenizer.encode(["the cat " * 10_000])
    assert ids.dtype == np.int32
