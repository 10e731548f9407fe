"""A tiny model's folder, and real questions of two kinds."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from poolwise.embedder.pooled_cache import CACHE

BANKING = Path(__file__).parent.parent.parent / "examples" / "banking77.csv"


@pytest.fixture(autouse=True)
def empty_cache():
    CACHE.clear()


@pytest.fixture(scope="module")
def folder(tiny):
    return str(tiny("bert"))


@pytest.fixture(scope="module")
def banking():
    with BANKING.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    kinds = ("card_arrival", "exchange_rate")
    chosen = [r for kind in kinds for r in [r for r in rows if r["category"] == kind][:30]]
    return [r["text"] for r in chosen], [r["category"] for r in chosen]
