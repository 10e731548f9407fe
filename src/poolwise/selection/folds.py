"""Folds: every row is scored by what was fitted without its fold."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from poolwise.errors import StudyError
from poolwise.selection.duplicates import factorize
from poolwise.selection.splits import MIN_ROWS, RowIndices, repeated_texts, row_clusters
from poolwise.statistics.folds import hash_uniform

N_FOLDS = 5

MIN_CHOICE_ROWS = 50
"""Rows below which a fold has fewer than ten."""

TEST = -1
"""The fold of the rows that the data declare to be test: nothing is fitted or chosen on them."""


@dataclass(frozen=True, slots=True)
class Folds:
    """The fold of each row, ``codes`` [n]: 0 … 4, or ``TEST``.

    ``clusters`` [n] names rows that stay in one fold; ``notes`` say how rows were divided.
    ``sample`` bool [n]: the only rows that are learned from; None for all.
    """

    codes: RowIndices
    clusters: RowIndices
    notes: tuple[str, ...] = ()
    sample: NDArray[np.bool_] | None = None

    @property
    def choice_rows(self) -> RowIndices:
        """The rows that a readout is chosen on: all that are not declared test."""
        return np.flatnonzero(self.codes != TEST)

    @property
    def report_rows(self) -> RowIndices:
        """The rows whose scores are reported: those declared test, or all."""
        return np.flatnonzero(self.codes == TEST) if self.has_test else self.choice_rows

    @property
    def has_test(self) -> bool:
        """Whether the data declare a test split."""
        return bool((self.codes == TEST).any())

    @property
    def part(self) -> str:
        """What findings call the rows reported on."""
        return "test" if self.has_test else "all rows"

    def divisions(self) -> Iterator[tuple[int, RowIndices, RowIndices]]:
        """Each fold, the rows that are fitted on for it, and its own rows."""
        for fold in np.unique(self.codes).tolist():
            fitted = (self.codes != fold) & (self.codes != TEST)
            if self.sample is not None:
                fitted &= self.sample
            yield fold, np.flatnonzero(fitted), np.flatnonzero(self.codes == fold)


def fold_rows(declared: Sequence[str], texts: Sequence[tuple[Hashable, ...]], seed: int) -> Folds:
    """Divide rows into five folds by a hash; rows that are declared ``test`` stay apart.

    ``texts`` are each row's texts, or their keys: rows that share one go to the same fold, as
    ``splits.row_clusters`` has it. Raises StudyError for fewer than 50 rows to choose on, and fewer
    than ten declared test.
    """
    test = np.array([split == "test" for split in declared], np.bool_)
    clusters = row_clusters(texts)
    codes = clusters.codes.copy()
    codes[clusters.large_text] = codes.max(initial=0) + 1 + np.flatnonzero(clusters.large_text)
    check_rows(int((~test).sum()), int(test.sum()))
    folds = np.full(len(test), TEST)
    folds[~test] = _assigned(factorize(codes[~test].tolist()), seed)
    notes = [f"every row is scored by what was fitted on four fifths without it; {clusters.note}"]
    if test.any():
        notes = [
            f"chosen on {int((~test).sum()):,} rows, reported on the {int(test.sum()):,} that the "
            f"data call test; {clusters.note}",
            *_overlap(texts, test),
        ]
    if clusters.large_text.any():
        notes.append(
            f"{int(clusters.large_text.sum()):,} rows of one text, too many for one fold, are "
            "divided row by row"
        )
    return Folds(folds, codes, (*notes, *repeated_texts(texts)))


def redrawn(folds: Folds, seed: int) -> Folds:
    """The same clusters in five other folds; rows declared test stay so."""
    codes, rows = folds.codes.copy(), folds.choice_rows
    codes[rows] = _assigned(factorize(folds.clusters[rows].tolist()), seed)
    return replace(folds, codes=codes)


def check_rows(n_choice: int, n_test: int) -> None:
    """Raises StudyError where there are too few rows to choose on, or declared test."""
    if n_choice < MIN_CHOICE_ROWS:
        raise StudyError(
            f"{n_choice} rows to choose a readout on; expected at least {MIN_CHOICE_ROWS}, ten for "
            "each of five folds: give more rows"
        )
    if 0 < n_test < MIN_ROWS:
        raise StudyError(
            f"{n_test} rows are declared test; expected at least {MIN_ROWS}, or none: then all "
            "rows are used, each scored by what was fitted without it"
        )


def _assigned(clusters: RowIndices, seed: int) -> RowIndices:
    """Folds of nearly as many rows each, [n]: clusters in the order of a hash, a fifth of the rows
    after another."""
    return np.asarray(cluster_places(clusters, seed) * N_FOLDS // len(clusters), np.intp)


def cluster_places(clusters: RowIndices, seed: int) -> NDArray[np.float64]:
    """Each row's place, 0 to n − 1, where clusters lie in the order of a hash, [n]; rows of a
    cluster share the place of its middle."""
    order = np.lexsort((clusters, hash_uniform(clusters, seed)))
    place = np.empty(len(clusters), np.intp)
    place[order] = np.arange(len(clusters))
    middle = np.bincount(clusters, place) / np.maximum(np.bincount(clusters), 1)
    return np.asarray(middle[clusters], np.float64)


def _overlap(texts: Sequence[tuple[Hashable, ...]], test: NDArray[np.bool_]) -> Iterator[str]:
    known = {text for i in np.flatnonzero(~test).tolist() for text in texts[i]}
    shared = sum(any(text in known for text in texts[i]) for i in np.flatnonzero(test).tolist())
    if shared:
        yield (
            f"{shared:,} rows of test hold a text that also stands among the rows chosen on: their "
            "scores may be too good"
        )
