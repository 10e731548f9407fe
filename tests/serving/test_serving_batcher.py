"""The queue: one pass for all that waits, nobody left without an answer, nothing left counted."""

from __future__ import annotations

import asyncio
import ctypes
import gc
import shutil
import threading
import time
from contextlib import asynccontextmanager

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import poolwise
from poolwise.serving import batcher as batcher_module
from poolwise.serving.catalogue import Catalogue, serve_model
from poolwise.serving.errors import (
    ComputationError,
    DeadlineError,
    OverloadedError,
    RequestError,
    TooLongError,
    UnavailableError,
)
from poolwise.serving.inputs import Reading
from poolwise.serving.service import Service
from poolwise.serving.settings import Settings

READOUTS = ("mean@-1", "cls@-2", "max@1|l2")
WORDS = "the old cat sat on a small mat and ran over hill to sea".split()
BLOCKED = 30.0
"""Seconds after which a gate opens by itself: only where a test has failed."""


@pytest.fixture(autouse=True)
def threads(monkeypatch):
    """One thread, of which alone an order can be told; ``threads(2)`` makes more."""

    def install(count):
        monkeypatch.setattr(batcher_module, "THREADS", count)

    install(1)
    return install


@pytest.fixture(scope="session")
def served(tiny):
    """A tiny encoder with three readouts."""
    return serve_model(tiny("bert"), READOUTS, name="tiny")


@asynccontextmanager
async def running(served, **options):
    service = Service(Catalogue([served]), Settings(**options))
    await service.start()
    try:
        yield service
    finally:
        await service.stop()


@asynccontextmanager
async def blocked(service):
    """What is sent meanwhile waits together: the thread that computes is busy."""
    gate, entered = threading.Event(), threading.Event()

    def hold():
        entered.set()
        gate.wait(BLOCKED)

    holding = asyncio.create_task(service.call(hold, n_tokens=0))
    while not entered.is_set():
        await asyncio.sleep(0.001)
    try:
        yield
        await asyncio.sleep(0)
    finally:
        gate.set()
        await asyncio.gather(holding, return_exceptions=True)


def embed(service, texts, readout="mean@-1", **reading):
    served, chosen = service.catalogue.find(readout)
    return asyncio.create_task(service.embed(served, chosen, texts, Reading(**reading)))


async def waiting(service, count):
    """Until so many requests wait or are computed."""
    while service.batcher.n_waiting < count:
        await asyncio.sleep(0.001)


async def outcomes(*tasks):
    return await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 60)


def vectors_of(served, texts, readout):
    return served.model.embed(texts, readout)


@pytest.fixture
def passes(monkeypatch):
    """The texts of every pass."""
    seen = []
    real = batcher_module.run_pass

    def counted(served, pieces):
        seen.append([len(piece.texts) for piece in pieces])
        real(served, pieces)

    monkeypatch.setattr(batcher_module, "run_pass", counted)
    return seen


@pytest.fixture
def failing(monkeypatch):
    """``failing(error)``: a pass raises it where a text has exactly 7 tokens."""
    real = batcher_module.run_pass

    def install(error):
        def run(served, pieces):
            if any(text.n_tokens == 7 for piece in pieces for text in piece.texts):
                raise error
            real(served, pieces)

        monkeypatch.setattr(batcher_module, "run_pass", run)

    return install


GUILTY = "the cat sat on mat"  # 7 tokens with [CLS] and [SEP]


def test_readouts_of_waiting_requests_cost_one_pass(served, passes):
    async def run():
        async with running(served) as service:
            passes.clear()
            async with blocked(service):
                tasks = [
                    embed(service, [f"the cat {word}"], r)
                    for word, r in zip(WORDS[:3], READOUTS, strict=True)
                ]
                await waiting(service, 4)
            return await outcomes(*tasks)

    results = asyncio.run(run())
    assert passes == [[1, 1, 1]]
    for word, readout, result in zip(WORDS[:3], READOUTS, results, strict=True):
        expected = vectors_of(served, [f"the cat {word}"], readout)
        assert np.array_equal(result.vectors, expected)


def test_what_nobody_waits_for_is_not_computed(served, passes):
    async def run():
        async with running(served) as service:
            passes.clear()
            async with blocked(service):
                left, stays = embed(service, ["the cat"] * 3), embed(service, ["a dog"])
                await waiting(service, 3)
                left.cancel()
                await asyncio.sleep(0.01)
            await outcomes(left, stays)
            assert service.batcher.waiting_tokens == 0
            return service.metrics.text().decode()

    text = asyncio.run(run())
    assert passes == [[1]]
    assert 'poolwise_rejected_total{reason="abandoned"} 1.0' in text


