"""Each step against scikit-learn and sentence-transformers, on vectors held out of the fit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler, normalize

from poolwise.errors import ReadoutError
from poolwise.readouts import parse, parse_steps
from poolwise.records import Floats
from poolwise.transforms import fit, stateless

Sets = tuple[Floats, Floats]


def signs_as(x: Floats, of: Floats) -> Floats:
    """x with its columns turned as those of the other."""
    return x * np.sign(np.sum(x * of, axis=0))


def test_l2(vectors: Sets) -> None:
    _, held_out = vectors
    result = stateless(parse("mean@-1|l2")).apply(held_out)
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, normalize(held_out), rtol=1e-6)


def test_l2_leaves_zeros() -> None:
    assert not stateless(parse("mean@-1|l2")).apply(np.zeros((2, 3), np.float32)).any()


@pytest.mark.parametrize("scale", [1e-42, 1e-20, 1e30, 3e38])
def test_l2_at_the_ends_of_float32(scale: float) -> None:
    x = np.array([[3, 4]], dtype=np.float32) / 4 * np.float32(scale)
    np.testing.assert_allclose(np.linalg.norm(stateless(parse_steps("l2")).apply(x)), 1, rtol=1e-6)


def test_center(vectors: Sets) -> None:
    train, held_out = vectors
    result = fit(parse("mean@-1|center"), train).apply(held_out)
    scaler = StandardScaler(with_std=False).fit(train.astype(np.float64))
    np.testing.assert_allclose(result, scaler.transform(held_out), rtol=1e-5, atol=1e-6)


def test_standardize(vectors: Sets) -> None:
    train, held_out = vectors
    result = fit(parse("mean@-1|standardize"), train).apply(held_out)
    scaler = StandardScaler().fit(train.astype(np.float64))
    np.testing.assert_allclose(result, scaler.transform(held_out), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("constant", [0.0, 0.1, -1e-8, 1e30])
def test_a_constant_dimension_becomes_zero(vectors: Sets, constant: float) -> None:
    train, held_out = (x.copy() for x in vectors)
    train[:, 3] = constant
    result = fit(parse("mean@-1|standardize"), train).apply(held_out)
    assert not result[:, 3].any()
    assert (np.delete(result, 3, axis=1) != 0).any(axis=0).all()


def test_a_dimension_constant_up_to_rounding_becomes_zero(vectors: Sets) -> None:
    train, _ = (x.copy() for x in vectors)
    train[:, 3] = np.nextafter(np.float32(7), np.float32(8))
    train[::2, 3] = 7
    assert not fit(parse("mean@-1|standardize"), train).apply(train)[:, 3].any()


@pytest.mark.parametrize("k", [1, 5, 24])
def test_whiten_is_pca_with_whitening(vectors: Sets, k: int) -> None:
    train, held_out = vectors
    result = fit(parse(f"mean@-1|whiten({k})"), train).apply(held_out)
    pca = PCA(n_components=k, whiten=True, svd_solver="full").fit(train.astype(np.float64))
    expected = pca.transform(held_out.astype(np.float64))
    np.testing.assert_allclose(signs_as(result, expected), expected, rtol=1e-4, atol=1e-5)


def test_whitened_vectors_have_unit_covariance(vectors: Sets) -> None:
    train, _ = vectors
    result = fit(parse("mean@-1|whiten(24)"), train).apply(train)
    np.testing.assert_allclose(np.cov(result, rowvar=False), np.eye(24), atol=1e-5)


def test_drop_removes_principal_components(vectors: Sets) -> None:
    train, held_out = vectors
    result = fit(parse("mean@-1|drop(3)"), train).apply(held_out)
    pca = PCA(n_components=3, svd_solver="full").fit(train.astype(np.float64))
    centered = held_out - pca.mean_
    expected = centered - (centered @ pca.components_.T) @ pca.components_
    np.testing.assert_allclose(result, expected, rtol=1e-4, atol=1e-5)


def test_truncate(vectors: Sets) -> None:
    _, held_out = vectors
    result = stateless(parse("mean@-1|truncate(5)")).apply(held_out)
    np.testing.assert_array_equal(result, held_out[:, :5])


@pytest.mark.parametrize("precision", ["int8", "binary"])
@pytest.mark.parametrize("dimensions", [24, 13])
def test_quantization_is_that_of_sentence_transformers(
    vectors: Sets, precision: str, dimensions: int
) -> None:
    from sentence_transformers.util.quantization import quantize_embeddings

    train, held_out = (x[:, :dimensions] for x in vectors)
    result = fit(parse(f"mean@-1|{precision}"), train).apply(held_out)
    ranges = np.stack([train.min(axis=0), train.max(axis=0)])
    expected = quantize_embeddings(held_out, precision, ranges=ranges)
    assert result.dtype == expected.dtype == np.int8
    np.testing.assert_array_equal(result, expected)


@settings(deadline=None)
@given(
    arrays(
        np.float32,
        array_shapes(min_dims=2, max_dims=2, min_side=2),
        elements=st.floats(-1e6, 1e6, width=32),
    )
)
def test_quantization_of_any_vectors(x: Floats) -> None:
    from sentence_transformers.util.quantization import quantize_embeddings

    train, held_out = x[: len(x) // 2 + 1], x[len(x) // 2 :]
    ranges = np.stack([train.min(axis=0), train.max(axis=0)])
    for precision in ("int8", "binary"):
        with np.errstate(over="ignore"):
            expected = quantize_embeddings(held_out, precision, ranges=ranges)
        np.testing.assert_array_equal(fit(parse_steps(precision), train).apply(held_out), expected)


def test_values_beyond_the_fitted_range_are_clipped(vectors: Sets) -> None:
    train, _ = vectors
    result = fit(parse("mean@-1|int8"), train).apply(np.stack([train[0] + 1e3, train[0] - 1e3]))
    np.testing.assert_array_equal(result, [[127] * 24, [-128] * 24])


@pytest.mark.parametrize("step", ["whiten", "drop"])
def test_directions_that_the_vectors_do_not_have(vectors: Sets, step: str) -> None:
    train, _ = vectors
    with pytest.raises(ReadoutError, match="10 vectors of 24 dimensions differ in 9") as caught:
        fit(parse(f"mean@-1|l2|{step}(10)"), train[:10])
    assert caught.value.at == len("mean@-1|l2|")
    assert fit(parse(f"mean@-1|l2|{step}(9)"), train[:10]).fitted


def test_rounding_is_no_direction(vectors: Sets) -> None:
    train, _ = vectors
    dependent = train.copy()
    dependent[:, -1] = dependent[:, :-1].mean(axis=1)
    with pytest.raises(ReadoutError, match="differ in 23 directions"):
        fit(parse("mean@-1|whiten(24)"), dependent)


def test_whitening_is_the_same_in_any_order(vectors: Sets) -> None:
    train, held_out = vectors
    forwards = fit(parse("mean@-1|whiten(24)"), train).apply(held_out)
    backwards = fit(parse("mean@-1|whiten(24)"), train[::-1]).apply(held_out)
    np.testing.assert_allclose(forwards, backwards, rtol=1e-4, atol=1e-6)
