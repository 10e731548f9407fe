"""What is said stays short, whatever is given."""

from __future__ import annotations

import json
import time

import pyarrow as pa
import pyarrow.parquet as pq
import pytest


@pytest.mark.parametrize("columns", [[], ["--column", "nope"]])
@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_a_table_of_many_columns_is_told_in_short(run, tmp_path, form, columns):
    names = [f"number_{i}" for i in range(10_000 if form == "parquet" else 200_000)]
    table = tmp_path / f"wide.{form}"
    match form:
        case "csv":
            table.write_text(f"{','.join(names)}\n{','.join('x' * len(names))}\n")
        case "jsonl":
            table.write_text(json.dumps(dict.fromkeys(names, "x")) + "\n")
        case "parquet":
            pq.write_table(pa.table({name: ["x"] for name in names}), table)
    began = time.process_time()
    code, _, err = run("embed", "demo", table, "-o", tmp_path / "v.npy", *columns)
    assert time.process_time() - began < 20
    assert code == 4
    assert len(err) < 1000
    assert f"'number_19' and {len(names) - 20:,} more" in err