def test_a_request_that_waits_too_long_ends(served, passes):
    async def run():
        async with running(served, request_seconds=0.3) as service:
            passes.clear()
            async with blocked(service):
                started = time.monotonic()
                (result,) = await outcomes(embed(service, ["the cat"]))
                seconds = time.monotonic() - started
            (after,) = await outcomes(embed(service, ["the cat"]))
            assert service.batcher.waiting_tokens == 0
            return result, seconds, after

    result, seconds, after = asyncio.run(run())
    assert isinstance(result, DeadlineError)
    assert result.status == 504
    assert 0.25 < seconds < BLOCKED / 2  # while the thread was still busy
    assert after.vectors.shape == (1, 32)
    assert passes == [[1]]  # the late one was never computed


def test_a_full_queue_refuses_all_of_a_request_or_none(served):
    async def run():
        async with running(served, queue_tokens=40) as service:
            async with blocked(service):
                admitted = [embed(service, ["the cat sat"] * 2) for _ in range(3)]
                await waiting(service, 4)
                before = service.batcher.waiting_tokens
                (refused,) = await outcomes(embed(service, ["the old cat sat on a mat"] * 2))
                assert service.batcher.waiting_tokens == before
                fits = embed(service, ["the cat sat on"])
                await waiting(service, 5)
            results = await outcomes(*admitted, fits)
            assert service.batcher.waiting_tokens == 0
            return refused, results

    refused, results = asyncio.run(run())
    assert isinstance(refused, OverloadedError)
    assert 0 < refused.retry_after <= 120
    assert not any(isinstance(result, BaseException) for result in results)


def test_large_and_small_requests_take_turns(served, passes):
    """A request of four times the queue is read in pieces; small ones are neither refused nor
    kept until its end."""

    async def run():
        async with running(served, queue_tokens=512, batch_tokens=64) as service:
            passes.clear()
            order = []
            async with blocked(service):
                large = embed(service, ["the old cat sat on a mat"] * 250)
                await waiting(service, 2)
                small = [embed(service, [f"the {word}"]) for word in WORDS]
                await waiting(service, 2 + len(WORDS))
            large.add_done_callback(lambda _: order.append("large"))
            for task in small:
                task.add_done_callback(lambda _: order.append("small"))
            results = await outcomes(large, *small)
            assert service.batcher.waiting_tokens == 0
            return order, results

    order, results = asyncio.run(run())
    assert order == ["small"] * len(WORDS) + ["large"]
    assert results[0].vectors.shape == (250, 32)
    assert results[0].passes > 20
    assert np.array_equal(results[0].vectors, np.repeat(results[0].vectors[:1], 250, axis=0))


class PanicError(BaseException):
    """As Rust's panics reach Python: no Exception."""


@pytest.mark.parametrize(
    "error", [ValueError("the cat sat"), PanicError(), MemoryError(), SystemExit(3)]
)
def test_a_pass_that_fails_is_one_requests_failure(served, failing, error):
    async def run():
        failing(error)
        async with running(served) as service:
            async with blocked(service):
                tasks = [embed(service, [text]) for text in ("a dog", GUILTY, "the hill")]
                await waiting(service, 4)
            results = await outcomes(*tasks)
            assert service.batcher.alive
            assert service.batcher.waiting_tokens == 0
            return results

    before, guilty, after = asyncio.run(run())
    assert isinstance(guilty, ComputationError)
    assert "cat" not in str(guilty)
    for text, result in (("a dog", before), ("the hill", after)):
        assert np.array_equal(result.vectors, vectors_of(served, [text], "mean@-1"))


def test_memory_that_ends_between_two_requests_outputs(served, monkeypatch):
    """The outputs of the first have been stored when the second's are not: each is stored once."""
    from poolwise.serving.jobs import Job

    real, failed = Job.add, []

    def add(job, vectors, finite, states):
        if len(job.texts) == 2 and not failed:
            failed.append(job)
            raise MemoryError
        real(job, vectors, finite, states)

    async def run():
        async with running(served) as service:
            monkeypatch.setattr(Job, "add", add)
            async with blocked(service):
                first, second = embed(service, ["a dog"]), embed(service, ["the hill", "the sea"])
                await waiting(service, 3)
            return await outcomes(first, second)

    first, second = asyncio.run(run())
    assert failed
    assert first.vectors.shape == (1, 32)
    assert np.array_equal(second.vectors, vectors_of(served, ["the hill", "the sea"], "mean@-1"))


