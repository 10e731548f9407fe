"""Errors of the tokenizers library, which is written in Rust."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from poolwise.errors import PoolwiseError


@contextmanager
def library_errors_as(kind: Callable[[str], PoolwiseError], message: str) -> Iterator[None]:
    """Raise as ``kind`` what the library raises; its panics are no ``Exception``."""
    try:
        yield
    except BaseException as error:
        if isinstance(error, Exception) or type(error).__name__ == "PanicException":
            raise kind(f"{message}: {str(error)[:300]}") from error
        raise
