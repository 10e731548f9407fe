"""What a request's ``model`` names."""

from __future__ import annotations

import numpy as np
import pytest

import poolwise
from poolwise.errors import OptionError, ReadoutError
from poolwise.serving.catalogue import Catalogue, serve_model
from poolwise.serving.errors import UnknownModelError
from poolwise.transforms.fitted_readout import FittedReadout


@pytest.fixture(scope="module")
def catalogue(tiny):
    return Catalogue(
        [
            serve_model(tiny("bert"), ["mean@-1", "cls@-2|l2"], name="first"),
            serve_model(tiny("roberta"), ["max@-1", "mean@-1"], name="second:model"),
        ]
    )


@pytest.mark.parametrize(
    ("name", "model", "readout"),
    [
        (None, "first", "mean@-1"),
        ("", "first", "mean@-1"),
        ("first", "first", "mean@-1"),
        ("cls@-2|l2", "first", "cls@-2|l2"),
        ("first:cls@-2|l2", "first", "cls@-2|l2"),
        ("mean@-1", "first", "mean@-1"),
        ("max@-1", "second:model", "max@-1"),
        ("second:model", "second:model", "max@-1"),
        ("second:model:mean@-1", "second:model", "mean@-1"),
        ("second:model:mean@0|truncate(4)", "second:model", "mean@0|truncate(4)"),
        ("mean@avg(1,2)", "first", "mean@avg(1,2)"),
    ],
)
def test_a_name_is_a_model_a_readout_or_both(catalogue, name, model, readout):
    served, found = catalogue.find(name)
    assert (served.name, str(found)) == (model, readout)
    assert catalogue.find(name)[1] is found


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("third", "model 'third' not found; this server has first, first:cls@-2|l2, second:model"),
        ("first:third", "not found: "),
        ("mean@9", "no hidden state 9"),
        ("first:mean@-1|whiten(4)", "has to be fitted"),
        ("second:model:pooler@", "not found: "),
    ],
)
def test_what_is_not_served_is_told_with_an_offer(catalogue, name, says):
    with pytest.raises(UnknownModelError) as error:
        catalogue.find(name)
    assert says in str(error.value)
    assert "this server has first" in str(error.value)
    assert error.value.param == "model"


def test_readouts_of_requests_do_not_grow_without_end(catalogue):
    for size in range(1, 600):
        catalogue.find(f"mean@weights({size},1,1,1)")
    assert len(catalogue._requested) <= 256


def test_a_file_of_a_readout_is_named_after_its_folder(tiny, tmp_path):
    model = poolwise.load(tiny("bert"))
    steps = model.fit(["the cat", "a dog sat", "we ran"], "mean@-1|center")
    fitted = FittedReadout(poolwise.parse("mean@-1|center"), steps, {"model_hash": model.hash})
    (tmp_path / "sweep").mkdir()
    path = tmp_path / "sweep" / "readout.toml"
    fitted.save(path)
    catalogue = Catalogue([serve_model(tiny("bert"), ["cls@-1", path], name="m")])
    assert catalogue.names == ["m", "m:sweep"]
    for name in ("sweep", "m:sweep"):
        _, readout = catalogue.find(name)
        assert str(readout) == "mean@-1|center"
        rows = np.ones((1, 32), np.float32)
        assert np.array_equal(readout.steps.apply(rows), steps.apply(rows))


def test_two_models_of_one_name_are_refused(tiny):
    served = serve_model(tiny("bert"), ["mean@-1"], name="same")
    with pytest.raises(OptionError, match="two models are called same"):
        Catalogue([served, served])
    with pytest.raises(OptionError, match="nothing to serve"):
        Catalogue([])


def test_a_readout_that_the_model_lacks_ends_the_start(tiny):
    with pytest.raises(ReadoutError):
        serve_model(tiny("bert"), ["mean@7"])
    with pytest.raises(ReadoutError, match="fitted"):
        serve_model(tiny("bert"), ["mean@-1|whiten(3)"])
    with pytest.raises(ReadoutError, match=r"name a readout, for instance mean@-1"):
        serve_model(tiny("bert"))
