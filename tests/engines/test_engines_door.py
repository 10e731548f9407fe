"""The native module's door: malformed calls, arrays that change, memory that ends."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from threading import Event, Thread

import numpy as np
import pytest

import poolwise
from poolwise.engines import native_engine
from poolwise.engines.native_engine import NativeEngine, levels

pytestmark = pytest.mark.skipif(not levels(), reason="the native engine does not run here")

CALLS = Path(__file__).parents[1] / "native" / "malformed_calls.py"
LONGEST = 600  # seconds, after which a child hangs


def script(*arguments: str) -> str:
    """What a process of its own prints: what is looked for ends processes."""
    command = [sys.executable, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=LONGEST)
    assert done.returncode == 0, (done.returncode, done.stderr[-3000:])
    return done.stdout


@pytest.mark.parametrize(("calls", "threads"), [("300", "1"), ("100", "8")])
def test_malformed_calls_raise_and_change_nothing(calls, threads):
    found = script(str(CALLS), "--calls", calls, "--threads", threads)
    assert found == f"{int(calls) * int(threads)} malformed calls raised\n"


def test_infinities_and_huge_numbers_are_refused_or_stay_in_their_sequence():
    assert script(str(CALLS.with_name("extreme_values.py"))) == "200 encoders\n"


def test_nothing_of_an_encoder_can_be_set(tiny):
    core = NativeEngine(poolwise.load(tiny("bert")))._core
    public = {name for name in dir(core) if not name.startswith("_")}
    assert public == {"run"}
    with pytest.raises(AttributeError):
        core.words = None


def test_arrays_that_change_while_they_are_read(tiny):
    """Another thread spoils them as soon as the GIL is let go of."""
    bert = poolwise.load(tiny("bert"))
    core = NativeEngine(bert)._core
    sequences, length = 150, 16
    tokens = sequences * length
    whole = {
        "ids": np.arange(tokens, dtype=np.int32) % len(bert.word_embeddings),
        "positions": np.arange(tokens, dtype=np.int32) % length,
        "offsets": np.arange(0, tokens + 1, length, dtype=np.int32),
        "weights": np.full((1, tokens), 1 / length, np.float32),
        "rows": np.arange(tokens, dtype=np.int32),
    }
    spoilt = {name: np.full_like(array, 2**30) for name, array in whole.items()}
    given = {name: array.copy() for name, array in whole.items()}
    rest = {"deepest": 2, "linear": [(2, 0), (1, 0)], "maxima": [], "pooler": False, "threads": 2}
    rest["hidden_states"] = [0, 1]
    expected = core.run(**whole, **rest)
    going, over = Event(), Event()

    def spoil():
        while not over.is_set():
            going.wait()
            for name, array in given.items():
                array[...] = spoilt[name]
            going.clear()

    thread = Thread(target=spoil)
    thread.start()
    try:
        for _ in range(6):
            for name, array in given.items():
                array[...] = whole[name]
            going.set()
            try:
                found = core.run(**given, **rest)
            except ValueError:
                continue  # it came before the copy
            for found_array, expected_array in zip(found, expected, strict=True):
                np.testing.assert_array_equal(found_array, expected_array)
    finally:
        over.set()
        going.set()
        thread.join()


MEMORY = """
import resource, sys
import numpy as np
import poolwise
from poolwise import _native
from poolwise.engines.native_engine import levels

sys.path.insert(0, sys.argv[1])
import valid_arguments as valid

noise = np.random.default_rng(0)
made = valid.encoder_arguments(noise, level=levels()[0], precision="exact")
made["positions"] = noise.normal(size=(1024, valid.WIDTH)).astype(np.float32)
call = valid.run_arguments(False)
expected = _native.Encoder(**made).run(**call)  # with helpers, which are there from now on

def long(tokens):
    ids = np.zeros(tokens, np.int32)
    return {**call, "ids": ids, "positions": np.arange(tokens, dtype=np.int32) % 1024,
            "offsets": np.append(np.arange(0, tokens, 1024, dtype=np.int32), np.int32(tokens)),
            "weights": np.ones((2, tokens), np.float32), "threads": 3}

def limited(work, room):
    pages = int(open("/proc/self/statm").read().split()[0])
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + room, hard))
    try:
        return work()
    except MemoryError:
        return None
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (hard, hard))

encoder = _native.Encoder(**made)
calls = {tokens: long(tokens) for tokens in (200, 4096)}
whole = {tokens: _native.Encoder(**made).run(**c) for tokens, c in calls.items()}
raised = 0
for room in range(0, 16 << 20, 1 << 20):
    other = limited(lambda: _native.Encoder(**made), 4 * room)
    for tokens, arguments in calls.items():
        for one in (encoder, other or encoder):
            found = limited(lambda: one.run(**arguments), room)
            raised += found is None
            assert found is None or valid.equal(found, whole[tokens]), (room, tokens)
    raised += other is None
    assert valid.equal(encoder.run(**call), expected), room
print(raised)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_without_memory_the_caller_has_an_error_and_the_threads_go_on():
    assert int(script("-c", MEMORY, str(CALLS.parent))) > 10


def test_more_cores_than_threads_that_can_share_a_batch(tiny):
    """Machines of 128 cores: a batch of its own for each, but no more than 64 on one."""
    bert = poolwise.load(tiny("bert"))
    texts = ["the cat", "a dog"]
    (few,) = poolwise.extract(bert, texts, ["mean@-1"], engine=NativeEngine(bert, streams=1))
    many = NativeEngine(bert, streams=native_engine.MAX_THREADS + 1)
    (found,) = poolwise.extract(bert, texts, ["mean@-1"], engine=many)
    np.testing.assert_array_equal(found.vectors["mean@-1"], few.vectors["mean@-1"])
