"""Engines in forked children, where no thread of the parent runs, and under several threads."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pytest

import poolwise
from poolwise.engines.transformers_engine import TransformersEngine
from poolwise.engines.workers import Forks, Threads
from poolwise.errors import EncoderError

TEXTS = [f"the {'cat ' * n}and a dog" for n in range(40)]
READOUTS = ["mean@-1", "cls@1", "max@2"]
LONGEST = 600  # seconds, after which a child hangs

SCRIPT = """
import multiprocessing, sys, threading, warnings
import numpy as np
import poolwise
from poolwise.engines.transformers_engine import TransformersEngine

warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)
TEXTS = [f"the {'cat ' * n}and a dog" for n in range(40)]

def opened():
    model = poolwise.load(sys.argv[1])
    if sys.argv[2] == "transformers":
        model.shared["engines"] = {"exact": TransformersEngine(model)}
    return model

def embed():
    return model.embed(TEXTS, "mean@-1")

def alone():
    return np.stack([model.embed(text, "mean@-1") for text in TEXTS[:3]])

def fresh():
    return opened().embed(TEXTS, "mean@-1")

def maps():
    return next(model.token_outputs(TEXTS[:3], attentions=True)).attentions

def grandchild():
    return in_child(embed)

def in_child(work):
    context = multiprocessing.get_context("fork")
    mine, theirs = context.Pipe()
    process = context.Process(target=lambda: theirs.send(work()))
    process.start()
    theirs.close()
    found = mine.recv()
    process.join()
    return found

def from_a_thread():
    found = []
    thread = threading.Thread(target=lambda: found.append(in_child(embed)))
    thread.start()
    thread.join()
    return found[0]

if sys.argv[2] == "transformers":
    import torch
    torch.set_num_threads(2)
    # The parent's helpers of OpenMP, which a child waits for in vain.
    torch.ones(1 << 22).sum(); torch.ones(700, 700) @ torch.ones(700, 700)
model = opened()
whole, some, attentions = embed(), alone(), maps()
for work, expected in [
    (embed, whole), (alone, some), (maps, attentions), (grandchild, whole), (from_a_thread, whole),
    (fresh, whole),
]:
    found = (work if work is from_a_thread else lambda: in_child(work))()
    np.testing.assert_allclose(found, expected, atol=1e-5)
    print(work.__name__, flush=True)
np.testing.assert_array_equal(embed(), whole)
"""

BESIDE = """
import os, pickle, sys, threading, time, warnings
import numpy as np
import poolwise
from poolwise.engines.transformers_engine import TransformersEngine

warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)
TEXTS = [f"the {'cat ' * n}and a dog" for n in range(20)]
model = poolwise.load(sys.argv[1])
if sys.argv[2] == "transformers":
    model.shared["engines"] = {"exact": TransformersEngine(model)}

def vectors():
    return model.embed(TEXTS, "mean@-1")

def maps():
    return next(model.token_outputs(TEXTS[:3], attentions=True)).attentions

def work():
    while not over:
        for asked in (vectors, maps):
            np.testing.assert_array_equal(asked(), expected[asked])
        assert pickle.loads(pickle.dumps(model)).hash == model.hash

