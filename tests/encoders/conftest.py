"""Mutations of a model's files, seeded: structure-aware where a file has structure."""

from __future__ import annotations

import io
import json
import struct
import warnings
import zipfile
from copy import deepcopy
from pathlib import PurePath

import pytest

STRANGE = [
    *(None, True, False, 0, -1, 1, 2, 3, 7, 255, 2**31, 2**32, 2**63, 10**30, 10**300, 0.5, -0.0),
    *(1e-45, 1e300, "", "a", "\0", "[CLS]", "gelu", "x" * 10_000, "\ud800", "../..", "/etc/passwd"),
    *([], {}, [[]], [0], {"a": 1}, [None] * 50, {"type": "Lowercase"}, {"Regex": "(a+)+$"}),
    *(float("nan"), float("inf"), -(2**63), 10**4000, "\x1b[31m", "mean@-1", "=1+1", "x" * 300_000),
]


def flip_bytes(data, rng):
    data = bytearray(data)
    for _ in range(rng.choice([1, 1, 2, 8, 64])):
        data[rng.randrange(len(data))] = rng.randrange(256)
    return bytes(data)


def truncate(data, rng):
    return data[: rng.randrange(len(data))]


def grow(data, rng):
    at = rng.randrange(len(data))
    return data[:at] + rng.randbytes(rng.choice([1, 8, 1000])) + data[at:]


def nodes(value, found):
    """Every container in a JSON value."""
    if isinstance(value, (dict, list)) and value:
        found.append(value)
        for child in value.values() if isinstance(value, dict) else value[:40]:
            nodes(child, found)
    return found


def place(rng, value):
    node = rng.choice(nodes(value, []))
    return node, rng.choice(list(node) if isinstance(node, dict) else range(len(node)))


def put_strange(rng, value):
    node, key = place(rng, value)
    node[key] = deepcopy(rng.choice(STRANGE))


def put_huge(rng, value):
    node, key = place(rng, value)
    old = node[key]
    if isinstance(old, int):
        node[key] = old * rng.choice([-1, 2, 1000, 10**9])
    elif not isinstance(old, (dict, list)):
        node[key] = [old] * 5000


def nest(rng, value):
    node, key = place(rng, value)
    inner = node[key]
    for _ in range(rng.choice([1, 3, 50, 400])):
        inner = [inner] if rng.random() < 0.5 else {"type": "Sequence", "normalizers": [inner]}
    node[key] = inner


def delete(rng, value):
    node, key = place(rng, value)
    del node[key]


def swap(rng, value):
    (one, key), (other, other_key) = place(rng, value), place(rng, value)
    one[key], other[other_key] = deepcopy(other[other_key]), deepcopy(one[key])


def rename(rng, value):
    node, key = place(rng, value)
    if isinstance(node, dict):
        names = ["auto_map", "is_decoder", "type", "", key + "x", key[:-1]]
        node[rng.choice(names)] = node.pop(key)


def duplicate(rng, value):
    node, key = place(rng, value)
    if isinstance(node, list):
        node.insert(0, deepcopy(node[key]))
    else:
        node[f"{key}\x01"] = deepcopy(node[key])  # becomes the same key below


CHANGES = [put_strange, put_strange, put_huge, nest, delete, swap, swap, rename, duplicate]


def mutate_json(data, rng):
    value = [json.loads(data)]
    try:
        for _ in range(rng.choice([1, 1, 1, 2, 4])):
            rng.choice(CHANGES)(rng, value)
        return json.dumps(value[0]).replace("\\u0001", "").encode()
    except (IndexError, RecursionError):  # nothing left, or nested too deeply to write
        return rng.choice([b"", b"[" * 5_000])


def mutate_header(data, rng):
    (length,) = struct.unpack("<Q", data[:8])
    header = mutate_json(data[8 : 8 + length], rng)
    length = rng.choice([len(header)] * 8 + [0, len(header) + 1, 2**63, 10**8])
    return struct.pack("<Q", length) + header + data[8 + length :]


def mutate_lines(data, rng):
    """vocab.txt, merges.txt, readout.toml."""
    lines = data.split(b"\n")
    at, other = rng.randrange(len(lines)), rng.randrange(len(lines))
    change = rng.choice(["repeat", "delete", "swap", "strange", "long", "many"])
    if change == "repeat":
        lines.insert(other, lines[at])
    elif change == "delete":
        del lines[at]
    elif change == "swap":
        lines[at], lines[other] = lines[other], lines[at]
    elif change == "strange":
        value = json.dumps(rng.choice(STRANGE)).encode()
        key, sign, _ = lines[at].partition(b"=")
        lines[at] = key + sign + value
    elif change == "long":
        lines[at] = lines[at] * rng.choice([2, 1000, 100_000 // (len(lines[at]) + 1)])
    else:
        lines[at] = b"\n".join(lines[at] + b"%d" % n for n in range(5000))
    return b"\n".join(lines)


def mutate_archive(data, rng):
    """A zip archive of torch.save: a record changed, left out, twice or compressed."""
    with zipfile.ZipFile(io.BytesIO(data)) as old:
        records = [(name, old.read(name)) for name in old.namelist()]
    at = [name.rpartition("/")[2] for name, _ in records].index("data.pkl")
    at = rng.choice([at, at, rng.randrange(len(records))])
    name, content = records[at]
    how = zipfile.ZIP_STORED
    match rng.choice(["content", "content", "content", "drop", "name", "pack"]):
        case "content":
            records[at] = name, rng.choice([flip_bytes, truncate, grow])(content or b"x", rng)
        case "drop":
            del records[at]
        case "name":
            records[at] = name[:-1], content
        case "pack":
            how = zipfile.ZIP_DEFLATED
    made = io.BytesIO()
    with warnings.catch_warnings(action="ignore"), zipfile.ZipFile(made, "w", how) as new:
        for name, content in records:
            new.writestr(name, content)
    return made.getvalue()


def _mutated(name, data, rng):
    raw = rng.choice([flip_bytes, flip_bytes, truncate, grow])
    structures = {".json": mutate_json, ".safetensors": mutate_header}
    structures |= {".txt": mutate_lines, ".toml": mutate_lines}
    structures |= {".bin": mutate_archive} if data.startswith(b"PK") else {}
    structural = structures.get(PurePath(name).suffix, raw)
    try:
        return (structural if rng.random() < 0.7 else raw)(data, rng)
    except (ValueError, LookupError, RecursionError, struct.error, zipfile.BadZipFile):
        # It has been mutated before.
        return raw(data, rng)


@pytest.fixture(scope="session")
def mutated():
    """``mutated(name, content, rng)``: the content of a file of that name, changed."""
    return _mutated
