"""Train, dev, test: which rows learn, which choose, and which are reported."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from poolwise.errors import StudyError
from poolwise.selection.duplicates import factorize
from poolwise.statistics.folds import hash_uniform

RowIndices = NDArray[np.intp]

MIN_ROWS = 10
"""Rows that a part needs before a score on it is worth an interval."""


@dataclass(frozen=True, slots=True)
class Splits:
    """Row numbers. Steps and probes learn on ``train``; the readout is chosen on ``dev``; what is
    reported comes from ``test``. ``notes`` say how the rows were divided."""

    train: RowIndices
    dev: RowIndices
    test: RowIndices
    notes: tuple[str, ...] = ()

    def __iter__(self):  # type: ignore[no-untyped-def]
        return iter((self.train, self.dev, self.test))


def split_rows(
    declared: Sequence[str],
    texts: Sequence[tuple[Hashable, ...]],
    shares: tuple[float, float, float],
    seed: int,
) -> Splits:
    """Divide rows into parts by a hash of the row, ``shares`` of them each.

    ``declared`` holds ``train``, ``dev`` or ``test`` where the data say so, else nothing; a part
    that nobody declared is cut from train. ``texts`` are each row's, or what they are known by
    (``copies.keys``): rows that share one go to the same part, so that nothing is learned from a
    text that is asked for later. Where so many hang together that no part could hold them, those
    of the same texts do; the notes say so, and how many rows of one part hold a text of another.

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
        told[free], note = _divided([texts[i] for i in np.flatnonzero(free).tolist()], wanted, seed)
        notes.append(note)
    found = {part: np.flatnonzero(told == part) for part in ("train", "dev", "test")}
    if min(map(len, found.values())) < MIN_ROWS:
        sizes = ", ".join(f"{len(rows)} {part}" for part, rows in found.items())
        raise StudyError(
            f"{len(told)} rows make {sizes}; a readout is chosen on one part and reported on "
            f"another, each of at least {MIN_ROWS} rows: give more rows"
        )
    notes += _overlaps(texts, found)
    notes += _repeated(texts)
    return Splits(**found, notes=tuple(notes))


def _divided(
    texts: Sequence[tuple[Hashable, ...]], wanted: dict[str, float], seed: int
) -> tuple[list[str], str]:
    """The part of each row, and how it was found.

    What hangs together through texts stays together, if a fifth of the rows can hold it; else rows
    of the same texts do. One text of more than a fifth is only learned from, unless too little is
    then left to be asked for: it is divided row by row.
    """
    most, component, same = len(texts) // 5, _connected(texts), factorize(texts)
    tied = _sizes(component) > most
    one = _sizes(same) > most
    if (tied & ~one).any():
        first = np.unique(component, return_index=True)[1]
        component = np.where(tied, same, same[first][component])
    draws = hash_uniform(component, seed)
    draws[one] = 0.0
    splits = _drawn(draws, wanted)
    by_row = bool(one.any()) and min(splits.count(part) for part in wanted) < MIN_ROWS
    if by_row:
        draws[one] = hash_uniform(np.flatnonzero(one), seed)
        splits = _drawn(draws, wanted)
    whole = sum(wanted.values())
    cut = ", ".join(f"{share / whole:.0%} {part}" for part, share in wanted.items())
    said = f"rows divided by seed {seed} into {cut}; rows that share a text stay together"
    if loose := int((tied & ~one).sum()):
        said += (
            f", but for {loose:,} that hang together through the texts they share, too many for "
            "one part: of these only rows of the very same texts do"
        )
    if one.any():
        how = "divided row by row" if by_row else "in train"
        said += f", but {one.sum():,} rows of one text, too many for one part, are {how}"
    return splits, said


def _sizes(groups: RowIndices) -> RowIndices:
    """How many rows are in each row's group, [n]."""
    return np.asarray(np.bincount(groups, minlength=1)[groups], np.intp)


def _drawn(draws: NDArray[np.float64], wanted: dict[str, float]) -> list[str]:
    ends = np.cumsum(list(wanted.values())) / sum(wanted.values())
    ends[-1] = 1.0
    return [tuple(wanted)[i] for i in np.searchsorted(ends, draws, side="right").tolist()]


def _connected(texts: Sequence[tuple[Hashable, ...]]) -> RowIndices:
    """A number for each row, the same where rows hang together through texts they share."""
    number: dict[Hashable, int] = {}
    row, text = [], []
    for i, own in enumerate(texts):
        for one in own:
            row.append(i)
            text.append(len(texts) + number.setdefault(one, len(number)))
    size = len(texts) + len(number)
    graph = coo_array((np.ones(len(row)), (row, text)), shape=(size, size))
    _, component = connected_components(graph, directed=False)
    return np.asarray(component[: len(texts)], np.intp)


def _overlaps(
    texts: Sequence[tuple[Hashable, ...]], found: Mapping[str, RowIndices]
) -> Iterator[str]:
    """What rows of one part have in common with those of an earlier one."""
    holds = {
        part: {text for i in rows.tolist() for text in texts[i]} for part, rows in found.items()
    }

    def shared(part: str, earlier: str) -> int:
        return sum(any(t in holds[earlier] for t in texts[i]) for i in found[part].tolist())

    dev, test = shared("dev", "train"), shared("test", "train")
    if dev or test:
        yield (
            f"{dev + test:,} rows of dev or test hold a text that also stands in train "
            f"({dev:,} of dev, {test:,} of test): their scores may be too good"
        )
    if both := shared("test", "dev"):
        yield (
            f"{both:,} rows of test hold a text that also stands in dev, where the choice is made: "
            "it may look better than it is"
        )


def _repeated(texts: Sequence[tuple[Hashable, ...]]) -> Iterator[str]:
    counts = Counter(text for own in texts for text in set(own))
    if several := sum(any(counts[text] > 1 for text in own) for own in texts):
        yield (
            f"{several:,} of {len(texts):,} rows hold a text that other rows hold too, as the "
            "encoder reads it: intervals count texts, not rows"
        )
