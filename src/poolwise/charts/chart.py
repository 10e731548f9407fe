"""What every chart has: a kind, a title, a caption, and its data as columns."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol


class IntervalEstimate(Protocol):
    """A statistic with its 95 % interval; None where undefined. A gap in every chart."""

    @property
    def value(self) -> float | None: ...
    @property
    def low(self) -> float | None: ...
    @property
    def high(self) -> float | None: ...


@dataclass(frozen=True, slots=True)
class Chart(ABC):
    """Data for one chart. ``caption`` says in sentences what was measured, and how."""

    kind: ClassVar[str]
    """The chart's kind in findings.json."""

    title: str
    caption: str = field(default="", kw_only=True)

    @property
    @abstractmethod
    def data(self) -> dict[str, Any]:
        """Labels, and columns of equal length."""

    def to_json(self) -> dict[str, Any]:
        """``kind``, ``title``, ``data`` and ``caption``, as findings.json holds them."""
        return {
            "kind": self.kind,
            "title": self.title,
            "data": self.data,
            "caption": self.caption,
        }


def interval_columns(estimates: Iterable[IntervalEstimate]) -> dict[str, list[float | None]]:
    """The columns ``value``, ``low`` and ``high``."""
    estimates = list(estimates)
    return {
        "value": [estimate.value for estimate in estimates],
        "low": [estimate.low for estimate in estimates],
        "high": [estimate.high for estimate in estimates],
    }


def optional_column(name: str, values: Sequence[str | None]) -> dict[str, list[str]]:
    """The column ``name``, or nothing where no row has a value."""
    if all(value is None for value in values):
        return {}
    return {name: [value or "" for value in values]}
