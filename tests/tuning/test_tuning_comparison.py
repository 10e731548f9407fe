"""What fine-tuning makes of a sweep's readout.toml."""

from __future__ import annotations

import pytest

import poolwise
from poolwise.errors import PoolwiseWarning, ReadoutError
from poolwise.readouts import parse
from poolwise.transforms.fitted_readout import FittedReadout
from poolwise.tuning.comparison import _resolved


@pytest.fixture
def model(tiny):
    return poolwise.load(tiny("bert"))


def test_a_file_is_its_readout_with_its_prompt(model, tmp_path):
    FittedReadout(parse("mean@2"), prompt="a cat: ").save(tmp_path / "readout.toml")
    found, specs = _resolved(model, ["cls@mix", str(tmp_path / "readout.toml"), "mean@2"])
    assert specs == ["cls@mix", "mean@2"]
    assert found.prefix == "a cat: "


def test_steps_are_left_out_and_said(model, tmp_path):
    FittedReadout(parse("mean@2|l2")).save(tmp_path / "readout.toml")
    with pytest.warns(PoolwiseWarning, match=r"steps of mean@2\|l2 belong to frozen vectors"):
        found, specs = _resolved(model, [str(tmp_path / "readout.toml")])
    assert (found, specs) == (model, ["mean@2"])


def test_a_file_of_another_model_is_refused(model, tiny, tmp_path):
    spec = "mean@2|center"
    steps = poolwise.load(tiny("roberta")).fit(["a cat", "a dog"], spec)
    FittedReadout(parse(spec), steps, {"model_hash": "0" * 64}).save(tmp_path / "readout.toml")
    with pytest.raises(ReadoutError, match="was fitted on another model"):
        _resolved(model, [str(tmp_path / "readout.toml")])
