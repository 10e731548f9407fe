"""A limit's rows: drawn by seed from a stream, in the order of the file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import heappush, heapreplace, nsmallest
from itertools import islice
from random import Random
from typing import Generic, TypeVar

from poolwise.errors import TextError

T = TypeVar("T")
K = TypeVar("K", bound=Hashable)

Held = tuple[float, int, T]
"""A row's draw and its place in the stream, both negative, so that the worst is a heap's first."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What a limit took of a source: ``rows`` of the ``of`` that it holds, drawn by ``seed``; its
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
        return f"{self.rows:,} of {self.of:,} {self.unit}, drawn by seed {self.seed}{crowded}"


@dataclass(frozen=True, slots=True)
class Limit:
    """At most so many ``rows`` of an input, drawn by ``seed``; the first ones where it is None."""

    rows: int
    seed: int | None = 0

    def __post_init__(self) -> None:
        if self.rows < 1:
            raise TextError(f"found a limit of {self.rows}, expected at least 1")


def limited(limit: int | None, seed: int | None) -> Limit | None:
    """The limit that a caller asked for. Raises TextError below 1."""
    return None if limit is None else Limit(limit, seed)


def sampled(
    rows: Iterable[T],
    limit: Limit | None,
    source: str,
    unit: str = "rows",
    *,
    part: Callable[[T], Hashable] = lambda _: "",
    label: Callable[[T], Hashable] = lambda _: "",
) -> tuple[list[T], Sample | None]:
    """The limit's rows, in their order; and what was taken, where there may be more.

    Each ``part`` keeps its share of the limit, and within it each ``label``.
    """
    if limit is None:
        return list(rows), None
    if limit.seed is None:
        first = list(islice(rows, limit.rows))
        full = len(first) == limit.rows
        return first, Sample(source, len(first), unit=unit) if full else None
    reservoir: Reservoir[T] = Reservoir(limit)
    for row in rows:
        reservoir.add(row, part(row), label(row))
    drawn = reservoir.drawn()
    if len(drawn) == reservoir.seen:
        return drawn, None
    crowded = reservoir.crowded
    return drawn, Sample(source, len(drawn), reservoir.seen, limit.seed, unit, crowded)


class Reservoir(Generic[T]):
    """Rows of a stream of unknown length: every one gets a random number, the least are kept.

    Of each label ``limit`` rows are held at most; where a part has more labels than that, of the
    part.
    """

    def __init__(self, limit: Limit) -> None:
        self._limit = limit.rows
        self._random = Random(limit.seed)
        self._counts: Counter[Hashable] = Counter()
        self._strata: dict[Hashable, _Strata[T]] = {}
        self.seen = 0

    def add(self, row: T, part: Hashable = "", label: Hashable = "") -> None:
        """See a row."""
        if part not in self._strata:
            self._strata[part] = _Strata(self._limit)
        held = (-self._random.random(), -self.seen, row)
        self._strata[part].add(held, label)
        self._counts[part] += 1
        self.seen += 1

    @property
    def shares(self) -> Mapping[Hashable, int]:
        """How many rows each part gives."""
        return quotas(self._counts, self._limit)

    @property
    def crowded(self) -> bool:
        """Has some part more labels than it gives rows?"""
        return any(strata.crowded(self.shares[part]) for part, strata in self._strata.items())

    def drawn(self) -> list[T]:
        """The rows, in the order that they were seen in."""
        shares = self.shares
        held = [one for part, strata in self._strata.items() for one in strata.drawn(shares[part])]
        return [row for _, _, row in sorted(held, key=lambda one: -one[1])]


class _Strata(Generic[T]):
    """The rows of one part, by label."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._counts: Counter[Hashable] = Counter()
        self._heaps: dict[Hashable, list[Held[T]]] = {}
        self._merged = False

    def add(self, held: Held[T], label: Hashable) -> None:
        if self._merged:
            label = ""
        elif label not in self._heaps and len(self._heaps) == self._limit:
            # More labels than rows: not each of them can have one, so labels do not count.
            self._heaps, label, self._merged = {"": self._least(self._limit)}, "", True
            self._heaps[""].sort()
            self._counts = Counter({"": self._counts.total()})
        self._counts[label] += 1
        heap = self._heaps.setdefault(label, [])
        if len(heap) < self._limit:
            heappush(heap, held)
        elif held > heap[0]:
            heapreplace(heap, held)

    def crowded(self, quota: int) -> bool:
        return self._merged or len(self._heaps) > quota

    def drawn(self, quota: int) -> Iterator[Held[T]]:
        if self.crowded(quota):
            yield from self._least(quota)
            return
        for label, share in quotas(self._counts, quota).items():
            yield from nsmallest(share, self._heaps[label], key=_draw)

    def _least(self, n: int) -> list[Held[T]]:
        return nsmallest(n, (held for heap in self._heaps.values() for held in heap), key=_draw)


def _draw(held: Held[T]) -> tuple[float, int]:
    return -held[0], -held[1]


def quotas(counts: Mapping[K, int], limit: int) -> dict[K, int]:
    """How much of ``limit`` each of them gets: its share, rounded by largest remainder.

    Each gets one at least, if there are no more of them than ``limit``; of equal remainders the
    first is rounded up.
    """
    total = sum(counts.values())
    if total <= limit:
        return dict(counts)
    found = dict.fromkeys(counts, 0)
    rest, free = dict(counts), limit
    if len(counts) <= limit:
        while small := [key for key, count in rest.items() if free * count < total]:
            for key in small:
                found[key] = 1
                total -= rest.pop(key)
            free -= len(small)
    for key, count in rest.items():
        found[key] = free * count // total
    for key in _largest_remainders(rest, free, total)[: limit - sum(found.values())]:
        found[key] += 1
    return found


def _largest_remainders(counts: Mapping[K, int], free: int, total: int) -> Sequence[K]:
    return sorted(counts, key=lambda key: -(free * counts[key] % total))
