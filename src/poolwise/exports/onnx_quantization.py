"""An ONNX graph in int8, by onnxruntime's dynamic quantization, and what that loses."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from poolwise.errors import needs
from poolwise.exports.onnx_check import onnx_vectors
from poolwise.exports.onnx_files import GRAPH, QUANTIZED_GRAPH
from poolwise.exports.result import QuantizedGraph
from poolwise.records import Floats


def quantize(
    folder: Path, nodes: Sequence[str], texts: Sequence[str], exact: Floats
) -> QuantizedGraph:
    """Write the graph in ``folder`` again with the weights of ``nodes`` in int8, and measure it.

    ``exact`` are the readout's vectors of ``texts``, with those of the new graph are compared.
    Raises MissingExtraError, and StoreError where onnxruntime cannot run it.
    """
    _write(folder / GRAPH, folder / QUANTIZED_GRAPH, nodes)
    (vectors,) = onnx_vectors(folder, QUANTIZED_GRAPH, texts)
    cosines = _cosines(vectors, exact)
    return QuantizedGraph(
        file=QUANTIZED_GRAPH,
        size=_size(folder / QUANTIZED_GRAPH),
        float_size=_size(folder / GRAPH),
        texts=len(cosines),
        mean_cosine=float(cosines.mean()),
        worst_cosine=float(cosines.min()),
    )


def _write(source: Path, target: Path, nodes: Sequence[str]) -> None:
    """Unsigned weights, each column with a scale of its own.

    Signed ones overflow 16 bits on CPUs without byte dot products, where the loss would be another
    than the one measured; one scale for a whole matrix loses four times as much.
    """
    with needs("onnx", "writing an ONNX graph"):
        from onnxruntime.quantization import QuantType, quantize_dynamic  # noqa: PLC0415 - slow

    with _root_logger_silent():
        quantize_dynamic(
            source,
            target,
            per_channel=True,
            weight_type=QuantType.QUInt8,
            nodes_to_quantize=list(nodes),
        )


def _cosines(vectors: Floats, exact: Floats) -> Floats:
    """The cosine of each pair of rows, of the texts that have a vector."""
    norms = np.linalg.norm(vectors, axis=1) * np.linalg.norm(exact, axis=1)
    with np.errstate(invalid="ignore"):
        cosines = np.einsum("nd,nd->n", vectors, exact) / norms
    kept: Floats = cosines[~np.isnan(cosines)]
    return kept


def _size(graph: Path) -> int:
    return sum(path.stat().st_size for path in graph.parent.glob(f"{graph.name}*"))


@contextmanager
def _root_logger_silent() -> Iterator[None]:
    """onnxruntime logs through the root logger, and would give it a handler that prints."""
    root, handler = logging.getLogger(), logging.NullHandler()
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)
