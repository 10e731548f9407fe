"""Which modules a readout becomes, and which readouts become none."""

from __future__ import annotations

import numpy as np
import pytest

import poolwise
from poolwise.errors import ReadoutError
from poolwise.exports.stack import encoder_stack, module_stack
from poolwise.readouts import parse
from poolwise.transforms import fit, stateless

WIDTH = 32


@pytest.fixture(scope="module")
def bert(tiny):
    return poolwise.load(tiny("bert"))


def stack(encoder, spec):
    return module_stack(encoder, parse(spec), stateless(parse(spec)))


@pytest.mark.parametrize(
    ("spec", "blocks", "names"),
    [
        ("mean@-1", 3, ["Pooling"]),
        ("cls@2", 2, ["Pooling"]),
        ("token[0]@1|l2", 1, ["Pooling", "Normalize"]),
        ("mean@avg(1,-1)", 3, ["WeightedLayerPooling", "Pooling"]),
        ("mean@sum(1,2)", 2, ["WeightedLayerPooling", "Pooling", "Dense"]),
        ("mean@avg(2,2)", 2, ["Pooling"]),
        ("max@weights(2=0.5)", 2, ["Pooling", "Dense"]),
        ("mean@embeddings", 1, ["WeightedLayerPooling", "Pooling"]),
        ("meanmax@1", 1, ["Pooling", "Dense"]),
        ("pooler|truncate(8)|l2", 3, ["Pooling", "Dense", "Dense", "Normalize"]),
    ],
)
def test_readouts_become_stock_modules(bert, spec, blocks, names):
    made = stack(bert, spec)
    assert made.blocks == blocks
    assert [module.kind for module in made.modules] == names


@pytest.mark.parametrize(
    ("spec", "why", "nearest"),
    [
        ("mean@concat(1,2)", "side by side", r"mean@avg\(1,2\)"),
        ("token[3]@1", "the first token or the last", "cls@1"),
        ("mean[words]@-1|l2", "special tokens too", r"mean@-1\|l2"),
        ("max[words]@2", "special tokens too", "max@2"),
        ("mean@-1|binary", "modules give floats", 'mean@-1; .*precision="binary"'),
        ("mean@-1|l2|truncate(4)", "behind Normalize", r"mean@-1\|truncate\(4\)\|l2"),
        ("mean@weights(1=1,2=-1)", "sum of the weights, which is 0", "weights of another sum"),
        ("max@weights(1=1,2=-2)", "is a min", "the same weights with the other sign"),
    ],
)
def test_what_no_module_gives_is_refused_with_what_comes_nearest(bert, spec, why, nearest):
    with pytest.raises(ReadoutError, match=f"{why}.*Nearest is {nearest}"):
        stack(bert, spec)


def test_a_readout_that_the_encoder_lacks_is_refused(bert, tiny):
    with pytest.raises(ReadoutError, match="no hidden state 9"):
        stack(bert, "cls@9")
    with pytest.raises(ReadoutError, match="no pooler weights"):
        stack(poolwise.load(tiny("distilbert")), "pooler")


@pytest.mark.parametrize(
    "steps", ["center", "standardize|truncate(7)", "drop(3)|whiten(5)", "whiten(9)|drop(2)"]
)
def test_one_dense_is_the_whole_chain_of_steps(bert, steps):
    rng = np.random.default_rng(0)
    x = (rng.normal(size=(200, WIDTH)) @ rng.normal(size=(WIDTH, WIDTH)) + 3).astype(np.float32)
    readout = parse(f"mean@-1|{steps}")
    fitted = fit(readout, x)
    dense = module_stack(bert, readout, fitted).modules[-1]
    weight, bias = dense.tensors["linear.weight"], dense.tensors["linear.bias"]
    assert (dense.config["out_features"], dense.config["in_features"]) == weight.shape
    np.testing.assert_allclose(x @ weight.T + bias, fitted.apply(x), atol=1e-4)


def test_the_encoder_alone_ends_with_the_layer_that_is_read(bert, tiny):
    assert encoder_stack(bert, parse("token[3]@2")).blocks == 2
    assert encoder_stack(bert, parse("pooler")).blocks == 3
    for spec in ("mean@-1|l2", "mean@avg(1,2)", "mean@embeddings"):
        with pytest.raises(ReadoutError, match="an encoder alone"):
            encoder_stack(bert, parse(spec))
    with pytest.raises(ReadoutError, match="Nearest is pooler,"):
        encoder_stack(bert, parse("pooler|l2"))
    with pytest.raises(ReadoutError, match="never hidden state 2"):
        encoder_stack(poolwise.load(tiny("modernbert")), parse("mean@2"))
