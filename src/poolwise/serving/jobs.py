"""What waits in the queue: texts of one request, and what is to be read of them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poolwise.records import Floats, TokenizedText
from poolwise.serving.catalogue import ServedModel, ServedReadout
from poolwise.serving.errors import RequestError


@dataclass(eq=False, slots=True)
class Job:
    """Texts of one request, at least one, for the readouts of one model.

    ``layers`` are hidden states that are wanted of every token; ``characters`` those of all texts.
    ``deadline`` and ``arrived`` are times of ``time.monotonic``. ``future`` is done with the job
    itself, or with an exception; a cancelled one means that nobody waits any more. ``admitted``
    are the tokens that count in the queue, ``error`` is what the pass over it has raised. The first
    ``n_done`` of ``texts`` are done: ``vectors`` [n, width] by readout, ``nonfinite`` the rows that
    hold NaN or infinity, ``states`` of each text its ``layers`` [t, hidden size].
    """

    served: ServedModel
    readouts: tuple[ServedReadout, ...]
    texts: Sequence[TokenizedText]
    future: asyncio.Future[Job]
    deadline: float
    layers: tuple[int, ...] = ()
    characters: int = 0
    n_tokens: int = 0
    arrived: float = field(default_factory=time.monotonic)
    started: float = 0.0
    finished: float = 0.0
    n_done: int = 0
    passes: int = 0
    admitted: int = 0
    error: RequestError | None = None
    vectors: dict[ServedReadout, NDArray[Any]] = field(default_factory=dict)
    nonfinite: list[int] = field(default_factory=list)
    states: list[dict[int, Floats]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.n_tokens = sum(text.n_tokens for text in self.texts)

    @property
    def n_left(self) -> int:
        """Tokens of the texts that are not done."""
        return sum(text.n_tokens for text in self.texts[self.n_done :])

    @property
    def ended(self) -> bool:
        """Whether every text has its outputs, one has failed, or nobody waits for them."""
        return self.n_done == len(self.texts) or self.error is not None or self.future.done()

    def add(
        self,
        vectors: dict[ServedReadout, NDArray[Any]],
        finite: Sequence[bool],
        states: Sequence[dict[int, Floats]],
    ) -> None:
        """The outputs of the next texts. Where memory ends they are not counted as done."""
        for readout, rows in vectors.items():
            if len(rows) == len(self.texts):
                self.vectors[readout] = rows
                continue
            if readout not in self.vectors:
                shape = (len(self.texts), *rows.shape[1:])
                self.vectors[readout] = np.empty(shape, rows.dtype)
            self.vectors[readout][self.n_done : self.n_done + len(rows)] = rows
        bad = [self.n_done + i for i, is_finite in enumerate(finite) if not is_finite]
        self.nonfinite = self.nonfinite + bad
        self.states = [*self.states[: self.n_done], *states]
        self.n_done += len(finite)


@dataclass(eq=False, slots=True)
class Call:
    """Work for the model's thread that is no pass of the queue's: ``run`` returns its result."""

    run: Callable[[], Any]
    future: asyncio.Future[Any]
    deadline: float
    n_tokens: int
    characters: int = 0
    admitted: int = 0
    arrived: float = field(default_factory=time.monotonic)

    @property
    def n_left(self) -> int:
        """As a job's."""
        return self.n_tokens


Waiting = Job | Call
