"""The model's vectors of texts that are read in any of several ways."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
import tokenizers
from numpy.typing import NDArray

from poolwise.doctor.reading import Reading
from poolwise.encoders import Encoder
from poolwise.encoders.tokenizer.frame import Frame
from poolwise.encoders.tokenizer.tokenizer import Tokenizer
from poolwise.encoders.windows import fit_to_length
from poolwise.engines import Plan, plan
from poolwise.extraction import run_plan
from poolwise.model import Model
from poolwise.readouts import Readout, parse
from poolwise.records import LongTexts, TokenizedText

Doubles = NDArray[np.float64]


class Reader:
    """Reads texts with the encoder of ``model``, whatever prompt and length it was loaded with."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self._encoder = model.prompted("").unlimited()
        self._plans: dict[tuple[str, ...], tuple[list[Readout], Plan]] = {}
        self._last: tuple[tuple[object, ...], list[TokenizedText]] | None = None

    @property
    def positions(self) -> int:
        """Tokens of the longest text that the encoder can read."""
        return self._encoder.max_length

    def tokenize(
        self, reading: Reading, texts: Sequence[str], *, long: LongTexts = "truncate"
    ) -> list[TokenizedText]:
        """The tokens of ``texts``. Raises TextError as ``Encoder.tokenize`` does.

        The last ones are kept: often the same texts are compared as tokens, then read.
        """
        asked = reading, tuple(texts), long
        if self._last is None or self._last[0] != asked:
            self._last = asked, self._tokenize(reading, texts, long)
        return self._last[1]

    def _tokenize(
        self, reading: Reading, texts: Sequence[str], long: LongTexts
    ) -> list[TokenizedText]:
        encoder = self._encoder_of(reading)
        rewritten = [reading.rewrite(text) for text in texts]
        escape = reading.typed_tokens == "as text"
        tokenized = encoder.tokenize(rewritten, long=long, escape_special=escape)
        if not reading.prompt or self.model.prompts.pooled:
            return tokenized
        unread = self.model.prompted(reading.prompt)
        return [
            replace(
                text, windows=tuple(replace(w, unread=unread.unread(len(w))) for w in text.windows)
            )
            for text in tokenized
        ]

    def lengths(self, reading: Reading, texts: Sequence[str]) -> NDArray[np.intp]:
        """The number of tokens of each text before any is cut, special ones included, up to one
        more than the encoder has positions for."""
        whole = reading.changed(max_length=None)
        tokenized = self.tokenize(whole, texts)
        return np.array([text.n_tokens + text.truncated for text in tokenized], np.intp)

    def pieces(self, reading: Reading, text: str) -> list[TokenizedText]:
        """Consecutive pieces of the text, each as long as the reading allows, as texts."""
        encoder = self._encoder_of(reading)
        (ids,) = encoder.tokenizer.encode([reading.rewrite(text)])
        before, after = encoder.tokenizer.frame
        room = encoder.max_length - len(before) - len(after)
        return [
            fit_to_length(
                ids[start : start + room], encoder.tokenizer, encoder.max_length, "error", 0
            )
            for start in range(0, max(len(ids), 1), room)
        ]

    def vectors(
        self,
        reading: Reading,
        texts: Sequence[str],
        specs: Sequence[str],
        *,
        long: LongTexts = "truncate",
    ) -> dict[str, Doubles]:
        """Readouts without steps, by their ``specs``: float64 [n, d] each.

        A text of which no token is left, or that lacks what is pooled, has a row of NaN.
        """
        return self.vectors_of(self.tokenize(reading, texts, long=long), specs)

    def vectors_of(
        self, tokenized: Sequence[TokenizedText], specs: Sequence[str]
    ) -> dict[str, Doubles]:
        """As ``vectors``, of texts that are tokenized."""
        specs = tuple(dict.fromkeys(specs))  # one may stand beside itself
        readouts, steps = self._planned(specs)
        filled = [row for row, text in enumerate(tokenized) if len(text.windows[0])]
        values: dict[str, Doubles] = {
            spec: np.full((len(tokenized), self.model.width_of(readout)), np.nan)
            for spec, readout in zip(specs, readouts, strict=True)
        }
        if filled:
            outputs = run_plan(self.model.engine, steps, [tokenized[row] for row in filled])
            for spec, vectors in zip(specs, steps.assemble(outputs.vectors).values(), strict=True):
                values[spec][filled] = vectors
        return values

    def _planned(self, specs: tuple[str, ...]) -> tuple[list[Readout], Plan]:
        if specs not in self._plans:
            readouts = [parse(spec) for spec in specs]
            model = self.model
            steps = plan(readouts, depth=model.depth, has_pooler=model.has_pooler)
            self._plans[specs] = readouts, steps
        return self._plans[specs]

    def _encoder_of(self, reading: Reading) -> Encoder:
        encoder, tokenizer = self._encoder, self._encoder.tokenizer
        if reading.letter_case == "kept":
            tokenizer = self._case_keeping
        before, after = tokenizer.frame
        if reading.special_tokens == "none":
            before = after = ()
        elif reading.special_tokens == "no closing token":
            after = ()
        tokenizer = replace(tokenizer, frame=Frame(before, after), truncation_side=reading.side)
        length = encoder.max_length if reading.max_length is None else reading.max_length
        return replace(encoder, tokenizer=tokenizer, max_length=length)

    @property
    def lower_cases(self) -> bool:
        """Whether the tokenizer itself makes letters small."""
        return _without_lower_casing(self._spec) != self._spec

    @property
    def _spec(self) -> dict[str, Any]:
        spec: dict[str, Any] = json.loads(self._encoder.tokenizer.spec)
        return spec

    @cached_property
    def _case_keeping(self) -> Tokenizer:
        backend = tokenizers.Tokenizer.from_str(self._encoder.tokenizer.backend.to_str())
        spec = {**json.loads(backend.to_str())}
        backend = tokenizers.Tokenizer.from_str(json.dumps(_without_lower_casing(spec)))
        return replace(self._encoder.tokenizer, backend=backend)


def _without_lower_casing(spec: dict[str, Any]) -> dict[str, Any]:
    """A tokenizer.json whose normalizer keeps capital letters."""
    return {**spec, "normalizer": _keeping_case(spec.get("normalizer"))}


def _keeping_case(normalizer: Any) -> Any:
    match normalizer:
        case {"type": "Lowercase"}:
            return None
        case {"type": "BertNormalizer", "lowercase": True}:
            # Without a setting of its own, stripping accents follows lower-casing.
            strips = normalizer.get("strip_accents")
            return {**normalizer, "lowercase": False, "strip_accents": strips}
        case {"type": "Sequence", "normalizers": list(steps)}:
            kept = [step for step in map(_keeping_case, steps) if step is not None]
            return {**normalizer, "normalizers": kept}
        case _:
            return normalizer
