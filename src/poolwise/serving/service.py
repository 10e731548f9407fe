"""The server's work without HTTP: inputs to vectors, through the queue."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from numpy.typing import NDArray

from poolwise.engines import combined_states
from poolwise.errors import PoolwiseError
from poolwise.records import Floats
from poolwise.serving.batcher import Batcher
from poolwise.serving.catalogue import Catalogue, ServedModel, ServedReadout
from poolwise.serving.errors import (
    ComputationError,
    DeadlineError,
    TooManyInputsError,
    UnavailableError,
)
from poolwise.serving.inputs import Input, Reading, Tokenization, Tokenized
from poolwise.serving.jobs import Call, Job
from poolwise.serving.metrics import Metrics
from poolwise.serving.settings import Settings

HEARTBEAT_S = 10.0
"""A thread that computes and has not shown itself for so long is unwell."""

WATCH_S = 0.5
"""How often a thread that has died is looked for."""

MAX_TOKEN_STATES = 32_768
"""Tokens whose own vectors a request may ask for: some 100 MB, and several times that as JSON."""

T = TypeVar("T")

_WARM_UP = "a sentence to warm up with"


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds of a request: tokenization, waiting in the queue, passes, and all together."""

    tokenization: float
    queue: float
    inference: float
    total: float


@dataclass(frozen=True, slots=True)
class Embeddings:
    """Vectors of a request's inputs.

    ``vectors`` [n, width] are those of ``readout``; ``states`` of each input [t, d], where they
    were wanted. ``tokens`` are what the encoder has read; ``passes`` counts the passes it took.
    """

    served: ServedModel
    readout: ServedReadout
    vectors: NDArray[Any]
    tokens: Tokenized
    times: Times
    states: Sequence[Floats] = ()
    passes: int = 1


