import pytest

import poolwise
from poolwise.errors import ReadoutError
from poolwise.selection.grid import canonical_key, expand_grid


@pytest.fixture(scope="module")
def model(tiny):
    return poolwise.load(tiny("bert"))


def specs(*args):
    return [str(r) for r in expand_grid(*args)]


def test_the_default_is_every_layer_and_pool_raw_standardised_and_whitened(model):
    found = specs(model, "default", 1000)
    for layer in (0, 1, 2, -1):
        for pool in ("cls", "sep", "mean", "mean[words]", "max", "wmean"):
            for step in ("", "|standardize", "|whiten(32)"):
                assert f"{pool}@{layer}{step}" in found
    assert {"mean@avg(1,-1)", "pooler"} <= set(found)
    assert len(found) == len(set(found))


def test_few_texts_carry_a_small_whitening_or_none(model):
    assert "cls@1|whiten(16)" in specs(model, "default", 40)
    assert not any("whiten" in spec for spec in specs(model, "default", 20))


def test_patterns(model):
    found = specs(model, "{cls,mean}@*|l2 max@{1,2}", 1000)
    assert found[:10] == [
        *(f"cls@{k}|l2" for k in (0, 1, 2, -1)),
        *(f"mean@{k}|l2" for k in (0, 1, 2, -1)),
        "max@1",
        "max@2",
    ]
    assert found[10:] == ["mean@-1", "pooler"]


def test_readouts_that_read_the_same_take_part_once(model):
    found = specs(model, "mean@3 mean@-1 mean@embeddings mean@0 mean@avg(3)", 1000)
    assert found == ["mean@3", "mean@embeddings", "pooler"]
    one, other = poolwise.parse("mean@avg(1,3)"), poolwise.parse("mean@avg(1,-1)")
    assert canonical_key(one, model) == canonical_key(other, model)
    assert canonical_key(one, model) != canonical_key(poolwise.parse("mean@avg(2,3)"), model)


def test_full_holds_the_default(model):
    assert set(specs(model, "default", 1000)) < set(specs(model, "full", 1000))


@pytest.mark.parametrize("asked", ["cls@9", "mean", "{cls", "mean@1|whiten(64)"])
def test_a_pattern_that_is_no_readout_of_this_encoder(model, asked):
    with pytest.raises(ReadoutError):
        expand_grid(model, asked, 1000)


def test_an_encoder_without_pooler_is_not_asked_for_it(tiny):
    assert "pooler" not in specs(poolwise.load(tiny("bert", pooler=False)), "default", 1000)
