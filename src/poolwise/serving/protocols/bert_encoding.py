"""bert-as-service's texts, tokens and pairs to vectors, through the service."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from poolwise.encoders.variants.token_types import n_token_types, with_second_type
from poolwise.errors import RowError
from poolwise.records import Floats
from poolwise.serving.catalogue import ServedModel
from poolwise.serving.errors import (
    EmptyInputError,
    InvalidRequestError,
    NotSupportedError,
    OverloadedError,
    TokenizationError,
    TooManyInputsError,
)
from poolwise.serving.inputs import Input, Reading
from poolwise.serving.protocols.bert_pairs import Text, cut, pair_frame, split
from poolwise.serving.protocols.bert_settings import BertSettings
from poolwise.serving.service import MAX_TOKEN_STATES, Embeddings, Service

MAX_REPLY = 1 << 29
"""Bytes of a reply's vectors."""

AHEAD = 2
"""Pieces of one request that are in the queue at a time: one runs while the next waits."""

PIECES = 8
"""Pieces of long requests that are in the queue at a time, whosever they are."""

Texts = Sequence[str] | Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Encoded:
    """``vectors`` [n, width], or [n, t, width] of the strategy NONE; ``tokens`` of each text."""

    vectors: NDArray[Any]
    tokens: list[list[str]]


def texts_of(message: bytes) -> Texts:
    """The texts of an encode message. Raises InvalidRequestError."""
    try:
        value = orjson.loads(message)
    except orjson.JSONDecodeError as error:
        raise InvalidRequestError(
            f"the message is no JSON: {error.msg} at byte {error.pos}; expected a list of texts, "
            "or SHOW_CONFIG or SHOW_STATUS"
        ) from error
    return check_texts(value)


def check_texts(value: Any) -> Texts:
    """``value`` as texts, or as texts that are lists of tokens. Raises InvalidRequestError."""
    if not isinstance(value, list) or not value:
        raise InvalidRequestError("expected a list of texts, or of lists of tokens, at least one")
    kind = list if isinstance(value[0], list) else str
    for index, text in enumerate(value):
        is_text = type(text) is kind and (kind is str or all(type(t) is str for t in text))
        if not is_text:
            wanted = "a text" if kind is str else "a list of tokens, as the first is"
            raise InvalidRequestError(f"texts[{index}] is not {wanted}", param="texts")
        if not text:
            raise EmptyInputError(f"texts[{index}] is empty: expected a text", param="texts")
    return value


