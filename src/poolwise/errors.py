"""Every exception that poolwise raises, in one tree.

A message says what was found, what was expected, where, and what to do. It may quote untrusted
text, so its control characters are escaped. The command line catches ``PoolwiseError``, and turns
the system's own errors into one; each class names its exit code.
"""

from __future__ import annotations

import copyreg
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

from poolwise.escaping import escape_control, escape_control_lines

MAX_LENGTH = 2000
"""Characters of a message: a table may have 200,000 columns, and a line 50 million characters."""

_HEAD, _TAIL = 1400, 400


def listed(names: Iterable[str], show: Callable[[str], str] = str, *, limit: int = 8) -> str:
    """The first ``limit`` names with commas between them, and how many more there are.

    Each is cut to 60 characters, then passed to ``show``.
    """
    remaining = iter(names)
    shortened = (name if len(name) <= 60 else f"{name[:59]}…" for name in islice(remaining, limit))
    text = ", ".join(map(show, shortened))
    n_more = sum(1 for _ in remaining)
    return text + (f" and {n_more:,} more" if n_more else "")


def bounded(message: str) -> str:
    """A message that is too long, without its middle: what to do stands at the end."""
    if len(message) <= MAX_LENGTH:
        return message
    omitted = len(message) - _HEAD - _TAIL
    return f"{message[:_HEAD]} … ({omitted:,} characters) … {message[-_TAIL:]}"


class PoolwiseError(Exception):
    """The root: something the user can act on."""

    exit_code = 1

    def __init__(self, message: str = "") -> None:
        super().__init__(escape_control_lines(message))

    def __reduce__(self) -> tuple[Any, ...]:
        # By the whole message, for some are made of its parts: workers send errors home.
        return copyreg.__newobj__, (type(self), *self.args), self.__dict__  # type: ignore[attr-defined]

    def __str__(self) -> str:
        return bounded(super().__str__())


class ReadoutError(PoolwiseError):
    """A readout string that cannot be understood, or that this encoder cannot give.

    ``spec`` is the whole string and ``at`` the index of the offending character; the message
    then shows both with a caret underneath.
    """

    exit_code = 2

    def __init__(self, message: str, spec: str | None = None, at: int | None = None) -> None:
        self.spec, self.at = spec, at
        if spec is not None and at is not None:
            message = f"{message}\n\n{_caret(spec, at)}"
        super().__init__(message)


def _caret(spec: str, at: int) -> str:
    """The part of ``spec`` around ``at`` on one line, with a caret under that character."""
    start = max(at - 60, 0)
    excerpt = "".join(c if c.isprintable() else "\ufffd" for c in spec[start : at + 60])
    return f"    {excerpt}\n    {' ' * (at - start)}^"


class OptionError(PoolwiseError, ValueError):
    """An argument that is none of its choices, such as ``long="cut"``."""

    exit_code = 2


class EncoderError(PoolwiseError):
    """A model that cannot be found, read or trusted."""

    exit_code = 3


class UnsafeModelError(EncoderError):
    """A model file that breaks one of the safety checks; nothing of it has been run."""


class TextError(PoolwiseError):
    """A text source that cannot be found or read."""

    exit_code = 4


class EncodingError(TextError):
    """A text file that is not in the encoding it is read with."""


class ColumnError(TextError):
    """A table that does not show which of its columns holds the texts."""


class RowError(TextError):
    """One text of several that cannot be read; ``index`` says which, and the message ``reason``."""

    def __init__(self, index: int, reason: str) -> None:
        self.index, self.reason = index, reason
        super().__init__(f"text {index}: {reason}")


class StoreError(PoolwiseError):
    """Vectors, or what was fitted on them, that cannot be written or read back."""

    exit_code = 5


class NameTakenError(StoreError):
    """A file that is there already, and may not be replaced."""


class MissingExtraError(PoolwiseError):
    """An optional part is not installed; the message names the command that installs it."""

    exit_code = 6

    def __init__(self, needed_for: str, extra: str) -> None:
        super().__init__(f"{needed_for} needs an optional part: pip install 'poolwise[{extra}]'")


EXTRAS = {
    "torch": ("torch", "transformers"),
    "data": ("datasets",),
    "objects": ("fsspec", "s3fs", "gcsfs"),
    "baselines": ("gensim",),
    "retrieval": ("bm25s",),
    "export": ("sentence_transformers", "torch", "transformers"),
    "onnx": ("onnx", "onnx_ir", "onnxruntime", "onnxscript", "torch", "transformers"),
    "tune": ("accelerate", "torch", "transformers"),
    "mteb": ("mteb",),
    "keras": ("h5py",),
    "serve": (
        "httptools",
        "msgspec",
        "orjson",
        "prometheus_client",
        "starlette",
        "uvicorn",
        "uvloop",
        "zmq",
    ),
    "ray": ("ray",),
    "langchain": ("langchain_core",),
    "llama-index": ("llama_index",),
    "haystack": ("haystack",),
    "chroma": ("chromadb",),
    "spacy": ("spacy",),
    "pgvector": ("psycopg",),
    "lance": ("lancedb",),
    "faiss": ("faiss",),
    "usearch": ("usearch",),
}
"""The packages that each optional part brings."""


@contextmanager
def needs(extra: str, needed_for: str) -> Iterator[None]:
    """Around imports: a missing package of ``extra`` is a MissingExtraError, any other is not."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in EXTRAS[extra]:
            raise
        raise MissingExtraError(needed_for, extra) from error


class StudyError(PoolwiseError):
    """A question that this data cannot answer."""

    exit_code = 7


class EndpointError(PoolwiseError):
    """A server that cannot be reached, refuses to answer, or answers what it should not."""

    exit_code = 8


class RefusedTextError(EndpointError):
    """Texts that a server refuses as such: too long, empty; the message has its own words."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether it is Python's, torch's or a GPU's error for want of memory."""
    if isinstance(error, MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(sign in str(error) for sign in _OUT_OF_MEMORY)


_OUT_OF_MEMORY = ("out of memory", "can't allocate memory", "not enough memory", "ALLOC_FAILED")


class PoolwiseWarning(UserWarning):
    """Something was done that the caller should know of (rows truncated, vectors not finite)."""

    def __init__(self, message: str) -> None:
        super().__init__(escape_control(message))