@pytest.fixture(scope="session")
def poisoned(tiny, tmp_path_factory):
    """A tiny encoder in which the word "dog" leaves float32's range."""
    from safetensors.numpy import load_file, save_file

    folder = tmp_path_factory.mktemp("poisoned") / "bert"
    shutil.copytree(tiny("bert"), folder)
    weights = load_file(folder / "model.safetensors")
    model = poolwise.load(folder)
    (dog,) = model.tokenize(["dog"])[0].windows[0].ids[1:-1]
    (name,) = [name for name in weights if name.endswith("word_embeddings.weight")]
    weights[name][dog] = 3e38
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    return serve_model(folder, READOUTS, name="poisoned")


def test_a_vector_that_is_not_finite_is_one_requests_failure(poisoned):
    async def run():
        async with running(poisoned) as service:
            async with blocked(service):
                tasks = [
                    embed(service, texts, "mean@1")
                    for texts in (["the cat"], ["a cat", "a dog"], ["the mat"])
                ]
                await waiting(service, 4)
            return await outcomes(*tasks), service.metrics.text().decode()

    (before, bad, after), metrics = asyncio.run(run())
    assert isinstance(bad, ComputationError)
    assert "input[1]" in str(bad)
    assert np.isfinite(before.vectors).all()
    assert np.isfinite(after.vectors).all()
    assert "poolwise_nonfinite_total 1.0" in metrics


@pytest.mark.parametrize(("texts", "concurrent"), [(2, False), (3, True)])
def test_a_second_thread_takes_a_whole_batch_beside_the_first(served, threads, texts, concurrent):
    """What waits for less than a batch joins others behind the pass that runs."""
    threads(2)

    async def run():
        async with running(served, batch_tokens=15) as service:
            async with blocked(service):
                tasks = [embed(service, ["the cat sat"]) for _ in range(texts)]  # 5 tokens each
                done, _ = await asyncio.wait(tasks, timeout=10 if concurrent else 0.3)
            await outcomes(*tasks)
            return len(done)

    assert asyncio.run(run()) == (texts if concurrent else 0)


def test_steps_may_leave_the_finite_numbers(served, monkeypatch):
    """Pooled vectors are finite, what a step makes of them is not."""
    from poolwise.transforms import Transform

    async def run():
        async with running(served) as service:
            real = Transform.apply

            def apply(self, rows, finite=None):
                return real(self, rows, finite) * np.float32(np.inf)

            monkeypatch.setattr(Transform, "apply", apply)
            return await outcomes(embed(service, ["the cat"], "mean@-1|l2"))

    (result,) = asyncio.run(run())
    assert isinstance(result, ComputationError)


class KilledError(BaseException):
    """Ends a thread between its own instructions."""


def kill(thread):
    set_error = ctypes.pythonapi.PyThreadState_SetAsyncExc
    assert set_error(ctypes.c_ulong(thread.ident), ctypes.py_object(KilledError)) == 1


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_dies_is_replaced_and_its_requests_answered(served, monkeypatch):
    """What it computes fails in words, what waits is computed by the next."""
    real, inside, gate = batcher_module.Batcher._compute, threading.Event(), threading.Event()

    def compute(batcher, pieces):
        if not gate.is_set():
            inside.set()
            gate.wait(BLOCKED)
            raise KilledError  # past every handler of the thread
        real(batcher, pieces)

    async def run():
        async with running(served) as service:
            monkeypatch.setattr(batcher_module.Batcher, "_compute", compute)
            first = service.batcher._threads[0]
            lost = embed(service, ["the cat"])
            while not inside.is_set():
                await asyncio.sleep(0.001)
            waits = embed(service, ["a dog"])
            await waiting(service, 2)
            gate.set()
            results = await outcomes(lost, waits)
            assert not first.is_alive()
            assert service.batcher.alive
            assert first not in service.batcher._threads
            assert service.batcher.waiting_tokens == 0
            assert service.unready == ""
            return results

    lost, waited = asyncio.run(run())
    assert isinstance(lost, ComputationError)
    assert "died" in str(lost)
    assert waited.vectors.shape == (1, 32)


