"""Every command beside every fault: an exit code, a sentence, no traceback, nothing half-written.

``make test`` draws of the table; ``POOLWISE_FAULTS=all`` walks it.
"""

from __future__ import annotations

import json
import os
import random
import re
from dataclasses import dataclass, field
from typing import Any

import pytest

import poolwise
from poolwise.cli import COMMANDS

WHOLE = os.environ.get("POOLWISE_FAULTS") == "all"
SEED = int(os.environ.get("POOLWISE_FAULT_SEED", "1"))

COMMAND_LINES = {
    "help": "--help",
    "version": "--version",
    "environment": "--version --verbose",
    "wrong": "embed {model}",
    "embed": "embed {model} {lines} -r mean@-1 -o {out}/v.parquet",
    "embed npy": "embed {model} {lines} -r mean@-1 -o {out}/v.npy",
    "embed safetensors": "embed {model} {lines} -r mean@-1 -o {out}/v.safetensors",
    "embed job": "embed {model} {lines} -r mean@-1 -o {out}/j/",
    "verify": "verify {job}",
    "search": "search {job} cat",
    "doctor": "doctor {model} --vectors {vectors} --texts {lines} -o {out}/d.html",
    "inspect": "inspect {model} cat dog --html {out}/i.html",
    "layers": "layers {model}",
    "predict": "predict {checkpoint} {lines}",
    "predict csv": "predict {checkpoint} {lines} -o {out}/p.csv",
    "predict jsonl": "predict {checkpoint} {lines} -o {out}/p.jsonl",
    "predict parquet": "predict {checkpoint} {lines} -o {out}/p.parquet",
    "export": "export {model} -r cls@1 -o {out}/e",
    "export transformers": "export {model} -r cls@1 --format transformers -o {out}/e",
    "reproduce": "reproduce probing --model {model} --data {out} -o {out}/r",
    "ask": "ask pooler {model} --pairs {pairs} -o {out}/a",
    "sweep": "sweep {model} --pairs {pairs} --grid cls@-1|whiten(4) -o {out}/s",
    "tune": "tune {model} --labels {labels} -r cls@-1 --n 4 --seeds 2 --epochs 1 --rates 1e-3 "
    "--workers 1 -o {out}/t",
    "convert": "convert {pickled} {out}/c",
}
SLOW = ("ask", "sweep", "tune", "convert")
"""Seconds each."""

PRINTS_ONLY = ("help", "version", "environment", "wrong", "layers", "predict", "verify", "search")

RESUMED = ("tune", "embed job")
"""They keep what is finished."""


@dataclass(frozen=True)
class Fault:
    """What the process is handed, and how it may end: ``printing`` and ``writing`` are the exit
    codes of commands that only print and of those that write files."""

    printing: frozenset[int]
    writing: frozenset[int]
    env: dict[str, str] = field(default_factory=dict)
    unset: tuple[str, ...] = ()
    limits: dict[str, int] = field(default_factory=dict)
    streams: dict[str, str] = field(default_factory=dict)
    mount: str | None = None
    no_rights: bool = False
    within: bool = False
    gone: bool = False
    name: str = "out"
    output: str | None = None


FINE = frozenset({0})
UNTOLD = frozenset({5})  # what was to be printed could not be
UNWRITTEN = frozenset({3, 5, 7})  # converts say 3; what cannot lie in scratch space is no answer, 7
EITHER = FINE | UNWRITTEN  # as the room suffices or not
SHORT = EITHER | {1, 4}
CLOSED = dict.fromkeys("012", "closed")
NOWHERE = {"HF_HOME": "/proc/none", "HOME": "/proc/none", "XDG_CACHE_HOME": "/proc/none"}

