"""Names of columns in a target: as they are, or derived from a spec, each once."""

import pyarrow as pa
import pytest

from poolwise.jobs.targets.part_rows import PartSchema, VectorColumn
from poolwise.jobs.targets.target_names import shortened, sql_name, target_names


@pytest.mark.parametrize(
    ("spec", "name"),
    [
        ("mean@-1", "mean_m1"),
        ("mean@-1|l2", "mean_m1_l2"),
        ("mean@0+-1", "mean_0_m1"),
        ("cls@-4..-1", "cls_m4_m1"),
        ("embedding", "embedding"),
        ("2@x", "v_2_x"),
        ("é", "v_"),
    ],
)
def test_a_spec_gives_a_name_for_sql(spec, name):
    assert sql_name(spec) == name


def named(*columns, vectors=(), **options):
    fields = pa.schema([(name, pa.int64()) for name in ("id", *columns)])
    schema = PartSchema(fields, tuple(VectorColumn(n, n, 1, "float32") for n in vectors))
    return target_names(schema, **options)


def test_a_readout_makes_way_for_a_column_of_its_name():
    found = named("mean@-1", "MEAN_m1", "mean@m1", "a b", vectors=("mean@-1", "mean@m1"))
    assert found == {
        "id": "id",
        "mean@-1": "mean_m1_2",
        "MEAN_m1": "MEAN_m1",
        "mean@m1": "mean_m1_3",
        "a b": "a b",
    }


def test_names_that_a_target_does_not_take():
    assert named("xmin", "a.b", reserved=["xmin"], refused=".") == {
        "id": "id",
        "xmin": "xmin_2",
        "a.b": "a_b",
    }


def test_long_names_are_cut_and_stay_apart():
    names = [f"{'ü' * 40}{at}" for at in range(2)]
    found = named(*names)
    assert len({*found.values()}) == 3
    assert all(len(name.encode()) <= 63 for name in found.values())
    assert shortened("a" * 63, 63) == "a" * 63