@dataclass(eq=False)
class Service:
    """Models, the queue and the threads that compute. ``start`` before the first request.

    ``draining`` is set once the server stops: it finishes what it has, and takes nothing new.
    ``failure`` is why ``start`` has failed.
    """

    catalogue: Catalogue
    settings: Settings = field(default_factory=Settings)
    metrics: Metrics = field(default_factory=Metrics)
    draining: bool = False
    warm: bool = False
    failure: PoolwiseError | None = None

    def __post_init__(self) -> None:
        settings = self.settings
        self.batcher = Batcher(
            batch_tokens=settings.batch_tokens,
            queue_tokens=settings.queue_tokens,
            metrics=self.metrics,
        )
        self.tokenization = Tokenization(settings, self.metrics)
        self.started = time.time()
        self._watch: asyncio.Task[None] | None = None
        gauges: dict[str, tuple[str, Callable[[], float]]] = {
            "queue_tokens": ("Tokens that wait.", lambda: self.batcher.waiting_tokens),
            "model_ready": ("1 once warmed up.", lambda: self.warm),
            "draining": ("1 while stopping.", lambda: self.draining),
        }
        for name, (meaning, value) in gauges.items():
            self.metrics.gauge(name, meaning, value)

    async def start(self) -> None:
        """Start the threads and run one text through every readout. Raises PoolwiseError."""
        self.batcher.start()
        self._watch = asyncio.create_task(self._keep_alive())
        try:
            for served in self.catalogue.models:
                await self.embed(served, tuple(served.readouts.values()), [_WARM_UP], Reading())
        except PoolwiseError as error:
            self.failure = PoolwiseError(f"{served.name} cannot be served: {error}")
            raise
        self.warm = True

    async def stop(self) -> None:
        """End the threads; what waits is answered with 503."""
        self.draining = True
        if self._watch is not None:
            self._watch.cancel()
            with suppress(asyncio.CancelledError):
                await self._watch
        await asyncio.to_thread(self.batcher.stop)
        self.tokenization.close()

    async def _keep_alive(self) -> None:
        """Replace threads that have died."""
        while True:
            await asyncio.sleep(WATCH_S)
            if not self.batcher.alive:
                with suppress(RuntimeError, MemoryError):  # no new thread now: tried again
                    self.batcher.replace_dead()

    @property
    def unready(self) -> str:
        """Why no new request should come here; empty when ready."""
        if self.draining:
            return "the server stops"
        if not self.warm:
            return "the models are being warmed up"
        if not self.batcher.alive:
            return "a thread that computes has died"
        silence = time.monotonic() - self.batcher.heartbeat
        if silence > HEARTBEAT_S:
            return f"a thread that computes has not shown itself for {silence:.0f} s"
        return ""

    async def embed(
        self,
        served: ServedModel,
        readouts: ServedReadout | tuple[ServedReadout, ...],
        inputs: Sequence[Input],
        reading: Reading,
    ) -> Embeddings:
        """The vectors of ``inputs``; of several readouts, those of the first, in one pass.

        Raises RequestError.
        """
        chosen = (readouts,) if isinstance(readouts, ServedReadout) else readouts
        result, _ = await self._run(served, chosen, inputs, reading, ())
        return result

    async def embed_all(
        self,
        served: ServedModel,
        readouts: Sequence[ServedReadout],
        inputs: Sequence[Input],
        reading: Reading,
    ) -> dict[ServedReadout, NDArray[Any]]:
        """The vectors of several readouts, in one pass. Raises RequestError."""
        _, job = await self._run(served, tuple(readouts), inputs, reading, ())
        return job.vectors

    async def token_states(
        self, served: ServedModel, readout: ServedReadout, inputs: Sequence[Input], reading: Reading
    ) -> Embeddings:
        """With ``states``: every token's vector in the layers that the readout reads, [t, d] of
        each input, special tokens included, before pooling and steps. Raises RequestError."""
        model = served.model
        layers = readout.fitted.readout.layer_indices(model.depth)
        result, job = await self._run(served, (readout,), inputs, reading, tuple(sorted({*layers})))
        states = [
            combined_states(readout.fitted.readout, model.depth, of_text) for of_text in job.states
        ]
        return replace(result, states=states)

    async def call(self, function: Callable[[], T], *, n_tokens: int) -> T:
        """``function()`` in a thread that computes, in the queue's order. Raises RequestError."""
        self._check_open()
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        deadline = time.monotonic() + self.settings.request_seconds
        self.batcher.submit(Call(function, future, deadline, n_tokens))
        return await self._in_time(future, deadline)

    async def _run(
        self,
        served: ServedModel,
        readouts: tuple[ServedReadout, ...],
        inputs: Sequence[Input],
        reading: Reading,
        layers: tuple[int, ...],
    ) -> tuple[Embeddings, Job]:
        started = time.monotonic()
        self._check_open()
        characters = sum(map(len, inputs))
        self.batcher.check_room(characters)
        deadline = started + self.settings.request_seconds
        tokens = await self.tokenization.run(served, readouts[0], inputs, reading)
        if layers and tokens.n_tokens > MAX_TOKEN_STATES:
            raise TooManyInputsError(
                f"{tokens.n_tokens:,} tokens in one request for vectors of tokens; at most "
                f"{MAX_TOKEN_STATES:,}: divide it",
                param="input",
            )
        future: asyncio.Future[Job] = asyncio.get_running_loop().create_future()
        job = Job(served, readouts, tokens.texts, future, deadline, layers, characters)
        self.batcher.submit(job)
        await self._in_time(future, deadline)
        if job.nonfinite:
            self.metrics.nonfinite(len(job.nonfinite))
            place = reading.place.format(job.nonfinite[0])
            raise ComputationError(f"{place}: {readouts[0]} gives a vector that is not finite")
        times = Times(
            tokens.seconds,
            job.started - job.arrived,
            job.finished - job.started,
            time.monotonic() - started,
        )
        self.metrics.took("tokenize", times.tokenization)
        self.metrics.took("queue", times.queue)
        self.metrics.took("inference", times.inference)
        self.metrics.read(tokens.n_tokens, tokens.n_truncated)
        vectors = job.vectors[readouts[0]]
        return Embeddings(served, readouts[0], vectors, tokens, times, passes=job.passes), job

    def _check_open(self) -> None:
        if self.draining:
            raise UnavailableError("the server stops", retry_after=5)

    async def _in_time(self, future: asyncio.Future[T], deadline: float) -> T:
        """Its result. Raises DeadlineError, even where the threads that compute no longer move."""

        def end() -> None:
            if not future.done():
                future.set_exception(self._late())

        seconds = max(deadline - time.monotonic(), 0)
        timer = asyncio.get_running_loop().call_later(seconds, end)
        try:
            return await future
        finally:
            timer.cancel()

    def _late(self) -> DeadlineError:
        self.metrics.rejected("deadline")
        return DeadlineError.after(self.settings.request_seconds)
