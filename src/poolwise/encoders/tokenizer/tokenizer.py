"""Texts to token ids, with the tokenizers library, in parallel."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from itertools import pairwise
from typing import TypeVar

import numpy as np
import tokenizers

from poolwise.encoders.tokenizer.decoding import decoder_of
from poolwise.encoders.tokenizer.frame import Frame, Trimming
from poolwise.encoders.tokenizer.library_errors import library_errors_as
from poolwise.encoders.tokenizer.limits import (
    MAX_NORMALISED,
    SECONDS,
    Limits,
    TooSlowError,
    run_within,
)
from poolwise.encoders.tokenizer.settings import Side
from poolwise.encoders.tokenizer.split_points import PIECE, is_splittable, split_points
from poolwise.errors import EncoderError, RowError, TextError
from poolwise.records import Ints

T = TypeVar("T")

_CHUNK = 1024
"""Texts that the library tokenizes in one call, at most."""


@dataclass(frozen=True, eq=False)
class Tokenizer:
    """Texts to token ids.

    ``backend`` is the library's tokenizer, without special tokens, padding and truncation; ``spec``
    is the checked tokenizer.json that it was made from. ``frame`` holds the ids before and after
    every text, ``special`` all special tokens, ``declared_special_ids`` the ids of those that the
    folder's settings name ([SEP] as ``sep_token``). ``vocab_size`` bounds the ids. ``limits`` bound
    the memory and time for a text. ``truncation_side`` is the side on which long texts lose tokens.
    ``trimming`` leaves out the spaces around a token from its place in the text, where the folder's
    tokenizer does. ``notes`` are assumptions for the user to know.
    """

    backend: tokenizers.Tokenizer
    frame: Frame
    special: Mapping[str, int]
    vocab_size: int
    spec: str = field(repr=False)
    limits: Limits
    declared_special_ids: frozenset[int] = frozenset()
    unk_token_id: int | None = None
    truncation_side: Side = "right"
    trimming: Trimming | None = None
    notes: tuple[str, ...] = ()

    def encode(
        self, texts: Sequence[str], *, escape_special: bool = False, max_ids: int | None = None
    ) -> list[Ints]:
        """The ids of each text, int32 [t], without the frame.

        ``escape_special`` reads a special token typed in a text as plain text. With ``max_ids``,
        that many ids of a long text are right, counted from the side that truncation keeps; others
        may be wrong or missing. Raises TextError, naming the text's index, for what is no string or
        holds lone surrogates, and for texts beyond this tokenizer's limits.
        """
        for index, text in enumerate(texts):
            _check_text(text, index)
        backend = self._escaping_backend if escape_special else self.backend
        return [
            ids
            for start, end in self._groups(texts)
            for ids in (
                [self._encode_long(backend, texts[start], start, max_ids)]
                if len(texts[start]) > PIECE
                else self._encode(backend, texts[start:end], start)
            )
        ]

    def token(self, number: int) -> str:
        """The token with this id, as the vocabulary writes it (``##ing``)."""
        token = self.backend.id_to_token(int(number))
        if token is None:
            raise EncoderError(f"the vocabulary has no token {number}")
        return str(token)

    def spans(self, text: str) -> list[tuple[int, int, int]]:
        """Id, start and end of each token of a text, without the frame; places are characters.

        Raises TextError as ``encode`` does.
        """
        _check_text(text, 0)
        self._check_size([text], 0)
        encoding = self._within_time(lambda: self._encoding(text), 0, 1)
        return [
            (number, *offsets)
            for number, offsets in zip(encoding.ids, encoding.offsets, strict=True)
        ]

    def decode(self, ids: Sequence[int], *, skip_special_tokens: bool = False) -> str:
        """The text of ids, each from 0 to ``vocab_size`` - 1; ids without a token have no text."""
        left_out = {*self.special.values()} if skip_special_tokens else ()
        tokens = (self.backend.id_to_token(number) for number in ids if number not in left_out)
        text: str = self._decoder.decode([token for token in tokens if token is not None])
        return text

    @cached_property
    def _decoder(self) -> tokenizers.decoders.Decoder:
        return decoder_of(json.loads(self.spec))

    def _encoding(self, text: str) -> tokenizers.Encoding:
        with library_errors_as(partial(RowError, 0), "the tokenizer fails on it"):
            encoding = self.backend.encode(text, add_special_tokens=False)
            if self.trimming is None:
                return encoding
            return self.trimming.processor().process(encoding, add_special_tokens=False)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over everything that determines the ids of a text, the frame included."""
        from hashlib import sha256  # noqa: PLC0415 - sorting and hashing can wait for an output

        canonical = json.dumps(json.loads(self.spec), sort_keys=True)
        side = "" if self.truncation_side == "right" else f" {self.truncation_side}"
        text = f"{canonical} {self.frame.before} {self.frame.after}{side}"
        return sha256(text.encode()).hexdigest()

    @cached_property
    def _escaping_backend(self) -> tokenizers.Tokenizer:
        message = "the tokenizer cannot be copied to escape special tokens"
        with library_errors_as(EncoderError, message):
            backend = tokenizers.Tokenizer.from_str(self.backend.to_str())
        backend.encode_special_tokens = True
        return backend

    @cached_property
    def _is_splittable(self) -> bool:
        return is_splittable(json.loads(self.spec))

    def _groups(self, texts: Sequence[str]) -> Iterator[tuple[int, int]]:
        """Start and end of the texts of each call to the library; a long text is alone."""
        start = characters = 0
        for index, text in enumerate(texts):
            characters += len(text)
            full = index - start == _CHUNK or characters > self.limits.characters
            if start < index and (full or len(text) > PIECE or len(texts[start]) > PIECE):
                yield start, index
                start, characters = index, len(text)
        if texts:
            yield start, len(texts)

    def _encode_long(
        self, backend: tokenizers.Tokenizer, text: str, index: int, max_ids: int | None
    ) -> Ints:
        """The ids of a text that is long enough to be split."""
        points = split_points(text) if self._is_splittable else [0, len(text)]
        spans = list(pairwise(points))
        backwards = max_ids is not None and self.truncation_side == "left"
        pieces: list[Ints] = []
        for start, end in reversed(spans) if backwards else spans:
            pieces += self._encode(backend, [text[start:end]], index)
            if max_ids is not None and sum(map(len, pieces)) >= max_ids:
                break
        return np.concatenate(pieces[::-1] if backwards else pieces)

    def _encode(
        self, backend: tokenizers.Tokenizer, texts: Sequence[str], start: int
    ) -> list[Ints]:
        return self._within_time(
            lambda: self._encode_piece(backend, texts, start), start, len(texts)
        )

    def _within_time(self, work: Callable[[], T], start: int, count: int) -> T:
        """``work()``, which reads ``count`` texts from that of index ``start``, within SECONDS."""
        if not self.limits.slow:
            return work()
        try:
            return run_within(SECONDS, work)
        except TooSlowError:
            others = f" and the {count - 1} texts after it" if count > 1 else ""
            raise RowError(
                start,
                f"this model's tokenizer takes more than {SECONDS:.0f} s for it{others}, as its "
                "regular expressions or vocabulary can make it; leave the text out, or take "
                "another model",
            ) from None

    def _encode_piece(
        self, backend: tokenizers.Tokenizer, texts: Sequence[str], start: int
    ) -> list[Ints]:
        self._check_size(texts, start)
        return self._encode_batch(backend, texts, start)

    def _check_size(self, texts: Sequence[str], start: int) -> None:
        """Raise RowError for a text that is too long to be tokenized in one piece."""
        growth = self.limits.growth
        for index, text in enumerate(texts, start):
            if 4 * len(text) * growth <= MAX_NORMALISED:
                continue
            size, step = 0, max(1, int(MAX_NORMALISED / growth / 4))
            for i in range(0, len(text), step):
                size += self._normalised_bytes(text[i : i + step], index)
                if size > MAX_NORMALISED:
                    raise RowError(
                        index,
                        f"{len(text):,} characters, which this model's tokenizer cannot read piece "
                        f"by piece, and makes more than {MAX_NORMALISED:,} bytes; divide the text",
                    )

    def _normalised_bytes(self, text: str, index: int) -> int:
        normalizer = self.backend.normalizer
        with library_errors_as(partial(RowError, index), "the tokenizer fails on it"):
            normalised = text if normalizer is None else normalizer.normalize_str(text)
        return len(normalised) if normalised.isascii() else len(normalised.encode())

    def _encode_batch(
        self, backend: tokenizers.Tokenizer, texts: Sequence[str], start: int
    ) -> list[Ints]:
        try:
            with library_errors_as(partial(RowError, start), "the tokenizer fails on it"):
                if len(texts) == 1:  # a batch, even of one, waits for the library's threads to wake
                    encodings = [backend.encode(texts[0], add_special_tokens=False)]
                else:
                    encodings = backend.encode_batch_fast(list(texts), add_special_tokens=False)
        except TextError:
            if len(texts) == 1:
                raise
            return [
                ids
                for i, text in enumerate(texts, start)
                for ids in self._encode_batch(backend, [text], i)
            ]
        ids = [encoding.ids for encoding in encodings]
        highest = max((max(row, default=0) for row in ids), default=0)
        if highest >= self.vocab_size:
            raise EncoderError(
                f"the tokenizer made the id {highest}, but there are {self.vocab_size} embeddings"
            )
        return [np.array(row, np.int32) for row in ids]


def _check_text(text: object, index: int) -> None:
    if not isinstance(text, str):
        raise RowError(index, f"expected a string, found {type(text).__name__}")
    if text.isascii():
        return
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise RowError(
            index,
            f"character {error.start} is half of a surrogate pair, not a character; "
            "decode the text with errors='replace'",
        ) from error
