"""Provenance: how an output came about, as facts that it carries."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any


def with_date(facts: Mapping[str, Any]) -> dict[str, Any]:
    """``facts``, then the date and time, UTC, to the second."""
    return {**facts, "date": datetime.now(UTC).isoformat(timespec="seconds")}
