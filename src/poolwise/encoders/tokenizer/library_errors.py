"""Errors of the tokenizers library, which is written in Rust."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType

from poolwise.errors import PoolwiseError


class library_errors_as:  # noqa: N801 - a context manager, read as a verb
    """Raise as ``kind`` what the library raises; its panics are no ``Exception``."""

    __slots__ = ("kind", "message")

    def __init__(self, kind: Callable[[str], PoolwiseError], message: str) -> None:
        self.kind, self.message = kind, message

    def __enter__(self) -> None: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if isinstance(error, Exception) or type(error).__name__ == "PanicException":
            raise self.kind(f"{self.message}: {str(error)[:300]}") from error
