"""A limit's rows: drawn by seed from a stream, in the order of the file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import heappush, heapreplace, nsmallest
from itertools import chain, islice
from random import Random
from typing import Generic, TypeVar

from poolwise.errors import TextError

T = TypeVar("T")
K = TypeVar("K", bound=Hashable)

Draw = tuple[float, int, T]
"""A row's random number and its place in the stream, both negative, so that the largest number is
a heap's first; and the row."""


@dataclass(frozen=True, slots=True)
class Sample:
    """The rows a limit took of a source: ``rows`` of its ``of``, drawn by ``seed``; its
    first ``rows`` where ``of`` and ``seed`` are None. ``unit`` is what is counted. ``crowded``:
    too few for every label or subset to be among them."""

    source: str
    rows: int
    of: int | None = None
    seed: int | None = None
    unit: str = "rows"
    crowded: bool = False

    def __str__(self) -> str:
        """``2,500 of 3,771 rows, drawn by seed 0``."""
        if self.of is None:
            return f"the first {self.rows:,} {self.unit}"
        crowded = "; too few for every label or subset to be among them" if self.crowded else ""
        drawn = "the first" if self.seed is None else f"drawn by seed {self.seed}"
        return f"{self.rows:,} of {self.of:,} {self.unit}, {drawn}{crowded}"


@dataclass(frozen=True, slots=True)
class Limit:
    """At most so many ``rows`` of an input, drawn by ``seed``; the first ones where it is None."""

    rows: int
    seed: int | None = 0

    def __post_init__(self) -> None:
        if self.rows < 1:
            raise TextError(f"found a limit of {self.rows}, expected at least 1")


def as_limit(limit: int | None, seed: int | None) -> Limit | None:
    """The limit; None if there is none. Raises TextError below 1."""
    return None if limit is None else Limit(limit, seed)


def sampled(
    rows: Iterable[T],
    limit: Limit | None,
    source: str,
    unit: str = "rows",
    *,
    split: Callable[[T], Hashable] = lambda _: "",
    label: Callable[[T], Hashable] = lambda _: "",
) -> tuple[list[T], Sample | None]:
    """The limit's rows, in their order; and the sample they are, if there may be more rows.

    Each ``split`` keeps its share of the limit, and within it each ``label``.
    """
    if limit is None:
        return list(rows), None
    if limit.seed is None:
        first = list(islice(rows, limit.rows))
        full = len(first) == limit.rows
        return first, Sample(source, len(first), unit=unit) if full else None
    reservoir: Reservoir[T] = Reservoir(limit)
    for row in rows:
        reservoir.add(row, split(row), label(row))
    drawn = reservoir.sample()
    if len(drawn) == reservoir.count:
        return drawn, None
    crowded = reservoir.crowded
    return drawn, Sample(source, len(drawn), reservoir.count, limit.seed, unit, crowded)


class Reservoir(Generic[T]):
    """A stratified sample of a stream: every row gets a random number, the smallest are kept.

    At most ``limit`` rows of each label are in memory; of the split, where it has more labels than
    ``limit``.
    """

    def __init__(self, limit: Limit) -> None:
        self._limit = limit.rows
        self._random = Random(limit.seed)
        self._counts: Counter[Hashable] = Counter()
        self._strata: dict[Hashable, _Strata[T]] = {}
        self.count = 0

    def add(self, row: T, split: Hashable = "", label: Hashable = "") -> None:
        """Count a row, and keep it if it is drawn."""
        if split not in self._strata:
            self._strata[split] = _Strata(self._limit)
        draw = (-self._random.random(), -self.count, row)
        self._strata[split].add(draw, label)
        self._counts[split] += 1
        self.count += 1

    @property
    def shares(self) -> Mapping[Hashable, int]:
        """Rows of the sample by split."""
        return quotas(self._counts, self._limit)

    @property
    def crowded(self) -> bool:
        """Has some split more labels than rows in the sample?"""
        return any(strata.crowded(self.shares[split]) for split, strata in self._strata.items())

    def sample(self) -> list[T]:
        """The drawn rows, in the order of the stream."""
        shares = self.shares
        draws = chain.from_iterable(s.sample(shares[split]) for split, s in self._strata.items())
        return [row for _, _, row in sorted(draws, key=lambda draw: -draw[1])]


class _Strata(Generic[T]):
    """The rows of one split, by label."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._counts: Counter[Hashable] = Counter()
        self._heaps: dict[Hashable, list[Draw[T]]] = {}
        self._merged = False

    def add(self, draw: Draw[T], label: Hashable) -> None:
        if self._merged:
            label = ""
        elif label not in self._heaps and len(self._heaps) == self._limit:
            # More labels than rows: labels are ignored from here on.
            self._heaps, label, self._merged = {"": self._smallest(self._limit)}, "", True
            self._heaps[""].sort()
            self._counts = Counter({"": self._counts.total()})
        self._counts[label] += 1
        heap = self._heaps.setdefault(label, [])
        if len(heap) < self._limit:
            heappush(heap, draw)
        elif draw > heap[0]:
            heapreplace(heap, draw)

    def crowded(self, quota: int) -> bool:
        return self._merged or len(self._heaps) > quota

    def sample(self, quota: int) -> Iterator[Draw[T]]:
        if self.crowded(quota):
            yield from self._smallest(quota)
            return
        for label, share in quotas(self._counts, quota).items():
            yield from nsmallest(share, self._heaps[label], key=_order)

    def _smallest(self, n: int) -> list[Draw[T]]:
        return nsmallest(n, chain.from_iterable(self._heaps.values()), key=_order)


def _order(draw: Draw[T]) -> tuple[float, int]:
    return -draw[0], -draw[1]


def quotas(counts: Mapping[K, int], limit: int) -> dict[K, int]:
    """The share of ``limit`` of each key, in proportion to its count, rounded by largest remainder.

    Each gets one at least, if there are no more of them than ``limit``; of equal remainders the
    first is rounded up.
    """
    total = sum(counts.values())
    if total <= limit:
        return dict(counts)
    shares = dict.fromkeys(counts, 0)
    large, free = dict(counts), limit
    if len(counts) <= limit:
        while small := [key for key, count in large.items() if free * count < total]:
            for key in small:
                shares[key] = 1
                total -= large.pop(key)
            free -= len(small)
    for key, count in large.items():
        shares[key] = free * count // total
    for key in _largest_remainders(large, free, total)[: limit - sum(shares.values())]:
        shares[key] += 1
    return shares


def _largest_remainders(counts: Mapping[K, int], free: int, total: int) -> Sequence[K]:
    return sorted(counts, key=lambda key: -(free * counts[key] % total))
