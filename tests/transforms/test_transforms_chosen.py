import numpy as np
import pytest

from poolwise.errors import ReadoutError, StoreError
from poolwise.readouts import parse
from poolwise.transforms import fit
from poolwise.transforms.chosen import Chosen

X = np.random.default_rng(0).normal(size=(50, 8)).astype(np.float32)
MADE = {"model": 'a "quoted" model', "model_hash": "abc", "poolwise": "0"}


def test_what_is_saved_is_loaded(tmp_path):
    readout = parse("mean@-1|whiten(4)|l2")
    path = tmp_path / "readout.toml"
    Chosen(readout, fit(readout, X), MADE).save(path)
    found = Chosen.load(path)
    assert found.readout == readout
    assert found.made == MADE
    np.testing.assert_array_equal(found.transform.apply(X), fit(readout, X).apply(X))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["readout.safetensors", "readout.toml"]


def test_a_readout_that_learned_nothing_leaves_no_transform_behind(tmp_path):
    path = tmp_path / "readout.toml"
    fitted = parse("mean@-1|center")
    Chosen(fitted, fit(fitted, X)).save(path)
    Chosen(parse("cls@2")).save(path)
    assert Chosen.load(path) == Chosen(parse("cls@2"), None, {})
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
        Chosen.load(path)
    with pytest.raises(StoreError, match="cannot be read"):
        Chosen.load(tmp_path / "none.toml")


def test_steps_of_another_readout_or_model_are_refused(tmp_path):
    readout = parse("mean@-1|center")
    path = tmp_path / "readout.toml"
    chosen = Chosen(readout, fit(readout, X), MADE)
    chosen.save(path)
    path.write_text(path.read_text().replace("mean@-1", "cls@-1"))
    with pytest.raises(StoreError, match="was fitted for mean@-1"):
        Chosen.load(path)
    chosen.check_model("abc")
    with pytest.raises(ReadoutError, match="sweep this one"):
        chosen.check_model("def")
    Chosen(parse("cls@1"), None, MADE).check_model("def")
