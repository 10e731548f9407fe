"""Plain data: numbers of estimates, findings in JSON, flags of rows."""

from __future__ import annotations

import numpy as np

from poolwise.json_values import to_plain
from poolwise.provenance import with_date
from poolwise.records import ROW_FLAGS, Finding, Number, Sentence, VectorBatch
from poolwise.statistics.estimate import Estimate


def test_a_number_has_the_interval_and_the_note_of_its_estimate():
    where = {"readout": "cls@1"}
    estimate = Estimate(0.5, 0.4, 0.6, "few rows")
    assert Number.of("R²", estimate, where) == Number("R²", 0.5, 0.4, 0.6, where, note="few rows")
    assert Number.of("R²", estimate, where, control=True, note="other") == Number(
        "R²", 0.5, 0.4, 0.6, where, True, "other"
    )
    assert Number.of("R²", Estimate.constant(), {}).value is None


def test_the_provenance_of_a_finding_is_made_in_json():
    document = to_plain(Finding("length", "?", "!", provenance={"seed": 0}))
    assert "provenance" not in document
    assert document["made"] == {"seed": 0}


def test_the_date_comes_last():
    assert list(with_date({"seed": 0, "rows": 3})) == ["seed", "rows", "date"]


def test_flags_of_rows_are_counted():
    n = 3
    flags = {name: np.arange(n) < i for i, name in enumerate(ROW_FLAGS)}
    batch = VectorBatch([Sentence("a")] * n, {}, np.ones(n, np.int32), **flags)
    assert batch.flag_counts() == {name: i for i, name in enumerate(ROW_FLAGS)}
