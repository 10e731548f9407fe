"""A table with a column of vectors: what every place that stores vectors is read as."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from poolwise.doctor.stored.places import spread_places

ColumnKind = Literal["floats", "bytes", "text", "other"]
"""Vectors of floats, vectors of 8-bit integers, a text, or a value of another kind."""

Places = NDArray[np.int64]
"""Rows by their numbers from 0, ascending."""


@dataclass(frozen=True, slots=True)
class VectorColumn:
    """``vectors`` [m, d] of those of n rows that have one, as ``present``, bool [n], says."""

    vectors: NDArray[Any]
    present: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class VectorRows:
    """Rows [n]: their vectors, and the values of other columns by name."""

    column: VectorColumn
    fields: Mapping[str, Sequence[Any]]


@dataclass(frozen=True, slots=True)
class ChosenIds:
    """Rows by the values that ``column`` has in them, as ``VectorTable.ids`` gives them, and by
    their places among all that it gives."""

    column: str
    ids: Sequence[Any]
    places: Places


class VectorTable(Protocol):
    """Rows with vectors. Each method raises StoreError where they cannot be read."""

    @property
    def label(self) -> str:
        """How a sentence names it."""

    @property
    def columns(self) -> Mapping[str, ColumnKind]:
        """The kinds of its columns, in their order."""

    def count(self) -> int:
        """The number of its rows, nearly where ``sample`` goes by an estimate."""

    def sample(
        self, vectors: str, fields: Sequence[str], limit: int | None, seed: int
    ) -> VectorRows:
        """At most ``limit`` rows, drawn by ``seed`` from all parts of the table."""

    def ids(self, column: str) -> Iterator[Any]:
        """The values of a column in all rows."""

    def with_ids(self, chosen: ChosenIds, vectors: str) -> VectorRows:
        """The rows that are chosen, in any order, with ``chosen.column`` among the fields."""


class OrderedTable(ABC):
    """A VectorTable whose rows have numbers."""

    @property
    @abstractmethod
    def label(self) -> str:
        """As VectorTable has it, and so are the others."""

    @property
    @abstractmethod
    def columns(self) -> Mapping[str, ColumnKind]: ...

    @abstractmethod
    def count(self) -> int: ...

    @abstractmethod
    def ids(self, column: str) -> Iterator[Any]: ...

    @abstractmethod
    def at(self, places: Places, vectors: str, fields: Sequence[str]) -> VectorRows:
        """The rows at these places."""

    def places(self, limit: int | None, seed: int) -> Places:
        """Those that ``sample`` gives."""
        return spread_places(self.count(), limit, seed)

    def sample(
        self, vectors: str, fields: Sequence[str], limit: int | None, seed: int
    ) -> VectorRows:
        return self.at(self.places(limit, seed), vectors, fields)

    def with_ids(self, chosen: ChosenIds, vectors: str) -> VectorRows:
        return self.at(chosen.places, vectors, [chosen.column])
