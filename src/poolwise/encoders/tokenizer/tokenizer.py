"""A thin wrapper of the tokenizers library: texts to ids, in parallel."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property, partial
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import tokenizers

from poolwise.encoders.tokenizer.build import Build
from poolwise.encoders.tokenizer.checks import checked, growth_of
from poolwise.encoders.tokenizer.frame import Frame, read_frame
from poolwise.encoders.tokenizer.limits import (
    MAX_NORMALISED,
    SECONDS,
    Limits,
    TooSlowError,
    may_be_slow,
    within,
)
from poolwise.encoders.tokenizer.settings import Settings, Side, stored_side
from poolwise.encoders.tokenizer.spec import Spec, read_spec
from poolwise.encoders.tokenizer.split_points import PIECE, can_be_cut, cuts
from poolwise.encoders.untrusted_files import describe
from poolwise.errors import EncoderError, PoolwiseError, RowError, TextError, UnsafeModelError
from poolwise.records import Ints

_CHUNK = 1024


@dataclass(frozen=True, eq=False)
class Tokenizer:
    """Texts to ids. ``frame`` holds the ids around every text, ``special`` all special tokens,
    ``named`` the ids of those that transformers knows by name ([SEP] as the ``sep_token``).

    ``rust`` adds no special tokens, pads nothing and cuts nothing; it was made from ``spec``, the
    checked contents of a tokenizer.json. ``limits`` bound what a text may take. ``vocab_size``
    bounds the ids, ``unknown`` is that of the unknown token. ``truncation_side`` is where long
    texts lose tokens. ``notes`` say what was assumed.
    """

    rust: tokenizers.Tokenizer
    frame: Frame
    special: Mapping[str, int]
    vocab_size: int
    spec: str = field(repr=False)
    limits: Limits
    named: frozenset[int] = frozenset()
    unknown: int | None = None
    truncation_side: Side = "right"
    notes: tuple[str, ...] = ()

    def encode(
        self, texts: Sequence[str], *, escape_special: bool = False, most: int | None = None
    ) -> list[Ints]:
        """The ids of each text, int32 [t], without the frame.

        ``escape_special`` reads a special token typed in a text as plain text. With ``most``, a
        text may have more ids than those: the first so many are right, or the last where
        ``truncation_side`` is left. Raises TextError, naming the text's index, for what is no text
        or holds lone surrogates, and for what takes this tokenizer too much memory or time.
        """
        for index, text in enumerate(texts):
            _check_text(text, index)
        rust = self._literal if escape_special else self.rust
        return [
            ids
            for start, end in self._groups(texts)
            for ids in (
                [self._long(rust, texts[start], start, most)]
                if len(texts[start]) > PIECE
                else self._encode(rust, texts[start:end], start)
            )
        ]

    def token(self, number: int) -> str:
        """The token with this id, as the vocabulary writes it (``##ing``)."""
        found = self.rust.id_to_token(int(number))
        if found is None:
            raise EncoderError(f"the vocabulary has no token {number}")
        return str(found)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over all that makes ids of a text, the frame included."""
        from hashlib import sha256  # noqa: PLC0415 - sorting and hashing can wait for an output

        canonical = json.dumps(json.loads(self.spec), sort_keys=True)
        side = "" if self.truncation_side == "right" else f" {self.truncation_side}"
        told = f"{canonical} {self.frame.before} {self.frame.after}{side}"
        return sha256(told.encode()).hexdigest()

    @cached_property
    def _literal(self) -> tokenizers.Tokenizer:
        with _rust_errors(EncoderError, "the tokenizer cannot be copied to escape special tokens"):
            made = tokenizers.Tokenizer.from_str(self.rust.to_str())
        made.encode_special_tokens = True
        return made

    @cached_property
    def _cuts(self) -> bool:
        return can_be_cut(json.loads(self.spec))

    def _groups(self, texts: Sequence[str]) -> Iterator[tuple[int, int]]:
        """Texts that are tokenised at a time, from and to; a long one is alone."""
        start = characters = 0
        for index, text in enumerate(texts):
            characters += len(text)
            full = index - start == _CHUNK or characters > self.limits.characters
            if start < index and (full or len(text) > PIECE or len(texts[start]) > PIECE):
                yield start, index
                start, characters = index, len(text)
        if texts:
            yield start, len(texts)

    def _long(self, rust: tokenizers.Tokenizer, text: str, index: int, most: int | None) -> Ints:
        """The ids of a text that is long enough to be cut."""
        places = list(pairwise(cuts(text) if self._cuts else [0, len(text)]))
        backwards = most is not None and self.truncation_side == "left"
        found: list[Ints] = []
        for start, end in reversed(places) if backwards else places:
            found += self._encode(rust, [text[start:end]], index)
            if most is not None and sum(map(len, found)) >= most:
                break
        return np.concatenate(found[::-1] if backwards else found)

    def _encode(self, rust: tokenizers.Tokenizer, texts: Sequence[str], start: int) -> list[Ints]:
        def ids() -> list[Ints]:
            self._check_size(texts, start)
            return self._raw(rust, texts, start)

        if not self.limits.slow:
            return ids()
        try:
            return within(SECONDS, ids)
        except TooSlowError:
            others = f" and the {len(texts) - 1} texts after it" if len(texts) > 1 else ""
            raise RowError(
                start,
                f"this model's tokenizer takes more than {SECONDS:.0f} s for it{others}, as its "
                "regular expressions or vocabulary can make it; leave the text out, or take "
                "another model",
            ) from None

    def _check_size(self, texts: Sequence[str], start: int) -> None:
        """Raise RowError at a text that is too long to be tokenised in one piece."""
        growth = self.limits.growth
        for index, text in enumerate(texts, start):
            if 4 * len(text) * growth <= MAX_NORMALISED:
                continue
            size, step = 0, max(1, int(MAX_NORMALISED / growth / 4))
            for at in range(0, len(text), step):
                size += self._normalised(text[at : at + step], index)
                if size > MAX_NORMALISED:
                    raise RowError(
                        index,
                        f"{len(text):,} characters, which this model's tokenizer cannot read piece "
                        f"by piece, and makes more than {MAX_NORMALISED:,} bytes; divide the text",
                    )

    def _normalised(self, text: str, index: int) -> int:
        """Its bytes, normalised."""
        normalizer = self.rust.normalizer
        with _rust_errors(partial(RowError, index), "the tokenizer fails on it"):
            made = text if normalizer is None else normalizer.normalize_str(text)
        return len(made) if made.isascii() else len(made.encode())

    def _raw(self, rust: tokenizers.Tokenizer, texts: Sequence[str], start: int) -> list[Ints]:
        try:
            with _rust_errors(partial(RowError, start), "the tokenizer fails on it"):
                found = rust.encode_batch_fast(list(texts), add_special_tokens=False)
        except TextError:
            if len(texts) == 1:
                raise
            return [
                ids for i, text in enumerate(texts) for ids in self._raw(rust, [text], start + i)
            ]
        ids = [np.array(encoding.ids, np.uint32) for encoding in found]
        highest = max((int(row.max(initial=0)) for row in ids), default=0)
        if highest >= self.vocab_size:
            raise EncoderError(
                f"the tokenizer made the id {highest}, but there are {self.vocab_size} embeddings"
            )
        return [row.astype(np.int32) for row in ids]


def read_tokenizer(
    folder: Path, settings: Settings, vocab_size: int, *, lower_case: bool = False
) -> Tokenizer:
    """The tokenizer of a folder, whose ids must be below ``vocab_size``.

    ``lower_case`` lowers every text first, as sentence-transformers' ``do_lower_case`` does.
    """
    where = f"{folder}: the tokenizer"
    found = read_spec(folder, settings)
    # What tokenizer.json says is checked whether its class reads it or not.
    post_processor = found.get("post_processor")
    known = {**checked(found, where), "post_processor": post_processor}
    build = Build(known, settings, vocab_size, where)
    made = build.spec()
    frame = read_frame(made.get("post_processor"), where)
    spec = checked(made, where)
    if lower_case:
        spec["normalizer"] = _lowered(spec["normalizer"])
    text = _written(spec, where)
    with _rust_errors(EncoderError, f"{where}: not accepted by the tokenizers library"):
        rust = tokenizers.Tokenizer.from_str(text)
    _check_ids(rust, spec, frame, vocab_size, where)
    return Tokenizer(
        rust=rust,
        frame=frame,
        special=MappingProxyType(build.special),
        vocab_size=vocab_size,
        spec=text,
        limits=Limits(may_be_slow(spec), growth_of(spec, where)),
        named=build.named,
        unknown=_unknown(rust, spec["model"], where),
        truncation_side=settings.truncation_side or stored_side(found, where),
        notes=(*build.notes, *settings.notes),
    )


def _lowered(normalizer: Any) -> Spec:
    """``normalizer`` after a step that lowers, unless it has that step already."""
    steps = normalizer.get("normalizers") if isinstance(normalizer, dict) else None
    listed = steps if isinstance(steps, list) else [normalizer] if normalizer else []
    if {"type": "Lowercase"} not in listed:
        listed = [{"type": "Lowercase"}, *listed]
    return {"type": "Sequence", "normalizers": listed}


def _unknown(rust: tokenizers.Tokenizer, model: Spec, where: str) -> int | None:
    """The id of the token that stands for what the vocabulary lacks."""
    if model["type"] == "Unigram":
        found = model.get("unk_id")
        return found if type(found) is int else None
    token = model.get("unk_token")
    if not isinstance(token, str):
        return None
    if model["type"] != "BPE" and token not in model["vocab"]:
        raise EncoderError(
            f"{where}: unk_token {describe(token)} is not in the vocabulary, so that no text with "
            "an unknown word can be read"
        )
    found = rust.token_to_id(token)
    return None if found is None else int(found)


def _written(spec: Spec, where: str) -> str:
    try:
        return json.dumps(spec)
    except RecursionError as error:
        raise UnsafeModelError(f"{where}: nested too deeply") from error


def _check_ids(
    rust: tokenizers.Tokenizer, spec: Spec, frame: Frame, vocab_size: int, where: str
) -> None:
    for token in spec["added_tokens"]:
        if rust.token_to_id(token["content"]) != token.get("id"):
            raise EncoderError(
                f"{where}: the added token {describe(token['content'])} says that its id is "
                f"{describe(token.get('id'))}, but it is {rust.token_to_id(token['content'])}"
            )
    vocab = spec["model"]["vocab"]
    last = max(vocab.values(), default=0) if isinstance(vocab, dict) else len(vocab) - 1
    added = (token["id"] for token in spec["added_tokens"])
    highest = max((last, *added, *frame.before, *frame.after))
    if highest >= vocab_size:
        raise EncoderError(
            f"{where}: has ids up to {highest}, but the word embeddings have only {vocab_size} rows"
        )


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


@contextmanager
def _rust_errors(kind: Callable[[str], PoolwiseError], message: str) -> Iterator[None]:
    """Turn what the Rust library raises into ``kind``; its panics are no ``Exception``."""
    try:
        yield
    except BaseException as error:
        if isinstance(error, Exception) or type(error).__name__ == "PanicException":
            raise kind(f"{message}: {str(error)[:300]}") from error
        raise
