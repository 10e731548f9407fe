"""Steps one after another, rows that are not finite, and what cannot be done."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer, StandardScaler

from poolwise.errors import ReadoutError
from poolwise.readouts import parse, parse_steps
from poolwise.records import Floats
from poolwise.transforms import fit, stateless

Sets = tuple[Floats, Floats]
EVERYTHING = "mean@-1|l2|center|standardize|drop(2)|whiten(8)|truncate(6)|int8"


def test_each_step_is_fitted_on_what_the_ones_before_it_make(vectors: Sets) -> None:
    train, held_out = vectors
    result = fit(parse("mean@-1|l2|standardize|whiten(5)|l2"), train).apply(held_out)
    pipeline = make_pipeline(
        Normalizer(), StandardScaler(), PCA(5, whiten=True, svd_solver="full"), Normalizer()
    ).fit(train.astype(np.float64))
    expected = pipeline.transform(held_out.astype(np.float64))
    signs = np.sign(np.sum(result * expected, axis=0))
    np.testing.assert_allclose(result * signs, expected, rtol=1e-4, atol=1e-5)


def test_the_width_is_the_readouts(vectors: Sets) -> None:
    train, held_out = vectors
    for end in ("truncate(6)", "int8", "binary", "whiten(3)"):
        readout = parse(f"mean@-1|l2|{end}")
        assert fit(readout, train).apply(held_out).shape == (50, readout.width(24, 6))


def test_no_steps_change_nothing(vectors: Sets) -> None:
    _, held_out = vectors
    np.testing.assert_array_equal(stateless(parse("mean@-1")).apply(held_out), held_out)


@pytest.mark.parametrize("spec", [EVERYTHING, EVERYTHING.removesuffix("|int8"), "mean@-1|binary"])
def test_no_rows(vectors: Sets, spec: str) -> None:
    train, _ = vectors
    transform = fit(parse(spec), train)
    result = transform.apply(train[:0])
    assert result.shape == (0, parse(spec).width(24, 6))
    assert result.dtype == transform.apply(train).dtype


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_rows_that_are_not_finite(vectors: Sets, bad: float) -> None:
    train, held_out = (x.copy() for x in vectors)
    readout = parse("mean@-1|standardize|whiten(5)|l2")
    clean = fit(readout, train).apply(held_out)
    train = np.insert(train, 7, bad, axis=0)
    held_out[3, 1] = bad
    result = fit(readout, train).apply(held_out)
    assert np.isnan(result[3]).all()
    np.testing.assert_array_equal(np.delete(result, 3, axis=0), np.delete(clean, 3, axis=0))


@pytest.mark.parametrize("step", ["int8", "binary"])
def test_integers_know_no_nan(vectors: Sets, step: str) -> None:
    train, held_out = (x.copy() for x in vectors)
    held_out[3, 1] = np.nan
    result = fit(parse(f"mean@-1|{step}"), train).apply(held_out)
    assert not result[3].any()
    assert result[4].any()


def test_neighbours_change_no_row(vectors: Sets) -> None:
    train, held_out = vectors
    transform = fit(parse("mean@-1|l2|standardize|whiten(8)|l2"), train)
    together = transform.apply(held_out)
    for i in range(len(held_out)):
        np.testing.assert_allclose(transform.apply(held_out[i : i + 1])[0], together[i], rtol=1e-6)


@pytest.mark.parametrize("step", ["center", "standardize", "whiten(2)", "drop(1)", "int8"])
def test_an_unfitted_step(vectors: Sets, step: str) -> None:
    transform = stateless(parse(f"mean@-1|l2|{step}"))
    assert not transform.fitted
    with pytest.raises(ReadoutError, match=r"--fit TEXTS .* fit=texts") as caught:
        transform.apply(vectors[0])
    assert caught.value.spec == f"mean@-1|l2|{step}"
    assert caught.value.at == len("mean@-1|l2|")


def test_steps_alone(vectors: Sets) -> None:
    train, held_out = vectors
    transform = fit(parse_steps("whiten(4)|l2"), train)
    assert transform.spec == "|whiten(4)|l2"
    expected = fit(parse("mean@-1|whiten(4)|l2"), train).apply(held_out)
    np.testing.assert_array_equal(transform.apply(held_out), expected)
    with pytest.raises(ReadoutError) as caught:
        fit(parse_steps("l2|whiten(25)"), train)
    assert caught.value.at == len("|l2|")


def test_vectors_of_another_encoder(vectors: Sets) -> None:
    train, _ = vectors
    with pytest.raises(ReadoutError, match="fitted on vectors of 24 dimensions, found 23"):
        fit(parse("mean@-1|center"), train).apply(train[:, :23])


@pytest.mark.parametrize("step", ["truncate(25)", "whiten(25)"])
def test_too_few_dimensions(vectors: Sets, step: str) -> None:
    train, _ = vectors
    with pytest.raises(ReadoutError, match="more dimensions than the 24"):
        fit(parse(f"mean@-1|{step}"), train)


def test_too_few_dimensions_without_a_fit(vectors: Sets) -> None:
    with pytest.raises(ReadoutError, match="more dimensions than the 24"):
        stateless(parse("mean@-1|truncate(25)")).apply(vectors[0])


@pytest.mark.parametrize("rows", [0, 1])
def test_too_few_vectors(vectors: Sets, rows: int) -> None:
    train, _ = (x.copy() for x in vectors)
    train[rows:] = np.nan
    with pytest.raises(ReadoutError, match=f"at least two finite vectors, found {rows}"):
        fit(parse("mean@-1|center"), train)


def test_one_vector_is_no_matrix(vectors: Sets) -> None:
    with pytest.raises(ReadoutError, match=r"\[n, d\], found an array of shape \(24,\)"):
        fit(parse("mean@-1|center"), vectors[0][0])
