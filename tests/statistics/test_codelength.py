import numpy as np
import pytest

from poolwise.statistics.codelength import codelength
from poolwise.statistics.logistic import LogisticModel


def labelled(n=1000, d=6, classes=2, apart=1.0, seed=0):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, classes, n)
    return apart * 2 * rng.normal(size=(classes, d))[y] + rng.normal(size=(n, d)), y, rng


def test_blocks_are_those_of_the_paper():
    found = codelength(*labelled()[:2])
    assert [b.seen for b in found.blocks] == [0, 1, 2, 4, 8, 16, 32, 63, 125, 250, 500]
    assert sum(b.rows for b in found.blocks) == 1000
    assert found.blocks[0].bits == 1
    assert found.bits.value == pytest.approx(sum(b.bits for b in found.blocks) + 2)
    assert found.uniform == 1000


def test_equals_the_code_written_out():
    x, y, _ = labelled(50, classes=3)
    order = np.random.default_rng(0).permutation(50)
    x, y = x[order], y[order]
    found = codelength(x[np.argsort(order)], y[np.argsort(order)], strengths=[0.1])
    bits, seen = 0.0, 0
    for end in (1, 2, 4, 7, 13, 25, 50):
        model = LogisticModel(x[:seen], y[:seen], 0.1) if seen else None
        for row, label in zip(x[seen:end], y[seen:end], strict=True):
            known = model is not None and label in model.classes
            p = model.probabilities(row[None])[0, list(model.classes).index(label)] if known else 0
            bits -= np.log2((seen * p + 1) / (seen + 3))
        seen = end
    assert found.bits.value == pytest.approx(bits)


def test_what_is_in_the_vectors_is_compressed_and_shuffled_labels_are_not():
    x, y, rng = labelled(600, apart=0.5)
    task, control = codelength(x, y), codelength(x, rng.permutation(y))
    assert task.compression.low > 1.3
    assert 0.85 < control.compression.value < 1.02
    assert task.compression.low < task.compression.value < task.compression.high
    assert codelength(labelled(600, apart=0.2)[0], y).compression.value < task.compression.value


def test_unequal_frequencies_compress_without_any_vector():
    x, _, rng = labelled(1000)
    y = rng.random(1000) < 0.1
    entropy = -0.1 * np.log2(0.1) - 0.9 * np.log2(0.9)
    assert codelength(x, y).compression.value == pytest.approx(1 / entropy, rel=0.15)


def test_the_same_accuracy_found_sooner_is_shorter():
    """The label as one of 1 or of 80 features: with all rows either reads it."""
    x, y, rng = labelled(800, d=1, apart=1.5)
    wide = np.hstack([x, rng.normal(size=(800, 80))])
    assert codelength(x, y).bits.high < codelength(wide, y).bits.low


def test_more_labels_than_a_block_has_rows():
    x, y, _ = labelled(120, classes=40)
    found = codelength(x, y)
    assert np.isfinite(found.bits.value)
    assert found.blocks[0].bits == pytest.approx(found.blocks[0].rows * np.log2(len(set(y))))


def test_a_label_that_appears_late_costs_a_bounded_number_of_bits():
    x, y, _ = labelled(400)
    y[np.random.default_rng(0).permutation(400)[399]] = 2
    assert codelength(x, y, strengths=[0.1]).blocks[-1].bits < 400


def test_three_rows_and_one_label():
    x = labelled(3)[0]
    assert codelength(x, np.array([0, 1, 0])).bits.value > 0
    with pytest.raises(ValueError, match="3 rows with one label"):
        codelength(x, np.zeros(3))
