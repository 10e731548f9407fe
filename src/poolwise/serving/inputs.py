"""Inputs of a request to tokens, in the event loop where they are short, else in a thread."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, TypeVar

from poolwise.errors import EncoderError, OptionError, RowError
from poolwise.model import Model
from poolwise.records import TokenizedText
from poolwise.serving.catalogue import ServedModel, ServedReadout
from poolwise.serving.errors import (
    DeadlineError,
    EmptyInputError,
    InvalidRequestError,
    TokenizationError,
    TooLongError,
    TooManyInputsError,
)
from poolwise.serving.metrics import Metrics
from poolwise.serving.settings import Settings
from poolwise.transforms.fitted_readout import prompted

THREADS = 2
"""That tokenize what is longer than ``INLINE``."""

INLINE = 2_000
"""Characters that are tokenized in the event loop: a millisecond, less than a thread's wake."""

CHARACTERS_A_TOKEN = 250
"""Characters, or ids, of one text, at most: so many for each token that the model reads."""

Side = Literal["left", "right"]
Input = str | Sequence[int]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Reading:
    """How a request wants its texts read; every field has the server's own default.

    ``truncate``: cut long texts (True), or refuse them. ``max_length`` counts tokens, special ones
    included; ``side`` is that on which they are cut. ``prompt`` stands in front of every text, or
    the model's of ``prompt_name``. Without ``special_tokens`` none are added to texts.
    With ``decode_ids``, a caller's token ids are decoded and tokenized again, as TEI does: without
    special tokens, which they hold themselves, or where there is a prompt as a text after it.
    ``place`` is how an error names input i (``input[3]``).
    """

    truncate: bool | None = None
    max_length: int | None = None
    side: Side | None = None
    prompt: str | None = None
    prompt_name: str | None = None
    special_tokens: bool = True
    decode_ids: bool = False
    place: str = "input[{}]"
    allow_empty: bool = False


@dataclass(frozen=True, slots=True)
class Tokenized:
    """The tokens of a request's inputs, and the seconds that they took."""

    texts: list[TokenizedText]
    seconds: float

    @property
    def n_tokens(self) -> int:
        return sum(text.n_tokens for text in self.texts)

    @property
    def n_truncated(self) -> int:
        return sum(text.truncated for text in self.texts)


