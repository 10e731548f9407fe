"""Limits on the memory and time of an untrusted tokenizer."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from poolwise.encoders.tokenizer.regexes import is_linear
from poolwise.encoders.tokenizer.spec import Spec

T = TypeVar("T")

MAX_NORMALISED = 6 << 20
"""Bytes of a normalised text that are tokenized in one piece, at most."""

CHARACTERS = 1 << 18
"""Characters of texts in one call to the library, for tokenizers of ordinary growth."""

ORDINARY_GROWTH = 64.0
"""The growth that normal forms and charsmaps of ordinary encoders reach, for a few characters."""

SECONDS = 4.0
"""For the texts of one call, of a tokenizer that may be slow; ordinary ones take 0.1 s."""

_POLL_SECONDS = 0.1

_LONG_WORD = 200
_LONG_PIECE = 256


@dataclass(frozen=True, slots=True)
class Limits:
    """``slow`` tells that a tokenizer's time may grow faster than a text; ``growth`` is the most
    that it can lengthen one, as a multiple of its bytes."""

    slow: bool
    growth: float

    @property
    def characters(self) -> int:
        """Characters of the texts in one call, at most."""
        share = min(1.0, ORDINARY_GROWTH / self.growth) / (4 if self.slow else 1)
        return max(1, int(CHARACTERS * share))


def may_be_slow(spec: Spec) -> bool:
    """Whether a tokenizer's time may grow faster than the text.

    Regular expressions that are not known to be linear may cause that, and words or pieces of a
    vocabulary that are much longer than those of ordinary encoders.
    """
    model = spec["model"]
    vocab = model["vocab"] if model["type"] == "Unigram" else ()
    return (
        not all(map(is_linear, _regexes([spec["normalizer"], spec["pre_tokenizer"]])))
        or model.get("max_input_chars_per_word", 100) > _LONG_WORD
        or any(len(piece[0]) > _LONG_PIECE for piece in vocab)
    )


def _regexes(node: Any) -> list[Any]:
    if isinstance(node, dict):
        own = [node["Regex"]] if "Regex" in node else []
        return own + [regex for child in node.values() for regex in _regexes(child)]
    return [regex for child in node for regex in _regexes(child)] if isinstance(node, list) else []


class TooSlowError(Exception):
    """Tokenization exceeded its time limit."""


def run_within(seconds: float, work: Callable[[], T]) -> T:
    """The result of ``work()``, or its exception.

    Raises TooSlowError after ``seconds`` of both wall-clock and processor time: a busy machine
    alone does not count. ``work`` runs in a thread, so that Ctrl-C interrupts at once. A thread
    beyond its time runs to its end, and delays neither the caller nor the end of the program.
    """
    results: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as error:  # a panic is no Exception
            errors.append(error)

    thread = threading.Thread(target=run, name="tokenizer", daemon=True)
    clocks = time.monotonic, time.process_time
    ends = [clock() + seconds for clock in clocks]
    thread.start()
    thread.join(_POLL_SECONDS)
    while thread.is_alive() and any(clock() < end for clock, end in zip(clocks, ends, strict=True)):
        thread.join(_POLL_SECONDS)
    if errors:
        raise errors[0]
    if not results:
        raise TooSlowError
    return results[0]
