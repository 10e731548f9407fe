"""Rows of a chart as Vega-Lite's inline data: one flat mapping of to_plain values each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from typing import Any

from poolwise.charts import IntervalEstimate
from poolwise.json_values import to_plain


def inline_rows(rows: Iterable[Any]) -> list[dict[str, Any]]:
    """The fields of each row, a dataclass; ``estimate`` becomes ``value``, ``low`` and ``high``."""
    return [_inline_row(row) for row in rows]


def interval_fields(estimate: IntervalEstimate) -> dict[str, float | None]:
    """``value``, ``low`` and ``high``; None where undefined or not finite."""
    return {
        "value": to_plain(estimate.value),
        "low": to_plain(estimate.low),
        "high": to_plain(estimate.high),
    }


def _inline_row(row: Any) -> dict[str, Any]:
    values = {field.name: getattr(row, field.name) for field in fields(row)}
    estimate = values.pop("estimate", None)
    flat: dict[str, Any] = to_plain(values)
    return flat if estimate is None else {**flat, **interval_fields(estimate)}