class BertEncoding:
    """What the flags mean for one of the models that are served. Raises OptionError where the
    model cannot do what they say."""

    def __init__(self, service: Service, settings: BertSettings) -> None:
        self.service, self.settings = service, settings
        self.served = settings.served(service.catalogue)
        self.readout = settings.readout(self.served)
        self.max_length = settings.max_length(self.served)
        settings.check_casing(self.served)
        room = min(service.settings.queue_tokens // 4, MAX_TOKEN_STATES) // self.max_length
        self._piece = max(1, min(settings.max_batch_size, room, service.settings.max_inputs))
        self._turns = asyncio.Semaphore(PIECES)
        self._vocabulary = len(self.served.model.word_embeddings)
        self._pair_frame = pair_frame(self.served.model.tokenizer)
        self._typed: ServedModel | None = None
        self._making = threading.Lock()

    async def encode(self, texts: Texts) -> Encoded:
        """The vectors of a request, computed in pieces that take their turn with others'.

        Raises RequestError.
        """
        self._check_size(len(texts), self._fixed_rows or 1)
        starts = range(0, len(texts), self._piece)
        results: list[Embeddings | None] = [None] * len(starts)
        waiting = iter(enumerate(starts))

        async def work() -> None:
            for number, start in waiting:
                piece = texts[start : start + self._piece]
                if len(texts) <= self.settings.priority_batch_size:
                    results[number] = await self._run(piece, start)
                    continue
                async with self._turns:
                    results[number] = await self._run(piece, start)

        if len(starts) == 1:
            await work()
        else:
            tasks = [asyncio.ensure_future(work()) for _ in range(AHEAD)]
            try:
                await asyncio.gather(*tasks)
            finally:
                for task in tasks:
                    task.cancel()
        whole = [result for result in results if result is not None]
        return Encoded(self._vectors(whole), self._tokens(whole))

    async def _run(self, texts: Texts, start: int) -> Embeddings:
        """One piece; where the queue is full it waits, as the original's did."""
        served, inputs, reading = await self.service.tokenization.call(
            lambda: self._inputs(texts, start), sum(map(len, texts)), self.served.model
        )
        wait_until = asyncio.get_running_loop().time() + self.service.settings.request_seconds
        states = self.settings.pooling_strategy == "NONE"
        compute = self.service.token_states if states else self.service.embed
        while True:
            try:
                return await compute(served, self.readout, inputs, reading)
            except OverloadedError as error:
                if asyncio.get_running_loop().time() > wait_until:
                    raise
                await asyncio.sleep(min(error.retry_after or 0.1, 0.5))

    def _inputs(self, texts: Texts, start: int) -> tuple[ServedModel, Sequence[Input], Reading]:
        """The texts as the service takes them: as they are, or as ids where they are pairs or the
        caller has tokenized them; and the model that reads them."""
        place = f"texts[{start} + {{}}]" if start else "texts[{}]"
        tokenized = not isinstance(texts[0], str)
        without = tokenized and self.settings.no_special_token
        reading = Reading(truncate=True, max_length=self.max_length, place=place)
        pairs = [split(text) for text in texts]
        served = self.served if not any(pairs) else self._pair_model()
        if not tokenized and not any(pairs):
            return served, [*map(str, texts)], reading
        reading = replace(reading, special_tokens=not without)
        inputs: list[Input] = []
        for index, (text, pair) in enumerate(zip(texts, pairs, strict=True)):
            if pair is None and isinstance(text, str):
                inputs.append(text)
            elif pair is None:
                inputs.append(self._framed(self._ids(text, place.format(index)), without))
            else:
                inputs.append(self._joined(pair, place.format(index)))
        return served, inputs, reading

    def _pair_model(self) -> ServedModel:
        """What reads pairs: the model, with every token a second time where it has token types.

        Raises NotSupportedError.
        """
        if self._pair_frame is None:
            raise NotSupportedError(f"the tokenizer of {self.served.name} does not join two texts")
        if self.settings.mask_cls_sep:
            raise NotSupportedError("pairs (a ||| b) have no vectors with mask_cls_sep here")
        with self._making:
            if self._typed is None:
                model = self.served.model
                has_types = self._pair_frame.second_type and n_token_types(model) > 1
                self._typed = self.served
                if has_types:
                    self._typed = replace(self.served, model=with_second_type(model))
            return self._typed

    def _joined(self, pair: tuple[Text, Text], place: str) -> list[int]:
        """The ids of two texts with special tokens, those of the second with its type."""
        assert self._pair_frame is not None
        before, between, after, _ = self._pair_frame
        room = self.max_length - len(before) - len(between) - len(after)
        first, second = cut(self._ids(pair[0], place), self._ids(pair[1], place), room)
        shift = self._vocabulary if self._typed is not self.served else 0
        return [*before, *first, *between, *(i + shift for i in (*second, *after))]

    def _framed(self, ids: list[int], without: bool) -> list[int]:
        """A text's ids, cut, with special tokens unless ``without``."""
        tokenizer = self.served.model.tokenizer
        before, after = ((), ()) if without else tokenizer.frame
        room = self.max_length - len(before) - len(after)
        ids = ids[-room:] if tokenizer.truncation_side == "left" else ids[:room]
        return [*before, *ids, *after]

    def _ids(self, text: Text, place: str) -> list[int]:
        """The ids of a text, or of its tokens; unknown tokens are [UNK]."""
        model = self.served.model
        tokenizer = model.tokenizer
        if model.prefix:
            raise NotSupportedError(
                f"{place} is a pair or a list of tokens, and {self.served.name} reads every text "
                f"after the prompt {model.prefix!r:.60}: send texts"
            )
        if isinstance(text, str):
            try:
                (found,) = tokenizer.encode([text], max_ids=self.max_length)
            except RowError as error:
                raise TokenizationError(f"{place}: {error.reason}", param="texts") from error
            return list(map(int, found))
        ids: list[int] = []
        for token in text:
            number = tokenizer.backend.token_to_id(token)
            number = tokenizer.unk_token_id if number is None else number
            if number is None:
                raise InvalidRequestError(
                    f"{place}: {token!r:.60} is no token of {self.served.name}, which has none for "
                    "unknown ones"
                )
            ids.append(number)
        return ids

    @property
    def _fixed_rows(self) -> int | None:
        """Rows of a text with the strategy NONE; None where the longest text says it."""
        settings = self.settings
        if settings.pooling_strategy != "NONE":
            return None
        if settings.max_seq_len is not None:
            return self.max_length
        if settings.fixed_embed_length:
            return int(self.served.model.config["max_position_embeddings"])
        return None

    def _check_size(self, n: int, rows: int) -> None:
        size = 4 * n * rows * self.readout.width
        if size > MAX_REPLY:
            raise TooManyInputsError(
                f"the vectors of {n:,} texts have {size:,} bytes, more than the {MAX_REPLY:,} of "
                "one reply: send fewer at a time",
                param="texts",
            )

    def _vectors(self, results: Sequence[Embeddings]) -> NDArray[Any]:
        if self.settings.pooling_strategy != "NONE":
            arrays = [result.vectors for result in results]
            return np.ascontiguousarray(np.concatenate(arrays) if len(arrays) > 1 else arrays[0])
        states = [self._masked(r, i) for r in results for i in range(len(r.states))]
        rows = self._fixed_rows or max(len(state) for state in states)
        self._check_size(len(states), rows)
        padded = np.zeros((len(states), rows, states[0].shape[1]), np.float32)
        for index, state in enumerate(states):
            padded[index, : len(state)] = state
        return padded

    def _masked(self, result: Embeddings, index: int) -> Floats:
        """A text's tokens [t, width]; special ones are zero with -mask_cls_sep."""
        states = result.states[index]
        if not self.settings.mask_cls_sep:
            return states
        special = result.tokens.texts[index].windows[0].special
        return np.where(special[:, None], np.float32(0), states)

    def _tokens(self, results: Sequence[Embeddings]) -> list[list[str]]:
        if not self.settings.show_tokens_to_client:
            return []
        token = self.served.model.tokenizer.token
        return [
            [token(i % self._vocabulary) for i in text.windows[0].ids.tolist()]
            for result in results
            for text in result.tokens.texts
        ]
