"""Programs in this process that make vectors: a function, and sentence-transformers."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poolwise.doctor.endpoints.vectors import checked
from poolwise.errors import (
    EncoderError,
    EndpointError,
    RefusedTextError,
    is_out_of_memory,
    needs,
)


class FunctionSource:
    """A Python function from a list of texts to their vectors, [n, d]: an array or what NumPy takes
    for one. What it raises is that it refuses these texts."""

    def __init__(self, function: Callable[[list[str]], Any], description: str = "") -> None:
        self._function = function
        self._description = description or f"the function {_name(function)}"

    @property
    def description(self) -> str:
        return self._description

    def embed(self, texts: Sequence[str]) -> NDArray[Any]:
        """The function's vectors. Raises RefusedTextError for what it raises, EndpointError for
        what is no vectors."""
        try:
            made = self._function(list(texts))
        except Exception as error:
            if is_out_of_memory(error):
                raise
            said = f"{self._description} raises {type(error).__name__}: {error}"
            raise RefusedTextError(said) from error
        try:
            vectors = np.asarray(made)
        except Exception as error:  # of a tensor elsewhere, or rows of several lengths
            raise self._fault(f"{type(made).__name__} is no array: {error}") from error
        if vectors.dtype.kind not in "fiu":
            raise self._fault(f"the vectors are of {vectors.dtype}, expected numbers")
        return checked(vectors, len(texts), self._fault)

    def _fault(self, message: str) -> EndpointError:
        return EndpointError(f"{self._description}: {message}")


def _name(function: Callable[..., Any]) -> str:
    name = getattr(function, "__qualname__", None) or type(function).__qualname__
    return str(name).rpartition("<locals>.")[2]


def sentence_transformers_source(name: str | Path) -> FunctionSource:
    """What sentence-transformers gives for a folder, or a model of the hub, with ``encode`` of its
    defaults; nothing of it that is code is run.

    Raises MissingExtraError, and EncoderError where it does not load.
    """
    with needs("export", "asking sentence-transformers"):
        from sentence_transformers import SentenceTransformer  # noqa: PLC0415 - takes seconds

    logger = logging.getLogger("sentence_transformers")
    level = logger.level
    logger.setLevel(logging.ERROR)  # it warns of every default prompt
    try:
        loaded = SentenceTransformer(str(name), local_files_only=Path(name).is_dir())
    except Exception as error:
        if is_out_of_memory(error):
            raise
        raise EncoderError(
            f"sentence-transformers cannot load {name}: {type(error).__name__}: {error}"
        ) from error
    finally:
        logger.setLevel(level)

    def encode(texts: list[str]) -> Any:
        return loaded.encode(texts, show_progress_bar=False)

    return FunctionSource(encode, f"sentence-transformers with {name}")
