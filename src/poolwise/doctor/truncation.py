"""After how many tokens a text is cut, and on which side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from poolwise.doctor.matcher import Matcher
from poolwise.doctor.matching import FARTHEST, unit_rows
from poolwise.doctor.reader import Doubles
from poolwise.encoders.tokenizer.settings import Side

LongKind = Literal["cut", "whole", "windows", "?"]

Cut: TypeAlias = tuple[Side, int]

USUAL = (25, 32, 64, 128, 192, 200, 254, 256, 300, 384, 500, 510, 512, 514, 1024, 2048, 4096, 8192)
"""Lengths that servers cut at; tried before every other one."""

EXACT = 1e-4
"""An error that no neighbouring length has: a token more is another vector."""

MOST_LENGTHS = 600
"""Lengths between a text that is read whole and the next that is not, of which every one is
tried."""

WINDOWED = 2
"""Texts that reading in pieces is tried on at once."""

TRIED = 3
"""Texts that may be cut which are tried in turn, as one may differ for another reason."""


@dataclass(frozen=True, slots=True)
class Truncation:
    """What happens to long texts.

    ``cut``: at most ``length`` tokens are read, special ones included, and the text loses those on
    ``side``. ``whole``: texts up to ``length`` tokens, the longest compared, are read to the end.
    ``windows``: texts are read in pieces of ``length``, whose vectors are averaged. ``?``: texts
    beyond ``length`` tokens are read in a way that none of these explains. ``next_error`` is that
    of the ``runner_up``, written ``255 right``.
    """

    kind: LongKind
    length: int
    side: Side | None = None
    error: float = 0.0
    runner_up: str = ""
    next_error: float | None = None
    texts: int = 0


def find_truncation(matcher: Matcher) -> Truncation | None:
    """What is done to those texts that are long; None without any text.

    The longest text that matches when read whole and the shortest beyond it that does not enclose
    the length; every length between is tried, on both sides.
    """
    whole = matcher.reads(matcher.reading.changed(max_length=None))
    positions = matcher.reader.positions
    lengths = whole.lengths()
    _, rows = np.unique(lengths, return_index=True)
    readable = [int(row) for row in rows if lengths[row] <= positions]
    errors = whole.errors(readable)
    matched = [
        lengths[row] for row, error in zip(readable, errors, strict=True) if error <= whole.noise
    ]
    longest = int(max(matched, default=0))
    beyond = [int(row) for row in rows if lengths[row] > longest]
    if not len(rows):
        return None
    if not beyond:
        return Truncation("whole", longest, error=float(np.median(errors)), texts=len(readable))
    least = len(matcher.reader.tokenize(whole.reading.changed(prompt=""), [""])[0].windows[0]) + 1
    error = FARTHEST
    for number, row in enumerate(beyond[:TRIED]):
        between = range(max(longest, least), min(int(lengths[row]) - 1, positions) + 1)
        ranked = _ranked_cuts(whole, row, between)
        if ranked and ranked[0][0] <= whole.noise:
            return _cut(whole, beyond, ranked)
        if pieces := _windows(whole, beyond[number : number + WINDOWED], between):
            return pieces
        error = min([error, *(error for error, _ in ranked[:1])])
    return Truncation("?", longest, error=error, texts=len(beyond))


def _cut(whole: Matcher, beyond: Sequence[int], ranked: Sequence[tuple[float, Cut]]) -> Truncation:
    (_, (side, length)), *others = ranked
    errors = whole.errors(beyond, whole.reading.changed(max_length=length, side=side))
    runner_up, next_error = "", None
    if others:
        next_error, (next_side, next_length) = others[0]
        runner_up = f"{next_length} {next_side}"
    return Truncation(
        "cut", length, side, float(np.median(errors)), runner_up, next_error, len(beyond)
    )


def _ranked_cuts(whole: Matcher, row: int, between: range) -> list[tuple[float, Cut]]:
    """Errors of cuts of one text, the smallest first: of the usual lengths with their neighbours
    and, where none of them is exact, of every length."""
    usual = (whole.reader.model.max_length, *USUAL)
    some = [n for length in usual for n in (length, length - 1, length + 1) if n in between]
    every = list(between) if len(between) <= MOST_LENGTHS else some or [between[-1]]
    stages: tuple[tuple[Side, list[int]], ...] = (
        ("right", some),
        ("right", every),
        ("left", every),
    )
    errors: dict[Cut, float] = {}
    for side, lengths in stages:
        cuts: list[Cut] = [(side, n) for n in dict.fromkeys(lengths) if (side, n) not in errors]
        if not cuts:
            continue
        tokenized = [
            whole.reader.tokenize(
                whole.reading.changed(max_length=n, side=side), [whole.texts[row]]
            )[0]
            for side, n in cuts
        ]
        errors |= zip(cuts, whole.token_errors(row, tokenized).tolist(), strict=True)
        if min(errors.values()) <= min(EXACT, whole.noise):
            break
    return sorted((error, cut) for cut, error in errors.items())


def _windows(whole: Matcher, rows: Sequence[int], between: range) -> Truncation | None:
    """Texts read in pieces whose vectors are averaged, each alike or by its tokens."""
    if not between:
        return None
    lengths = between if len(between) <= MOST_LENGTHS else [n for n in USUAL if n in between]
    tried: list[tuple[float, int]] = []
    for length in lengths:
        cut = whole.reads(whole.reading.changed(max_length=length))
        errors = [whole.target.rows(rows).distances(made) for made in _averages(cut, rows)]
        tried += [(float(np.median(error)), length) for error in errors]
        if min(tried)[0] <= min(EXACT, whole.noise):
            break
    error, length = min(tried, default=(FARTHEST, 0))
    if error > whole.noise:
        return None
    return Truncation("windows", length, error=error, texts=len(rows))


def _averages(cut: Matcher, rows: Sequence[int]) -> Iterator[Doubles]:
    """Means of the vectors of overlapping windows, and of pieces that do not overlap."""
    reader, hypothesis = cut.reader, cut.hypothesis
    texts = [cut.texts[row] for row in rows]
    windows = reader.vectors(cut.reading, texts, hypothesis.specs, long="window")
    yield hypothesis.finished(windows)
    pieces = [reader.pieces(cut.reading, text) for text in texts]
    weights = [[max(part.windows[0].n_text, 1) for part in parts] for parts in pieces]
    pooled = [reader.vectors_of(parts, hypothesis.specs) for parts in pieces]
    vectors = [hypothesis.finished(x) for x in pooled]
    yield np.stack([x.mean(axis=0) for x in vectors])
    yield np.stack([unit_rows(x).mean(axis=0) for x in vectors])
    yield np.stack(
        [np.average(x, axis=0, weights=w) for x, w in zip(vectors, weights, strict=True)]
    )
    means = [{spec: x.mean(axis=0, keepdims=True) for spec, x in part.items()} for part in pooled]
    yield np.concatenate([hypothesis.finished(part) for part in means])
