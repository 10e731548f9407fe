import errno
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from poolwise.errors import PoolwiseWarning, ReadoutError, StoreError
from poolwise.readouts import parse
from poolwise.transforms import fit
from poolwise.transforms.fitted_readout import FittedReadout

X = np.random.default_rng(0).normal(size=(50, 8)).astype(np.float32)
MADE = {"model": 'a "quoted" model', "model_hash": "abc", "poolwise": "0"}


def test_what_is_saved_is_loaded(tmp_path):
    readout = parse("mean@-1|whiten(4)|l2")
    path = tmp_path / "readout.toml"
    FittedReadout(readout, fit(readout, X), MADE).save(path)
    found = FittedReadout.load(path)
    assert found.readout == readout
    assert found.provenance == MADE
    np.testing.assert_array_equal(found.transform.apply(X), fit(readout, X).apply(X))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["readout.safetensors", "readout.toml"]


def test_a_readout_that_learned_nothing_leaves_no_transform_behind(tmp_path):
    path = tmp_path / "readout.toml"
    fitted = parse("mean@-1|center")
    FittedReadout(fitted, fit(fitted, X)).save(path)
    FittedReadout(parse("cls@2")).save(path)
    assert FittedReadout.load(path) == FittedReadout(parse("cls@2"), None, {})
    assert [p.name for p in tmp_path.iterdir()] == ["readout.toml"]


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("readout = 3", "expected a line readout"),
        ("readout = ", "not a readout.toml"),
        ('readout = "mean@-1|center"', "no file of what its steps have learned"),
        ('readout = "mean@-1|center"\ntransform = "../x.safetensors"', "beside it"),
        ('readout = "mean@-1|center"\ntransform = "x.safetensors"', "cannot read"),
    ],
)
def test_other_files_are_refused(tmp_path, text, error):
    path = tmp_path / "readout.toml"
    path.write_text(text)
    with pytest.raises(StoreError, match=error):
        FittedReadout.load(path)
    with pytest.raises(StoreError, match="cannot be read"):
        FittedReadout.load(tmp_path / "none.toml")


def test_steps_of_another_readout_or_model_are_refused(tmp_path):
    readout = parse("mean@-1|center")
    path = tmp_path / "readout.toml"
    chosen = FittedReadout(readout, fit(readout, X), MADE)
    chosen.save(path)
    path.write_text(path.read_text().replace("mean@-1", "cls@-1"))
    with pytest.raises(StoreError, match="was fitted for mean@-1"):
        FittedReadout.load(path)
    chosen.check_model("abc")
    with pytest.raises(ReadoutError, match="sweep this one"):
        chosen.check_model("def")
    with pytest.warns(PoolwiseWarning, match="another readout may suit this one better"):
        FittedReadout(parse("cls@1"), None, MADE).check_model("def")


@given(provenance=st.dictionaries(st.text(), st.text()), prompt=st.text())
def test_any_text_is_read_back(tmp_path_factory, provenance, prompt):
    path = tmp_path_factory.mktemp("toml") / "readout.toml"
    FittedReadout(parse("mean@-1"), None, provenance, prompt).save(path)
    assert FittedReadout.load(path) == FittedReadout(parse("mean@-1"), None, provenance, prompt)


def test_a_path_that_is_no_unicode_is_spelled_out(tmp_path):
    path = tmp_path / "readout.toml"
    FittedReadout(parse("mean@-1"), None, {"model": "d\udcff \U0001f600"}).save(path)
    assert FittedReadout.load(path).provenance == {"model": r"d\udcff 😀"}


@pytest.mark.parametrize(
    ("name", "prompt", "told"),
    [("readout", "q\ud800", "prompt = 'q"), ("r\udcff", None, "transform = 'r")],
)
def test_what_could_not_be_read_back_is_not_written(tmp_path, name, prompt, told):
    readout = parse("mean@-1|center")
    chosen = FittedReadout(readout, fit(readout, X), MADE, prompt)
    with pytest.raises(StoreError, match=f"{told}.* half of a surrogate pair"):
        chosen.save(tmp_path / f"{name}.toml")
    assert not [*tmp_path.iterdir()]


def test_a_full_disk_leaves_no_half(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(StoreError, match="No space left"):
        FittedReadout(parse("mean@-1")).save(tmp_path / "readout.toml")
    assert not [*tmp_path.iterdir()]


def test_a_home_that_nobody_has():
    with pytest.raises(StoreError, match=r"~nobody-here/readout\.toml cannot be read"):
        FittedReadout.of("~nobody-here/readout.toml")