FAULTS = {
    "stdin closed": Fault(FINE, FINE, streams={"0": "closed"}),
    "stdout closed": Fault(UNTOLD, UNTOLD, streams={"1": "closed"}),
    "stderr closed": Fault(FINE, FINE, streams={"2": "closed"}),
    "all closed": Fault(UNTOLD, UNTOLD, streams=CLOSED),
    "stdout full": Fault(UNTOLD, UNTOLD, streams={"1": "/dev/full"}),
    "stderr full": Fault(FINE, FINE, streams={"2": "/dev/full"}),
    "stdout unread": Fault(FINE, FINE, streams={"1": "gone"}),
    "stderr unread": Fault(FINE, FINE, streams={"2": "gone"}),
    "no byte a file": Fault(FINE, UNWRITTEN, limits={"RLIMIT_FSIZE": 0}),
    "100 bytes a file": Fault(FINE, UNWRITTEN, limits={"RLIMIT_FSIZE": 100}),
    "3 kB a file": Fault(FINE, EITHER, limits={"RLIMIT_FSIZE": 3000}),
    "20 kB a file": Fault(FINE, EITHER, limits={"RLIMIT_FSIZE": 20_000}),
    "disk of 4 kB": Fault(FINE, EITHER, mount="size=4k"),
    "disk of 32 kB": Fault(FINE, EITHER, mount="size=32k"),
    "disk of 128 kB": Fault(FINE, EITHER, mount="size=128k"),
    "read-only disk": Fault(FINE, UNWRITTEN, mount="ro"),
    "no rights": Fault(FINE, UNWRITTEN, no_rights=True),
    "no rights here": Fault(FINE, UNWRITTEN, no_rights=True, within=True),
    "folder deleted": Fault(FINE, UNWRITTEN | {1}, within=True, gone=True),
    "no HOME": Fault(FINE, FINE, unset=("HOME", "HF_HOME", "XDG_CACHE_HOME")),
    "no cache": Fault(FINE, FINE, env=NOWHERE),
    "no TMPDIR": Fault(FINE, FINE, env={"TMPDIR": "/proc/none"}),
    "one more descriptor": Fault(SHORT, SHORT, limits={"RLIMIT_NOFILE": 4}),
    "some more descriptors": Fault(SHORT, SHORT, limits={"RLIMIT_NOFILE": 8}),
    "cp1252": Fault(FINE, FINE, env={"PYTHONIOENCODING": "cp1252"}),
    "ascii": Fault(FINE, FINE, env={"PYTHONIOENCODING": "ascii"}),
    "latin-1, strict": Fault(FINE, FINE, env={"PYTHONIOENCODING": "latin-1:strict"}),
    "emoji": Fault(FINE, FINE, name="d\U0001f600 \"quoted'\n"),
    "not UTF-8": Fault(FINE, EITHER, name="d\udcff"),  # safetensors opens no such path
    "name too long": Fault(FINE, UNWRITTEN | {1}, output="n" * 300),
}


def drawn():
    """Of each fault a quick command, of each slow command a fault."""
    draw = random.Random(SEED)
    quick = [name for name in COMMAND_LINES if name not in SLOW]
    for fault in FAULTS:
        yield from ((name, fault) for name in draw.sample(quick, 1))
    for name in SLOW:
        yield from ((name, fault) for fault in draw.sample([*FAULTS], 1))


def everything():
    return [(name, fault) for name in COMMAND_LINES for fault in FAULTS]


@pytest.fixture(scope="module")
def datasets(tiny, tmp_path_factory, modules):
    """A model, its pickle, a checkpoint, rows to measure on, and a corpus job."""
    import shutil

    import torch
    from safetensors.torch import load_file, save_file

    root = tmp_path_factory.mktemp("material")
    model = shutil.copytree(tiny("bert"), root / "model")
    pickled = shutil.copytree(model, root / "pickled")
    torch.save(load_file(pickled / "model.safetensors"), pickled / "pytorch_model.bin")
    (pickled / "model.safetensors").unlink()
    checkpoint = shutil.copytree(model, root / "checkpoint")
    tensors = load_file(checkpoint / "model.safetensors")
    torch.manual_seed(1)
    head = {"classifier.weight": torch.randn(3, 32), "classifier.bias": torch.randn(3)}
    tensors = {f"bert.{name}": tensor for name, tensor in tensors.items()} | head
    save_file(tensors, checkpoint / "model.safetensors", metadata={"format": "pt"})
    config = json.loads((checkpoint / "config.json").read_text())
    labels = {"id2label": {"0": "cat", "1": "dög", "2": "\U0001f426"}}
    classifier = {"architectures": ["BertForSequenceClassification"], **labels}
    (checkpoint / "config.json").write_text(json.dumps(config | classifier))
    rows = [(f"the {a} {b} on {c}", a) for a in ("cat", "dog") for b in "abcdefg" for c in "vwxyz"]
    (root / "lines.txt").write_text("".join(f"{text}\n" for text, _ in rows))
    (root / "labels.csv").write_text(
        "text,label\n" + "".join(f"{text},{label}\n" for text, label in rows)
    )
    pairs = "".join(f"the cat {i % 7} sat,a dog {i % 5} ran {i},{i * 7 % 6}\n" for i in range(80))
    (root / "pairs.csv").write_text(f"text1,text2,score\n{pairs}")
    poolwise.embed(model, root / "lines.txt", root / "vectors.npy", "mean@-1")
    poolwise.embed_corpus(model, root / "lines.txt", root / "job", "mean@-1")
    return root


