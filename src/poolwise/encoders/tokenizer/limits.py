"""How much a stranger's tokenizer may make of a text, and how long it may take."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from poolwise.encoders.tokenizer.regexes import is_plain
from poolwise.encoders.tokenizer.spec import Spec

T = TypeVar("T")

MAX_NORMALISED = 6 << 20
"""Bytes of a text, normalised, that are tokenised in one piece."""

CHARACTERS = 1 << 18
"""Characters of texts that are tokenised at a time, where none makes them more."""

USUAL_GROWTH = 64.0
"""Normal forms and charsmaps can make a few characters so many times longer."""

SECONDS = 4.0
"""For the texts of a time, of a tokenizer that may be slow: usual ones take a tenth of a second."""

_LOOK = 0.1

_LONG_WORD = 200
_LONG_PIECE = 256


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one tokenizer: whether it may be slow, and how many times longer (in bytes) it can make a
    text."""

    slow: bool
    growth: float

    @property
    def characters(self) -> int:
        """Of texts that are tokenised at a time."""
        share = min(1.0, USUAL_GROWTH / self.growth) / (4 if self.slow else 1)
        return max(1, int(CHARACTERS * share))


def may_be_slow(spec: Spec) -> bool:
    """Can its time grow faster than the text, as far as is known?

    A regular expression may; so may words and pieces of a vocabulary that are much longer than
    those of encoders.
    """
    model = spec["model"]
    vocab = model["vocab"] if model["type"] == "Unigram" else ()
    return (
        not all(map(is_plain, _regexes([spec["normalizer"], spec["pre_tokenizer"]])))
        or model.get("max_input_chars_per_word", 100) > _LONG_WORD
        or any(len(piece[0]) > _LONG_PIECE for piece in vocab)
    )


def _regexes(node: Any) -> list[Any]:
    if isinstance(node, dict):
        own = [node["Regex"]] if "Regex" in node else []
        return own + [found for child in node.values() for found in _regexes(child)]
    return [found for child in node for found in _regexes(child)] if isinstance(node, list) else []


class TooSlowError(Exception):
    """It took longer than it may."""


def within(seconds: float, work: Callable[[], T]) -> T:
    """What ``work`` gives, or raises; TooSlowError where that takes longer, by the clock and in
    processor time: a busy machine is no reason.

    It runs in a thread of its own, so that Ctrl-C is heard at once. A thread that is given up goes
    on until the work ends by itself, and holds up neither the caller nor the end of the program.
    """
    done: list[T] = []
    failed: list[BaseException] = []

    def run() -> None:
        try:
            done.append(work())
        except BaseException as error:  # a panic is no Exception
            failed.append(error)

    thread = threading.Thread(target=run, name="tokenizer", daemon=True)
    clocks = time.monotonic, time.process_time
    ends = [clock() + seconds for clock in clocks]
    thread.start()
    thread.join(_LOOK)
    while thread.is_alive() and any(clock() < end for clock, end in zip(clocks, ends, strict=True)):
        thread.join(_LOOK)
    if failed:
        raise failed[0]
    if not done:
        raise TooSlowError
    return done[0]
