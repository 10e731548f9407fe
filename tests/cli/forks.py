"""One process that has imported every command, and forks itself for each call of one.

The fixture ``forked`` starts it; a call is a line of JSON on stdin, what came of it one on stdout.
The child meets its fault as a process that a shell has just started: it has the descriptors, limits
and rights of the call. It ends as the interpreter does, so that what is said at shutdown counts.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import gc
import io
import json
import os
import resource
import selectors
import signal
import sys
import time
import traceback
from importlib import import_module
from pathlib import Path

import vl_convert

from poolwise.cli import COMMANDS, streams
from poolwise.cli import main as poolwise

PATIENCE_S = 300
"""A child that hangs is ended after this."""

LIBRARIES = (
    "poolwise.reports poolwise.reports.scores poolwise.reports.inspector poolwise.studies.sweep "
    "poolwise.studies.run poolwise.selection.duplicates poolwise.inspection "
    "poolwise.tuning.comparison poolwise.tuning.training poolwise.exports.stack_files "
    "poolwise.stores.parquet poolwise.cli.version poolwise.installation "
    "rich.console rich.table rich.progress"
).split()

FILES = (sys.getfilesystemencoding(), sys.getfilesystemencodeerrors())
SAVED = 100
"""Descriptors that a call does not see."""


def main() -> None:
    for name in (*(f"poolwise.cli.{name}" for name in COMMANDS), *LIBRARIES):
        import_module(name)
    # The drawing of charts, a second a call, is not what fails.
    vl_convert.vegalite_to_svg = lambda *_, **__: "<svg xmlns='http://www.w3.org/2000/svg' />"
    vl_convert.svg_to_png = lambda *_, **__: b"a picture"
    vl_convert.javascript_bundle = lambda *_, **__: "a library"
    gc.collect()
    gc.freeze()
    for line in sys.stdin:
        pipes = [os.pipe() for _ in range(3)]
        child = os.fork()
        if not child:
            ends = [end for _, end in pipes]
            os._exit(run(json.loads(line), ends))
        for _, end in pipes:
            os.close(end)
        print(json.dumps(outcome(child, [end for end, _ in pipes])), flush=True)


def outcome(child: int, ends: list[int]) -> dict[str, object]:
    """What the child said on stdout and stderr, what it left, and how it ended."""
    said = dict.fromkeys(ends, b"")
    deadline = time.monotonic() + PATIENCE_S
    with selectors.DefaultSelector() as waiting:
        for end in ends:
            waiting.register(end, selectors.EVENT_READ)
        while waiting.get_map():
            if not (ready := waiting.select(max(deadline - time.monotonic(), 0))):
                os.kill(child, signal.SIGKILL)
                break
            for key, _ in ready:
                more = os.read(key.fd, 1 << 16)
                said[key.fd] += more
                if not more:
                    waiting.unregister(key.fd)
    for end in ends:
        os.close(end)
    _, status, used = os.wait4(child, 0)
    out, err, left = (said[end].decode("utf-8", "surrogateescape") for end in ends)
    code = os.waitstatus_to_exitcode(status)
    seconds = used.ru_utime + used.ru_stime
    return {"code": code, "out": out, "err": err, "left": left.split("\0")[:-1], "cpu": seconds}


def run(call: dict[str, object], ends: list[int]) -> int:
    """Call, and end as the interpreter would, but for the second that it takes to free all of
    torch: what a standard stream still holds is written; if that fails it says so and ends 120."""
    code = 0
    try:
        begin(call, ends)
        streams.open_closed()
        poolwise()
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
        if isinstance(stop.code, str):
            print(stop.code, file=sys.stderr)
    except BaseException:
        traceback.print_exc()
        code = 1
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None and not stream.closed:
                stream.flush()
        except (OSError, ValueError) as error:
            with contextlib.suppress(OSError, ValueError):
                print(f"Exception ignored in: {stream}\n{error!r}", file=sys.stderr, flush=True)
            code = 120
    with contextlib.suppress(OSError):  # no descriptor may be left to look with
        left = sorted(p.relative_to(call["out"]) for p in Path(call["out"]).rglob("*"))
        os.write(SAVED + 2, b"".join(os.fsencode(path) + b"\0" for path in left))
    return code


def begin(call: dict[str, object], ends: list[int]) -> None:
    """Become the process of this call."""
    sys.dont_write_bytecode = True  # Python keeps what a full disk let it write of a .pyc
    os.environ.update(call["env"])
    for name in call["unset"]:
        os.environ.pop(name, None)
    os.chdir(_path(call["cwd"]))
    call["out"] = _path(call["out"])
    sys.argv = ["poolwise", *map(_path, call["argv"])]
    if call["mount"] is not None:
        mount(call["out"], call["mount"])
    if call["no_rights"]:
        give_up_rights()
    if call["gone"]:
        Path.cwd().rmdir()
    hand_over(call["streams"], ends)
    for name, value in call["limits"].items():
        resource.setrlimit(getattr(resource, name), (value, value))


def _path(name: str) -> str:
    return name.encode("utf-8", "surrogateescape").decode(*FILES)


def hand_over(wanted: dict[str, str], ends: list[int]) -> None:
    """Descriptors 0, 1 and 2 alone, closed or open, and what Python makes of them at its start."""
    opened = [os.open(os.devnull, os.O_RDONLY), ends[0], ends[1]]
    for number, what in wanted.items():
        if what == "gone":  # a pipe whose reader has gone
            reader, opened[int(number)] = os.pipe()
            os.close(reader)
        elif what != "closed":
            opened[int(number)] = os.open(what, os.O_RDONLY if number == "0" else os.O_WRONLY)
    for place, descriptor in enumerate([*opened, ends[2]]):
        os.dup2(descriptor, SAVED + place if place < 3 else SAVED + 3)
    os.closerange(0, SAVED)
    for number in range(3):
        if wanted.get(str(number)) != "closed":
            os.dup2(SAVED + number, number)
    os.dup2(SAVED + 3, SAVED + 2)
    for number in (SAVED, SAVED + 1, SAVED + 3):
        os.close(number)
    os.set_inheritable(SAVED + 2, False)
    encoding, _, errors = os.environ.get("PYTHONIOENCODING", "utf-8").partition(":")
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        stream = None
        with contextlib.suppress(OSError):
            raw = io.FileIO(number, "r" if number == 0 else "w", closefd=False)
            raw.name = f"<{name}>"
            buffered = io.BufferedReader(raw) if number == 0 else io.BufferedWriter(raw)
            how = "backslashreplace" if number == 2 else errors or "strict"
            stream = io.TextIOWrapper(buffered, encoding, how, line_buffering=number == 2)
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


def mount(place: str, options: str) -> None:
    """A tmpfs there that only this process sees."""
    libc = ctypes.CDLL(None)
    new_namespace, recursive, private, read_only = 0x20000, 1 << 14, 1 << 18, 1
    flags, options = (read_only, "") if options == "ro" else (0, options)
    if (
        libc.unshare(new_namespace)
        or libc.mount(b"none", b"/", None, recursive | private, None)
        or libc.mount(b"tmpfs", os.fsencode(place), b"tmpfs", flags, options.encode())
    ):
        sys.exit("no mounts here")


def give_up_rights() -> None:
    """Root without root's rights: what a folder's mode forbids is forbidden."""
    version_3 = (ctypes.c_uint32 * 2)(0x20080522, 0)
    ctypes.CDLL(None).capset(version_3, (ctypes.c_uint32 * 6)())


if __name__ == "__main__":
    main()
