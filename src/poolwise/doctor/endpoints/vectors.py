"""Vectors in an answer, checked."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poolwise.errors import EndpointError, listed

Fail = Callable[[str], EndpointError]
"""Makes the error of a message, which it begins with the server's URL."""


def vectors_of(rows: Any, n_texts: int, fail: Fail) -> NDArray[Any]:
    """Lists of numbers, or base64 of little-endian float32, as vectors [n_texts, d].

    float64 where a number has a decimal point or an exponent, int64 where none has; float32 of
    base64. Raises ``fail`` of what is wrong.
    """
    if not isinstance(rows, list):
        raise fail(f"the vectors are {kind_of(rows)}, expected a list of {n_texts}")
    check_count(len(rows), n_texts, fail)
    if all(isinstance(row, str) for row in rows):
        rows = [_of_base64(row, i, fail) for i, row in enumerate(rows)]
    else:
        for i, row in enumerate(rows):
            _check_row(row, i, fail)
    _check_lengths([len(row) for row in rows], fail)
    return checked(_array(rows, fail), n_texts, fail)


def checked(vectors: NDArray[Any], n_texts: int, fail: Fail) -> NDArray[Any]:
    """The same vectors, which are [n_texts, d] and finite. Raises ``fail``."""
    if vectors.ndim == 3:
        raise fail(_token_vectors(vectors.shape[1]))
    if vectors.ndim != 2:
        raise fail(f"the vectors have the shape {list(vectors.shape)}, expected [{n_texts}, d]")
    check_count(len(vectors), n_texts, fail)
    if not vectors.shape[1]:
        raise fail("the vectors are empty; see the server's log")
    finite = np.isfinite(vectors)
    if not finite.all():
        row, column = np.argwhere(~finite)[0]
        raise fail(
            f"vector {row} has {vectors[row, column]} at {column}, expected finite numbers: the "
            "model overflows there (float16?) or the server is at fault"
        )
    return vectors


def check_count(found: int, n_texts: int, fail: Fail) -> None:
    """Raise ``fail`` unless there are as many vectors as texts."""
    if found != n_texts:
        raise fail(
            f"{found:,} vectors for {n_texts:,} texts, expected one each: the server drops or "
            "divides texts, or takes fewer in a request"
        )


def kind_of(value: Any) -> str:
    """What JSON calls it, for an error."""
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "a text"
        case dict():
            return f"an object with {listed(map(str, value), repr, limit=5)}" if value else "{}"
    return "a list"


def _check_row(row: Any, index: int, fail: Fail) -> None:
    """Raise ``fail`` unless it is a list of numbers."""
    if not isinstance(row, list):
        raise fail(f"vector {index} is {kind_of(row)}, expected a list of numbers")
    if row and isinstance(row[0], list):
        raise fail(_token_vectors(len(row)))
    kinds = set(map(type, row)) - {int, float}
    if kinds:
        column = next(i for i, value in enumerate(row) if type(value) in kinds)
        raise fail(
            f"vector {index} has {kind_of(row[column])} at {column}, expected a number; null is "
            "what servers write for NaN"
        )


def _check_lengths(lengths: Sequence[int], fail: Fail) -> None:
    other = next((i for i, length in enumerate(lengths) if length != lengths[0]), None)
    if other is not None:
        raise fail(
            f"vector 0 has {lengths[0]:,} numbers and vector {other} {lengths[other]:,}, expected "
            "as many in each"
        )


def _array(rows: Sequence[Any], fail: Fail) -> NDArray[Any]:
    if isinstance(rows[0], np.ndarray):
        return np.stack(rows)
    whole = all(type(value) is int for value in chain.from_iterable(rows))
    try:
        return np.array(rows, np.int64 if whole else np.float64)
    except OverflowError:
        raise fail("a number in the vectors is beyond 64 bits; see the server's log") from None


def _of_base64(text: str, index: int, fail: Fail) -> NDArray[np.float32]:
    try:
        content = base64.b64decode(text, validate=True)
        return np.frombuffer(content, "<f4").astype(np.float32)
    except (binascii.Error, ValueError):
        raise fail(
            f"vector {index} is a text that is no base64 of float32, expected a list of numbers"
        ) from None


def _token_vectors(n_tokens: int) -> str:
    return (
        f"the vectors are nested: {n_tokens:,} for one text, as of its tokens; expected one a text:"
        " start the server with a pool (mean, cls), or ask its route for sentences"
    )
