"""How texts are read before the model runs: each way beside the others, on texts that tell them
apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from poolwise.doctor.matcher import Matcher
from poolwise.doctor.reader import Reader
from poolwise.doctor.reading import Reading
from poolwise.doctor.rewritings import REWRITINGS

MOST_TEXTS = 32
"""Texts that a comparison of readings rests on, at most."""


@dataclass(frozen=True, slots=True)
class ReadingError:
    """A reading with its ``name``, and the distance of its vectors from the found ones: of the
    nearest reading the median over texts, of others the mean over those that they read otherwise
    than the nearest."""

    name: str
    reading: Reading
    error: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """Readings of the same texts, nearest first; empty where no text tells them apart.

    Each name in ``same`` reads every text as the nearest does. ``texts`` counts those compared.
    """

    ranked: tuple[ReadingError, ...]
    same: tuple[str, ...] = ()
    texts: int = 0

    @property
    def best(self) -> ReadingError | None:
        return self.ranked[0] if self.ranked else None

    @property
    def runner_up(self) -> ReadingError | None:
        return self.ranked[1] if len(self.ranked) > 1 else None


def compare_readings(
    matcher: Matcher, rows: Sequence[int], readings: Mapping[str, Reading]
) -> Comparison:
    """The vectors of the matcher's hypothesis in each of ``readings``, of these texts."""
    texts = [matcher.texts[row] for row in rows]
    tokens = {
        name: [t.windows[0].ids.tobytes() for t in matcher.reader.tokenize(reading, texts)]
        for name, reading in readings.items()
    }
    by_text = zip(rows, zip(*tokens.values(), strict=True), strict=True)
    telling = [i for i, (_, ids) in enumerate(by_text) if len({*ids}) > 1]
    telling = telling[:: max(1, len(telling) // MOST_TEXTS)][:MOST_TEXTS]
    if not telling:
        return Comparison((), tuple(readings))
    groups: dict[tuple[bytes, ...], list[str]] = {}
    for name, sequences in tokens.items():
        groups.setdefault(tuple(sequences[i] for i in telling), []).append(name)
    chosen = [rows[i] for i in telling]
    gaps = {ids: matcher.errors(chosen, readings[names[0]]) for ids, names in groups.items()}
    order = sorted(groups, key=lambda ids: float(gaps[ids].mean()))
    nearest, ranked = order[0], []
    for ids in order:
        differ = [i for i, pair in enumerate(zip(ids, nearest, strict=True)) if pair[0] != pair[1]]
        error = float(gaps[ids][differ].mean() if differ else np.median(gaps[ids]))
        name = groups[ids][0]
        ranked.append(ReadingError(name, readings[name], error))
    return Comparison(tuple(ranked), tuple(groups[nearest][1:]), len(telling))


def casings(reader: Reader, reading: Reading) -> dict[str, Reading]:
    """As written; lower-cased first; and with the tokenizer's own lower-casing switched off."""
    options = {
        "as written": reading.changed(casing="as written", letter_case="the tokenizer's"),
        "lower-cased first": reading.changed(casing="lower-cased", letter_case="the tokenizer's"),
    }
    if reader.lower_cases:
        options["the tokenizer's lower-casing switched off"] = reading.changed(
            casing="as written", letter_case="kept"
        )
    return options


def special_tokens(reading: Reading) -> dict[str, Reading]:
    """Around every text: all, none, or those at the start alone."""
    return {
        kind: reading.changed(special_tokens=kind) for kind in ("added", "none", "no closing token")
    }


def typed_tokens(reading: Reading) -> dict[str, Reading]:
    """A special token's name in a text: the token, or plain text."""
    return {kind: reading.changed(typed_tokens=kind) for kind in ("as tokens", "as text")}


def pairs(reader: Reader, reading: Reading) -> dict[str, Reading]:
    """Two texts with SEPARATOR between: as it is written; or with the closing token there, as a
    pair, all of whose tokens are of the first segment."""
    after = reader.model.tokenizer.frame.after
    names = {number: name for name, number in reader.model.tokenizer.special.items()}
    closing = names.get(after[0], "") if after else ""
    options = {"one text": reading}
    if closing:
        options["a pair"] = reading.changed(separator=f" {closing} ", typed_tokens="as tokens")
        twice = f" {closing}{closing} "
        options["a pair, two tokens between"] = reading.changed(
            separator=twice, typed_tokens="as tokens"
        )
    return options


def rewritten(reading: Reading, kind: Literal["characters", "white space"]) -> dict[str, Reading]:
    """Each rewriting of this kind."""
    return {name: reading.changed(**{kind.replace(" ", "_"): name}) for name in REWRITINGS[kind]}


def prompts(reading: Reading, texts: Sequence[str]) -> dict[str, Reading]:
    """Each prompt in front of every text."""
    return {repr(text): reading.changed(prompt=text) for text in texts}
