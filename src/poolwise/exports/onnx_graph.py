"""Writing a readout's torch graph as an ONNX file: traced from transformers' own module."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch

from poolwise.errors import needs
from poolwise.exports.onnx_files import INPUTS, TOKEN_VECTORS, VECTORS
from poolwise.exports.onnx_readout import ReadoutGraph
from poolwise.version import __version__

OPSET = 18

# Protocol buffers end at 2 GB; a larger model keeps its weights in a file beside the graph.
_LARGE = 1_800_000_000


# Else onnxruntime's quantization warns that it was not made ready; tracing has optimized it.
_READY = {"onnx.quant.pre_process": "onnxruntime.quant"}


@dataclass(frozen=True, slots=True)
class WrittenGraph:
    """``external``: whether the weights are in a file of their own. ``encoder_nodes`` are the names
    of the nodes before any pool or step."""

    external: bool
    encoder_nodes: tuple[str, ...]


def write_graph(graph: ReadoutGraph, path: Path, about: Mapping[str, str]) -> WrittenGraph:
    """Trace ``graph`` and write it with ``about`` as its metadata. Raises MissingExtraError."""
    with needs("onnx", "writing an ONNX graph"):
        import onnx_ir  # noqa: PLC0415
        import onnxscript as _  # noqa: F401, PLC0415 - torch asks for it late, in its own words
        from onnx_ir.passes.common import ClearMetadataAndDocStringPass  # noqa: PLC0415

    ids = torch.tensor([[5, 6, 7, 8, 9], [5, 6, 7, 8, 9]]) % graph.base.config.vocab_size
    axes = {0: "batch_size", 1: "sequence_length"}  # as optimum names them
    outputs = [TOKEN_VECTORS, VECTORS] if graph.stock_modules else [VECTORS]
    with _exporter_silent(), torch.no_grad():
        program = torch.onnx.export(
            graph.eval(),
            kwargs=dict(zip(INPUTS, (ids, torch.ones_like(ids)), strict=True)),
            dynamic_shapes=dict.fromkeys(INPUTS, axes),
            output_names=outputs,
            opset_version=OPSET,
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    nodes = tuple(
        str(node.name)
        for node in program.model.graph
        if "/base: " in node.metadata_props.get("namespace", "")
    )
    ClearMetadataAndDocStringPass()(program.model)  # where every node came from, paths included
    program.model.producer_name, program.model.producer_version = "poolwise", __version__
    program.model.metadata_props.update({**about, **_READY})
    external = sum(p.numel() * p.element_size() for p in graph.parameters()) > _LARGE
    path.parent.mkdir(exist_ok=True)
    # transformers.js and optimum know the file of the weights by this name.
    onnx_ir.save(program.model, path, external_data=f"{path.name}_data" if external else None)
    _shapes_of_weights_once(path)
    return WrittenGraph(external, nodes)


def _shapes_of_weights_once(path: Path) -> None:
    """Leaves the shape of a weight to the weight: onnxruntime before 1.32 transposes some for int8,
    and then refuses the graph where the shape stands in a list of its own as well."""
    import onnx  # noqa: PLC0415 - an extra

    model = onnx.load(path, load_external_data=False)
    weights = {tensor.name for tensor in model.graph.initializer}
    others = [info for info in model.graph.value_info if info.name not in weights]
    del model.graph.value_info[:]
    model.graph.value_info.extend(others)
    onnx.save(model, path)


@contextmanager
def _exporter_silent() -> Iterator[None]:
    """Without the exporter's own warnings: the graph is checked by running it."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