@pytest.fixture
def no_gc_callbacks():
    """Hypothesis has one, in which an exception from outside is lost."""
    callbacks = gc.callbacks[:]
    gc.callbacks.clear()
    yield
    gc.callbacks[:] = callbacks


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("delay", [0.0, 0.0003, 0.002, 0.01])
@pytest.mark.parametrize("count", [1, 2])
def test_a_thread_that_is_killed_anywhere(served, threads, count, delay, no_gc_callbacks):
    """An exception from outside, at whatever instruction: every request has an answer."""
    threads(count)

    async def run():
        async with running(served, batch_tokens=32) as service:
            tasks = [embed(service, ["the old cat sat"] * 3) for _ in range(40)]
            await asyncio.sleep(delay)
            kill(service.batcher._threads[0])
            results = await outcomes(*tasks)
            again = await outcomes(embed(service, ["a dog"]))
            assert service.batcher.waiting_tokens == 0
            return results, again

    results, again = asyncio.run(run())
    for result in (*results, *again):
        assert isinstance(result, RequestError) or np.isfinite(result.vectors).all()
    assert again[0].vectors.shape == (1, 32)


def test_stopping_answers_what_waits_and_what_is_half_done(served):
    async def run():
        async with running(served, batch_tokens=16) as service:
            async with blocked(service):
                large = embed(service, ["the old cat sat on a mat"] * 400)
                small = embed(service, ["the cat"])
                await waiting(service, 3)
                stopping = asyncio.create_task(service.stop())
                results = await outcomes(large, small)
            await stopping
            return results

    for result in asyncio.run(run()):
        assert isinstance(result, UnavailableError)


def test_short_and_long_together_and_the_maximum_length(served):
    """64 positions: 62 words and the special tokens are the most that is read."""
    texts = ["the", " ".join(["cat"] * 500), " ".join(["cat"] * 62), " ".join(["cat"] * 61)]

    async def run():
        async with running(served, batch_tokens=8) as service:
            return await outcomes(
                embed(service, texts),
                embed(service, texts[2:], truncate=False),
                embed(service, texts, truncate=False),
            )

    cut, fits, refused = asyncio.run(run())
    assert cut.vectors.shape == (4, 32)
    assert np.array_equal(cut.vectors[1], cut.vectors[2])
    assert [text.truncated for text in cut.tokens.texts] == [False, True, False, False]
    assert np.array_equal(fits.vectors, cut.vectors[2:])
    assert isinstance(refused, TooLongError)
    assert refused.param == "input[1]"


request = st.tuples(
    st.integers(1, 12),  # texts
    st.sampled_from(READOUTS),
    st.sampled_from(["stays", "leaves", "leaves at once", "fails"]),
)


@pytest.mark.filterwarnings("ignore:Generating overly large repr")
@settings(max_examples=25, deadline=None)
@given(
    st.lists(request, min_size=1, max_size=12),
    st.integers(4, 64),
    st.booleans(),
    st.integers(1, 2),
)
def test_nothing_stays_counted_whatever_happens(
    served, requests, batch_tokens, together, n_threads
):
    real = batcher_module.run_pass
    batcher_module.THREADS = n_threads

    def run_pass(of_model, pieces):
        if any(text.n_tokens == 7 for piece in pieces for text in piece.texts):
            raise MemoryError
        real(of_model, pieces)

    async def run():
        async with running(served, queue_tokens=120, batch_tokens=batch_tokens) as service:
            batcher_module.run_pass = run_pass
            gate = blocked(service) if together else _open()
            async with gate:
                tasks = []
                for count, readout, fate in requests:
                    texts = [GUILTY] * count if fate == "fails" else ["the cat sat on"] * count
                    task = embed(service, texts, readout)
                    await asyncio.sleep(0)
                    if fate == "leaves at once":
                        task.cancel()
                    tasks.append((task, fate))
                await asyncio.sleep(0.002)
                for task, fate in tasks:
                    if fate == "leaves":
                        task.cancel()
            results = await outcomes(*(task for task, _ in tasks))
            last = await outcomes(embed(service, ["the cat"]))  # after all that stood in the queue
            while isinstance(last[0], OverloadedError):  # those that left fill it still
                await asyncio.sleep(0.01)
                last = await outcomes(embed(service, ["the cat"]))
            assert service.batcher.waiting_tokens == 0
            assert service.batcher._queue.admitted_tokens == 0
            assert service.batcher._queue.waiting_tokens == 0
            assert service.batcher.n_waiting == 0
            return results

    try:
        results = asyncio.run(run())
    finally:
        batcher_module.run_pass = real
    for (count, _, fate), result in zip(requests, results, strict=True):
        if isinstance(result, OverloadedError) or fate.startswith("leaves"):
            continue
        if fate == "fails":
            assert isinstance(result, ComputationError)
        else:
            assert result.vectors.shape == (count, 32)


@asynccontextmanager
async def _open():
    yield