def in_child():
    child = os.fork()
    if child == 0:
        same = all(np.array_equal(asked(), array) for asked, array in expected.items())
        os._exit(0 if same else 1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

expected, over, failed = {asked: asked() for asked in (vectors, maps)}, [], []
threading.excepthook = failed.append
threads = [threading.Thread(target=work) for _ in range(4)]
for thread in threads:
    thread.start()
for _ in range(int(sys.argv[3])):
    time.sleep(0.05)
    assert in_child() == 0
over.append(1)
for thread in threads:
    thread.join()
assert not failed, failed
"""
FORKS = int(os.environ.get("POOLWISE_FORKS", "5"))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks here")
@pytest.mark.parametrize("engine", ["native", "transformers"])
def test_a_fork_beside_threads_that_embed(tiny, engine):
    """Each child, too, has every bit of its parent."""
    command = [sys.executable, "-W", "error", "-c", BESIDE, str(tiny("bert")), engine, str(FORKS)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=LONGEST)
    except subprocess.TimeoutExpired:
        pytest.fail("hangs")
    assert done.returncode == 0, done.stderr


def test_a_fork_waits_for_work_and_keeps_it_off():
    forks = Forks()
    begun, go, order = threading.Event(), threading.Event(), []

    def work():
        with forks.held_off():
            begun.set()
            go.wait(LONGEST)
            order.append("work")

    def fork():
        forks.before()
        order.append("fork")
        forks.after_in_parent()

    first, forking = threading.Thread(target=work), threading.Thread(target=fork)
    first.start()
    assert begun.wait(LONGEST)
    forking.start()
    while not forks._forking:
        time.sleep(0.01)
    later = threading.Thread(target=work)
    later.start()
    go.set()
    for thread in (first, forking, later):
        thread.join()
    assert order == ["work", "fork", "work"]


def test_a_fork_does_not_wait_for_ever(monkeypatch):
    forks = Forks()
    monkeypatch.setattr(forks, "PATIENCE_S", 0.01)
    with forks.held_off():
        forks.before()
        forks.after_in_parent()
        forks.reset()  # as a child does
        with forks.held_off():
            pass


@pytest.mark.parametrize("engine", ["native", "transformers"])
def test_eight_threads_have_the_bits_of_one(tiny, engine):
    """Vectors, hidden states and maps, of engines that whoever comes first makes."""

    def opened():
        model = poolwise.load(tiny("bert"))
        if engine == "transformers":
            model.shared["engines"] = {"exact": TransformersEngine(model)}
        return model

    work = [
        lambda model: [model.embed(TEXTS, "mean@-1")],
        lambda model: [model.embed(text, "cls@2") for text in TEXTS[:4]],
        lambda model: [next(model.extract(TEXTS, READOUTS)).vectors[r] for r in READOUTS],
        lambda model: [
            group.hidden_states for group in model.token_outputs(TEXTS[:9], layers=[0, 2])
        ],
        lambda model: [
            group.attentions for group in model.token_outputs(TEXTS[:9], attentions=True)
        ],
        lambda model: [pickle.loads(pickle.dumps(model)).embed(TEXTS[:3], "mean@1")],
    ]
    alone = opened()
    expected = [one(alone) for one in work]
    model = opened()
    with ThreadPoolExecutor(8) as pool:
        found = [(i, pool.submit(work[i], model)) for _ in range(6) for i in range(len(work))]
        for i, result in found:
            for array, own in zip(result.result(), expected[i], strict=True):
                np.testing.assert_array_equal(array, own)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks here")
@pytest.mark.parametrize("engine", ["native", "transformers"])
def test_a_forked_child_embeds_as_its_parent_does(tiny, engine):
    """A child that hangs ends with its script."""
    size = {"hidden_size": 256, "intermediate_size": 1024}  # enough for MKL to share
    command = [sys.executable, "-W", "error", "-c", SCRIPT, str(tiny("bert", **size)), engine]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=LONGEST)
    except subprocess.TimeoutExpired as hanging:
        pytest.fail(f"hangs after {hanging.stdout!r}")
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == "embed alone maps grandchild from_a_thread fresh".split()


def test_threads_are_made_anew_in_another_process(monkeypatch):
    begun = []
    threads = Threads(1, lambda: begun.append(1))
    first = threads.executor
    assert first is threads.executor
    assert first.submit(lambda: 1).result() == 1
    monkeypatch.setattr(os, "getpid", lambda: -1)
    assert threads.forked
    second = threads.executor
    assert second is not first
    assert not threads.forked
    assert second.submit(lambda: 2).result() == 2
    assert len(begun) == 2


def test_a_gpu_does_not_survive_a_fork(tiny):
    model = poolwise.load(tiny("bert"))
    engine = TransformersEngine(model)
    engine.device = SimpleNamespace(type="cuda")
    engine._threads._process = -1
    with pytest.raises(EncoderError, match="does not survive a fork; start processes by spawn"):
        list(engine.run([], None))


@pytest.mark.parametrize("engine", [TransformersEngine, None], ids=["transformers", "default"])
def test_maps_and_vectors_asked_for_at_once_are_those_of_one_after_the_other(tiny, engine):
    model = poolwise.load(tiny("bert"))
    if engine is not None:
        model.shared["engines"] = {"exact": engine(model)}

    def vectors(_):
        (batch,) = model.extract(TEXTS, READOUTS)
        return batch.vectors

    def maps(_):
        return {
            row: attention
            for group in model.token_outputs(TEXTS[:12], attentions=True)
            for row, attention in zip(
                group.rows.tolist(), np.moveaxis(group.attentions, 1, 0), strict=True
            )
        }

    with ThreadPoolExecutor(6) as pool:  # engines, too, are made by whoever comes first
        found = [pool.submit(work, 0) for _ in range(8) for work in (vectors, maps)]
        results = [one.result() for one in found]
    for work, start in ((vectors, 0), (maps, 1)):
        expected = work(0)
        for result in results[start::2]:
            assert result.keys() == expected.keys()
            for key, array in expected.items():
                np.testing.assert_allclose(result[key], array, rtol=0, atol=1e-6)


def test_maps_share_the_weights(tiny):
    engine = TransformersEngine(poolwise.load(tiny("bert")))
    ours = dict(engine.module.named_parameters())
    for name, parameter in engine._eager.named_parameters():
        assert parameter.data_ptr() == ours[name].data_ptr()
    assert engine.module.config._attn_implementation != "eager"
