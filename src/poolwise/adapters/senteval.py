"""SentEval's two functions (Conneau & Kiela 2018)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from numpy.typing import NDArray

from poolwise.embedder import Embedder

Batch = Sequence[Sequence[str]]
"""Sentences as SentEval gives them, each a list of its tokens."""


def functions(
    embedder: Embedder,
) -> tuple[Callable[[Any, Batch], NDArray[Any]], Callable[[Any, Batch], None]]:
    """``batcher`` and ``prepare``, in the order of SentEval's engine.

        batcher, prepare = functions(Embedder("demo", "mean@-1"))
        senteval.engine.SE(params, batcher, prepare).eval(["MR", "STSBenchmark"])

    ``prepare`` does nothing: a readout's steps are those the embedder was fitted with, and not
    fitted on a task's sentences.
    """

    def batcher(_params: Any, batch: Batch) -> NDArray[Any]:
        """Vectors [n, d]. Tokens are joined by spaces; of no tokens a "." stands in, as in
        SentEval's own examples."""
        texts = [" ".join(tokens) or "." for tokens in batch]
        vectors: NDArray[Any] = embedder.encode(texts)
        return vectors

    def prepare(_params: Any, _samples: Batch) -> None:
        """Does nothing."""

    return batcher, prepare
