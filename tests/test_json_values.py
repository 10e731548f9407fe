from __future__ import annotations

import datetime
import json
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pytest

from poolwise.json_values import rows, to_plain, unicode
from poolwise.records import Number


def test_what_a_study_may_hold_becomes_json() -> None:
    given = {
        "array": np.array([[1.5, np.nan], [np.inf, 2.0]], np.float32),
        "scalar": np.int32(3),
        "flag": np.bool_(True),
        1: (1, "two", None, True),
        "path": Path("a") / "b",
        "day": datetime.date(2020, 1, 2),
        "mapping": MappingProxyType({"x": -np.inf}),
    }
    expected = {
        "array": [[1.5, None], [None, 2.0]],
        "scalar": 3,
        "flag": True,
        "1": [1, "two", None, True],
        "path": str(Path("a") / "b"),
        "day": "2020-01-02",
        "mapping": {"x": None},
    }
    assert to_plain(given) == expected
    assert json.loads(json.dumps(to_plain(given), allow_nan=False)) == expected


def test_a_number_keeps_every_field() -> None:
    assert to_plain(Number("R²", 0.5, control=True)) == {
        "name": "R²",
        "value": 0.5,
        "low": None,
        "high": None,
        "where": {},
        "control": True,
        "note": "",
        "baseline": False,
    }


def test_columns_become_rows() -> None:
    assert rows({"x": np.arange(2), "y": ["a", "b"], "z": [0]}, "xy") == [
        {"x": 0, "y": "a"},
        {"x": 1, "y": "b"},
    ]


def test_columns_of_unequal_length_are_refused() -> None:
    with pytest.raises(ValueError, match="shorter"):
        rows({"x": [1, 2], "y": [1]}, "xy")


def test_what_is_no_character_is_spelled_out() -> None:
    assert unicode("d\udcff é \U0001f600") == r"d\udcff é 😀"
    assert to_plain({"d\udcff": [Path("\udcff"), "é"]}) == {r"d\udcff": [r"\udcff", "é"]}
