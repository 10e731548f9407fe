"""How well scores rank the relevant items above the others: average precision, and AUC.

Both are worked out for many rankings at once, a row of [r, c] each, with their exact derivatives in
the weights of the items: what an item adds as one that is ranked, and by the ranks of the others.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Floats = NDArray[np.floating]
Flags = NDArray[np.bool_]


def average_precisions(
    scores: Floats, relevant: Flags, counted: Flags | None = None
) -> tuple[Array, Array]:
    """Average precision of each row's ranking, [r], and its derivatives in the items' weights.

    ``scores`` and ``relevant`` are [r, c]; so are the derivatives, and each row's have the sum 0.
    Items that are not ``counted`` take no part. The definition is scikit-learn's: the mean over the
    relevant items of the precision among all that score at least as high. NaN without any.
    """
    ranking = _rank(scores, counted)
    hit, item = ranking.sort(relevant, counted), ranking.sort(counted)
    rank = np.maximum(ranking.through(item), 1)
    precision = ranking.through(hit) / rank
    totals = _or_nan(hit.sum(axis=1))
    values = np.einsum("rc,rc->r", hit, precision) / totals
    relevant_below = ranking.from_here(hit / rank)
    precision_below = ranking.from_here(hit * precision / rank)
    moved = hit * (precision - values[:, None] + relevant_below) - item * precision_below
    return values, ranking.unsort(moved / totals[:, None])


def areas_under_curve(
    scores: Floats, relevant: Flags, counted: Flags | None = None
) -> tuple[Array, Array]:
    """Share of pairs of a relevant and another item in the right order, and the derivatives.

    Shapes as in ``average_precisions``. Ties count half (Mann & Whitney 1947; the derivatives are
    the components of DeLong, DeLong & Clarke-Pearson 1988). NaN where all or none are relevant.
    """
    ranking = _rank(scores, counted)
    hit = ranking.sort(relevant, counted)
    other = ranking.sort(counted) - hit
    hits, others = _or_nan(hit.sum(axis=1))[:, None], _or_nan(other.sum(axis=1))[:, None]
    above = ranking.halfway(hit) / hits
    below = 1 - ranking.halfway(other) / others
    values = np.einsum("rc,rc->r", hit, below)[:, None] / hits
    moved = hit * (below - values) / hits + other * (above - values) / others
    return values[:, 0], ranking.unsort(moved)


@dataclass(frozen=True, slots=True)
class _Ranking:
    """The order of each row's items from the highest, [r, c].

    ``ties`` are the first and the last place of those that score like the item at each place,
    twice [r, c]; None where no two items of a row score alike. All are places in the flattened
    table, which numpy reads several times as fast as places in each row.
    """

    order: NDArray[np.intp]
    ties: tuple[NDArray[np.intp], NDArray[np.intp]] | None

    def sort(self, flags: Flags | None, counted: Flags | None = None) -> Array:
        """The items' flags, by place; all are 1 by default."""
        if flags is None:
            return np.ones(self.order.shape)
        both = flags if counted is None else flags & counted
        return both.take(self.order).astype(np.float64)

    def unsort(self, places: Array) -> Array:
        """What stands at each place, by item."""
        items = np.empty_like(places)
        items.put(self.order, places)
        return items

    def through(self, places: Array) -> Array:
        """Sums from the top through each place and its ties."""
        sums = np.cumsum(places, axis=1)
        return sums if self.ties is None else sums.take(self.ties[1])

    def from_here(self, places: Array) -> Array:
        """Sums from each place and its ties to the bottom."""
        sums = np.cumsum(places[:, ::-1], axis=1)[:, ::-1]
        return sums if self.ties is None else sums.take(self.ties[0])

    def halfway(self, places: Array) -> Array:
        """Sums from the top to each place, ties (itself too) by half."""
        through = np.cumsum(places, axis=1)
        before = through - places
        if self.ties is not None:
            before, through = before.take(self.ties[0]), through.take(self.ties[1])
        return np.asarray((before + through) / 2)


def _rank(scores: Floats, counted: Flags | None) -> _Ranking:
    keys = -scores if counted is None else np.where(counted, -scores, np.inf)
    starts = np.arange(len(keys))[:, None] * keys.shape[1]
    order = np.argsort(keys, axis=1) + starts
    ordered = keys.take(order)
    new = np.ones(ordered.shape, np.bool_)
    new[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    if counted is not None:
        new |= ordered == np.inf
    if new.all():
        return _Ranking(order, None)
    first, last = _tied_places(new)
    return _Ranking(order, (first + starts, last + starts))


def _tied_places(new: Flags) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """First and last place of each run; ``new`` [r, c] marks where a run starts."""
    c = new.shape[1]
    places = np.arange(c)
    first = np.maximum.accumulate(np.where(new, places, 0), axis=1)
    ends = np.ones_like(new)
    ends[:, :-1] = new[:, 1:]
    last = np.minimum.accumulate(np.where(ends, places, c)[:, ::-1], axis=1)[:, ::-1]
    return first, last


def _or_nan(totals: Array) -> Array:
    return np.where(totals > 0, totals, np.nan)
