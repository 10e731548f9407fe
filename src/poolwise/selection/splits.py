"""Train, dev and test: rows to fit on, to choose on, and to report."""

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

SHARES = (0.6, 0.2, 0.2)
"""Shares of train, dev and test."""

MIN_ROWS = 10
"""Rows that a split needs before a score on it is worth an interval."""


@dataclass(frozen=True, slots=True)
class Splits:
    """Row indices. Steps and probes are fitted on ``train``; the readout is chosen on ``dev``;
    reported scores are of ``test``. ``notes`` say how the rows were divided."""

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
    """Divide rows into splits by a hash of the row, ``shares`` of them each.

    ``declared`` holds ``train``, ``dev`` or ``test`` where the data say so, else nothing; a split
    that no row declares is cut from train. ``texts`` are each row's texts, or their keys
    (``duplicates.duplicate_keys``): rows that share one go to the same split, so that no text of
    dev or test is fitted on. Where so many rows are connected through shared texts that no split
    could hold them, only rows of the same texts stay together; the notes say so, and how many rows
    of one split hold a text of another.

    Raises StudyError where a split would hold fewer than 10 rows.
    """
    split_of = np.array([split or "train" for split in declared])
    notes = []
    free = split_of == "train"
    targets = {
        split: share
        for split, share in zip(("train", "dev", "test"), shares, strict=True)
        if split == "train" or not (split_of == split).any()
    }
    if len(targets) > 1:
        free_texts = [texts[i] for i in np.flatnonzero(free).tolist()]
        split_of[free], note = _divided(free_texts, targets, seed)
        notes.append(note)
    rows = {split: np.flatnonzero(split_of == split) for split in ("train", "dev", "test")}
    if min(map(len, rows.values())) < MIN_ROWS:
        sizes = ", ".join(f"{len(indices)} {split}" for split, indices in rows.items())
        raise StudyError(
            f"{len(split_of)} rows make {sizes}; a readout is chosen on one part and reported on "
            f"another, each of at least {MIN_ROWS} rows: give more rows"
        )
    notes += _overlaps(texts, rows)
    notes += repeated_texts(texts)
    return Splits(**rows, notes=tuple(notes))


def _divided(
    texts: Sequence[tuple[Hashable, ...]], targets: Mapping[str, float], seed: int
) -> tuple[list[str], str]:
    """The split of each row by the shares of ``targets``, and a note on how they were divided.

    One text of more than a fifth of the rows goes to train, unless that leaves a split too small:
    then it is divided row by row.
    """
    clusters = row_clusters(texts)
    draws = hash_uniform(clusters.codes, seed)
    large_text = clusters.large_text
    draws[large_text] = 0.0
    splits = _assigned(draws, targets)
    by_row = bool(large_text.any()) and min(map(splits.count, targets)) < MIN_ROWS
    if by_row:
        draws[large_text] = hash_uniform(np.flatnonzero(large_text), seed)
        splits = _assigned(draws, targets)
    total = sum(targets.values())
    shares = ", ".join(f"{share / total:.0%} {split}" for split, share in targets.items())
    note = f"rows divided by seed {seed} into {shares}; {clusters.note}"
    if large_text.any():
        division = "divided row by row" if by_row else "in train"
        note += (
            f", but {large_text.sum():,} rows of one text, too many for one part, are {division}"
        )
    return splits, note


@dataclass(frozen=True, slots=True)
class RowClusters:
    """Which of n rows stay together. ``codes`` [n]: equal for rows that do. ``large_text`` bool
    [n]: rows of one text that make more than a fifth of all. ``note`` says what was done."""

    codes: RowIndices
    large_text: NDArray[np.bool_]
    note: str


def row_clusters(texts: Sequence[tuple[Hashable, ...]]) -> RowClusters:
    """Rows connected through texts stay together if a fifth of the rows can hold them; else rows of
    the same texts do."""
    limit, component, same_texts = len(texts) // 5, _connected(texts), factorize(texts)
    large_component = _sizes(component) > limit
    large_text = _sizes(same_texts) > limit
    loose = large_component & ~large_text
    if loose.any():
        first = np.unique(component, return_index=True)[1]
        component = np.where(large_component, same_texts, same_texts[first][component])
    note = "rows that share a text stay together"
    if n_loose := int(loose.sum()):
        note += (
            f", but for {n_loose:,} that hang together through the texts they share, too many for "
            "one part: of these only rows of the very same texts do"
        )
    return RowClusters(component, large_text, note)


def _sizes(groups: RowIndices) -> RowIndices:
    """How many rows are in each row's group, [n]."""
    return np.asarray(np.bincount(groups, minlength=1)[groups], np.intp)


def _assigned(draws: NDArray[np.float64], targets: Mapping[str, float]) -> list[str]:
    """The split of each row, from its number in [0, 1)."""
    ends = np.cumsum(list(targets.values())) / sum(targets.values())
    ends[-1] = 1.0
    return [tuple(targets)[i] for i in np.searchsorted(ends, draws, side="right").tolist()]


def _connected(texts: Sequence[tuple[Hashable, ...]]) -> RowIndices:
    """The connected component of each row, [n], where rows that share a text are connected."""
    number: dict[Hashable, int] = {}
    rows, columns = [], []
    for i, row_texts in enumerate(texts):
        for text in row_texts:
            rows.append(i)
            columns.append(len(texts) + number.setdefault(text, len(number)))
    size = len(texts) + len(number)
    graph = coo_array((np.ones(len(rows)), (rows, columns)), shape=(size, size))
    _, component = connected_components(graph, directed=False)
    return np.asarray(component[: len(texts)], np.intp)


def _overlaps(
    texts: Sequence[tuple[Hashable, ...]], rows: Mapping[str, RowIndices]
) -> Iterator[str]:
    """Notes on rows that share a text with rows of an earlier split."""
    split_texts = {
        split: {text for i in indices.tolist() for text in texts[i]}
        for split, indices in rows.items()
    }

    def overlap(split: str, earlier: str) -> int:
        known = split_texts[earlier]
        return sum(any(text in known for text in texts[i]) for i in rows[split].tolist())

    dev, test = overlap("dev", "train"), overlap("test", "train")
    if dev or test:
        yield (
            f"{dev + test:,} rows of dev or test hold a text that also stands in train "
            f"({dev:,} of dev, {test:,} of test): their scores may be too good"
        )
    if both := overlap("test", "dev"):
        yield (
            f"{both:,} rows of test hold a text that also stands in dev, where the choice is made: "
            "it may look better than it is"
        )


def repeated_texts(texts: Sequence[tuple[Hashable, ...]]) -> Iterator[str]:
    """A note on rows that hold a text that other rows hold too."""
    counts = Counter(text for row_texts in texts for text in set(row_texts))
    if several := sum(any(counts[text] > 1 for text in row_texts) for row_texts in texts):
        yield (
            f"{several:,} of {len(texts):,} rows hold a text that other rows hold too, as the "
            "encoder reads it: intervals count texts, not rows"
        )