def words(name: str, root: Any, out: str) -> list[str]:
    """The command line, each word with what its braces stand for."""
    files = {
        "lines": "lines.txt",
        "vectors": "vectors.npy",
        "labels": "labels.csv",
        "pairs": "pairs.csv",
    }
    places = {
        **{what: f"{root}/{file}" for what, file in files.items()},
        **{what: f"{root}/{what}" for what in ("model", "pickled", "checkpoint", "job")},
        "out": out,
    }
    return [word.format(**places) for word in COMMAND_LINES[name].split()]


def wrongs(name: str, fault: Fault, said: dict[str, Any], as_json: bool) -> list[str]:
    """What is not as it should be."""
    code, err = said["code"], said["err"]
    expected = fault.printing if name in PRINTS_ONLY else fault.writing
    if name == "wrong":
        expected = {2} | (expected & UNTOLD if as_json else set())
    found = [f"exit code {code}, expected {sorted(expected)}"] if code not in expected else []
    found += [word for word in ("Traceback", "Exception ignored", "Error in") if word in err]
    if len(err) > 3000:
        found.append(f"{len(err)} characters on stderr")
    if code and "2" not in fault.streams and not re.search(r"^(poolwise|Error): .{20}", err, re.M):
        found.append("no sentence")
    if code and as_json and "1" not in fault.streams:
        document = json.loads(said["out"])
        if document["exit_code"] != code or not document["error"]:
            found.append(f"the document is {document}")
    elif code == 0 and as_json and name not in ("help", "version") and "1" not in fault.streams:
        json.loads(said["out"])
    halves = [path for path in said["left"] if re.search(r"(^|/)\.|\.(part|partial|old)$", path)]
    if halves and "RLIMIT_NOFILE" not in fault.limits:  # removing takes descriptors, too
        found.append(f"half-written {halves[:3]}")
    if (
        code in UNWRITTEN
        and "1" not in fault.streams
        and name not in RESUMED
        and said["left"] != halves
    ):
        found.append(f"left {said['left'][:3]}")
    return found


def call(forked: Any, datasets: Any, folder: Any, name: str, fault: Fault, as_json: bool) -> Any:
    """Run it in a folder of its own."""
    out, root = folder / fault.name, datasets
    out.mkdir()
    if fault.name != "out":  # the inputs lie there, too
        root = out / "in"
        root.mkdir()
        for path in datasets.iterdir():
            (root / path.name).symlink_to(path)
        out = out / "out"
        out.mkdir()
    if fault.no_rights:
        out.chmod(0o555)
    written = fault.output or ("." if fault.within else str(out))
    argv = words(name, root, written) + (["--json"] if as_json else [])
    handed = {key: getattr(fault, key) for key in FORKED}
    said = forked(argv, cwd=out if fault.within else folder, out=out, **handed)
    if fault.no_rights:
        out.chmod(0o755)
    return said


FORKED = ("env", "unset", "limits", "streams", "mount", "no_rights", "gone")


def test_the_table_has_every_command_that_ends():
    named = {line.split()[0] for line in COMMAND_LINES.values()} - {"--help", "--version"}
    assert named == {*COMMANDS} - {"serve"}


def test_every_command_beside_every_fault(forked, datasets, tmp_path):
    wrong, cpu, no_mounts = [], 0.0, 0
    draw = random.Random(SEED)
    for number, (name, named) in enumerate(everything() if WHOLE else drawn()):
        fault = FAULTS[named]
        folder = tmp_path / str(number)
        folder.mkdir()
        as_json = name not in ("help", "version") and draw.random() < 0.5
        said = call(forked, datasets, folder, name, fault, as_json)
        if fault.mount and "no mounts here" in said["err"]:
            no_mounts += 1
            continue
        cpu += said["cpu"]
        try:
            found = wrongs(name, fault, said, as_json)
        except ValueError as error:
            found = [f"stdout is no JSON: {error}"]
        if found:
            told = f"{said['out'][-200:]!r}, {said['err'][-400:]!r}"
            wrong.append(f"{name}{' --json' * as_json}, {named}: {'; '.join(found)}: {told}")
            print(wrong[-1], flush=True)
    print(f"{cpu:.0f} s of CPU; {no_mounts} calls without mounts")
    assert not wrong, "\n".join(wrong)
