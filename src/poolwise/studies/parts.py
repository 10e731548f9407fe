"""Train, dev, test: which rows learn, which choose, and which are reported."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from poolwise.errors import StudyError
from poolwise.statistics.folds import uniform

Rows = NDArray[np.intp]

FEWEST = 10
"""Rows that a part needs before a score on it is worth an interval."""


@dataclass(frozen=True, slots=True)
class Parts:
    """Row numbers. Steps and probes learn on ``train``; the readout is chosen on ``dev``; what is
    reported comes from ``test``. ``notes`` say how the rows were divided."""

    train: Rows
    dev: Rows
    test: Rows
    notes: tuple[str, ...] = ()

    def __iter__(self):  # type: ignore[no-untyped-def]
        return iter((self.train, self.dev, self.test))


def split(
    declared: Sequence[str],
    texts: Sequence[tuple[str, ...]],
    shares: tuple[float, float, float],
    seed: int,
) -> Parts:
    """Divide rows into parts by a hash of the row, ``shares`` of them each.

    ``declared`` holds ``train``, ``dev`` or ``test`` where the data say so, else nothing; a part
    that nobody declared is cut from train. ``texts`` are each row's: rows that share one go to the
    same part, so that nothing is learned from a text that is asked for later.

    Raises StudyError where a part would hold fewer than 10 rows.
    """
    told = np.array([part or "train" for part in declared])
    notes = []
    free = told == "train"
    wanted = {
        part: share
        for part, share in zip(("train", "dev", "test"), shares, strict=True)
        if part == "train" or not (told == part).any()
    }
    if len(wanted) > 1:
        told[free] = _drawn([texts[i] for i in np.flatnonzero(free).tolist()], wanted, seed)
        notes.append(_shared(wanted, seed))
    found = {part: np.flatnonzero(told == part) for part in ("train", "dev", "test")}
    if min(map(len, found.values())) < FEWEST:
        sizes = ", ".join(f"{len(rows)} {part}" for part, rows in found.items())
        raise StudyError(
            f"{len(told)} rows make {sizes}; a readout is chosen on one part and reported on "
            f"another, each of at least {FEWEST} rows: give more rows"
        )
    leaked = _leaked(texts, found)
    if leaked:
        notes.append(
            f"{leaked:,} rows of dev or test hold a text that also stands in train: "
            "their scores may be too good"
        )
    return Parts(**found, notes=tuple(notes))


def _shared(wanted: dict[str, float], seed: int) -> str:
    whole = sum(wanted.values())
    cut = ", ".join(f"{share / whole:.0%} {part}" for part, share in wanted.items())
    return f"rows divided by seed {seed} into {cut}; rows that share a text stay together"


def _drawn(texts: Sequence[tuple[str, ...]], wanted: dict[str, float], seed: int) -> list[str]:
    ends = np.cumsum(list(wanted.values())) / sum(wanted.values())
    ends[-1] = 1.0
    draws = uniform(_groups(texts), seed)
    return [tuple(wanted)[i] for i in np.searchsorted(ends, draws, side="right").tolist()]


def _groups(texts: Sequence[tuple[str, ...]]) -> Rows:
    """A number for each row, the same where rows hang together through texts they share."""
    number: dict[str, int] = {}
    row, text = [], []
    for i, own in enumerate(texts):
        for one in own:
            row.append(i)
            text.append(len(texts) + number.setdefault(one, len(number)))
    size = len(texts) + len(number)
    graph = coo_array((np.ones(len(row)), (row, text)), shape=(size, size))
    _, component = connected_components(graph, directed=False)
    groups: Rows = component[: len(texts)].astype(np.intp)
    largest = Counter(groups.tolist()).most_common(1)
    if largest and largest[0][1] > len(texts) // 5:
        # One group as large as a part cannot be divided by groups.
        return np.arange(len(texts))
    return groups


def _leaked(texts: Sequence[tuple[str, ...]], found: dict[str, Rows]) -> int:
    seen = {text for i in found["train"].tolist() for text in texts[i]}
    later = [*found["dev"].tolist(), *found["test"].tolist()]
    return sum(any(text in seen for text in texts[i]) for i in later)