class Tokenization:
    """Texts to tokens for requests."""

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self._settings, self._metrics = settings, metrics
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="tokenize")
        self._encoder = lru_cache(maxsize=256)(_encoder)

    def close(self) -> None:
        """No more texts."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def encoder(self, served: ServedModel, readout: ServedReadout, reading: Reading) -> Model:
        """The model as this request reads it. Raises InvalidRequestError."""
        return self._encoder(
            served,
            readout,
            (reading.prompt, reading.prompt_name),
            (reading.max_length, reading.side),
            reading.special_tokens,
        )

    async def run(
        self,
        served: ServedModel,
        readout: ServedReadout,
        inputs: Sequence[Input],
        reading: Reading,
    ) -> Tokenized:
        """Raises EmptyInputError, TooManyInputsError, TooLongError, InvalidRequestError,
        DeadlineError."""
        started = time.perf_counter()
        encoder = self.encoder(served, readout, reading)
        self._check(inputs, reading)
        truncate = self._settings.auto_truncate if reading.truncate is None else reading.truncate

        def read() -> list[TokenizedText]:
            own = decoded(encoder, inputs, reading.place) if reading.decode_ids else inputs
            return tokens_of(encoder, own, truncate=truncate, place=reading.place)

        texts = await self.call(read, sum(map(len, inputs)), encoder)
        tokenized = Tokenized(texts, time.perf_counter() - started)
        if tokenized.n_tokens > self._settings.max_request_tokens:
            raise TooManyInputsError(
                f"{tokenized.n_tokens:,} tokens in one request; at most "
                f"{self._settings.max_request_tokens:,}: divide it",
                param="input",
            )
        return tokenized

    async def call(self, function: Callable[[], T], characters: int, encoder: Model) -> T:
        """``function()``, which tokenizes so many characters. Raises DeadlineError."""
        if characters <= INLINE and not encoder.tokenizer.limits.slow:
            return function()
        seconds = self._settings.request_seconds
        try:
            async with asyncio.timeout(seconds):
                return await asyncio.get_running_loop().run_in_executor(self._threads, function)
        except TimeoutError as error:
            self._metrics.rejected("deadline")
            raise DeadlineError.after(seconds) from error

    def _check(self, inputs: Sequence[Input], reading: Reading) -> None:
        limit = self._settings.max_inputs
        if not inputs:
            raise EmptyInputError("no input: expected one text or more", param="input")
        if len(inputs) > limit:
            raise TooManyInputsError(
                f"{len(inputs):,} inputs in one request; at most {limit:,}", param="input"
            )
        for index, value in enumerate(inputs):
            if not value and not reading.allow_empty:
                place = reading.place.format(index)
                raise EmptyInputError(f"{place} is empty: expected a text", param=place)


def tokens_of(
    encoder: Model, inputs: Sequence[Input], *, truncate: bool, place: str
) -> list[TokenizedText]:
    """The tokens of texts and of the caller's own ids. An error names the input by ``place``."""
    long: Literal["truncate", "error"] = "truncate" if truncate else "error"
    try:
        if all(isinstance(value, str) for value in inputs):
            texts = encoder.tokenize([*map(str, inputs)], long=long)
        else:
            texts = [
                _tokens_of_one(encoder, value, index, long) for index, value in enumerate(inputs)
            ]
    except RowError as error:
        where = place.format(error.index)
        kind = TooLongError if "tokens, more than" in error.reason else TokenizationError
        raise kind(f"{where}: {error.reason}", param=where) from error
    for index, text in enumerate(texts):
        if not text.n_tokens:
            raise EmptyInputError(f"{place.format(index)} has no tokens", param=place.format(index))
    return texts


def _tokens_of_one(
    encoder: Model, value: Input, index: int, long: Literal["truncate", "error"]
) -> TokenizedText:
    if not isinstance(value, str):
        return encoder.tokens_of_ids([*map(int, value)], index=index, long=long)
    try:
        return encoder.tokenize([value], long=long)[0]
    except RowError as error:
        raise RowError(index, error.reason) from error


def decoded(encoder: Model, inputs: Sequence[Input], place: str) -> list[Input]:
    """``inputs`` with the texts, or the ids, that token ids among them stand for."""
    tokenizer = encoder.tokenizer
    limit = CHARACTERS_A_TOKEN * encoder.max_length
    found: list[Input] = []
    for index, value in enumerate(inputs):
        if isinstance(value, str):
            found.append(value)
            continue
        where = place.format(index)
        if len(value) > limit:
            raise TooLongError(f"{where}: {len(value):,} ids, at most {limit:,}", param=where)
        if not all(0 <= number < tokenizer.vocab_size for number in value):
            known = f"token ids are from 0 to {tokenizer.vocab_size - 1}"
            raise TokenizationError(f"{where}: {known}", param=where)
        text = tokenizer.decode(value, skip_special_tokens=bool(encoder.prefix))
        found.append(text if encoder.prefix else tokenizer.encode([text])[0].tolist())
    return found


def _encoder(
    served: ServedModel,
    readout: ServedReadout,
    prompt: tuple[str | None, str | None],
    limits: tuple[int | None, Side | None],
    special_tokens: bool,
) -> Model:
    """The served model with a request's prompt and lengths; weights and engines are shared."""
    try:
        model = prompted(served.model, [readout.fitted], *prompt)
    except EncoderError as error:
        raise InvalidRequestError(str(error), param="prompt_name") from error
    if not special_tokens:
        model = model.without_special_tokens()
    try:
        return model.limited(*limits)
    except OptionError as error:
        raise InvalidRequestError(str(error), param="truncate_prompt_tokens") from error
