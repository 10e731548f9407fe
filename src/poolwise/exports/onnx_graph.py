"""A readout as one ONNX graph: ids and masks in, vectors out.

Every readout of floats is expressed: layers are read and combined, tokens pooled and steps applied
within the graph. It is traced from transformers' own module, cut to depth.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from poolwise import __version__
from poolwise.encoders import Encoder
from poolwise.engines import plan
from poolwise.engines.torch_pools import combine, mix_of, pool_tokens
from poolwise.engines.transformers_engine import build_module
from poolwise.errors import ReadoutError, needs
from poolwise.exports.cutting import cut, fewest_blocks
from poolwise.exports.onnx_files import OUTPUT, inputs
from poolwise.exports.stack import folded
from poolwise.readouts import Readout
from poolwise.transforms import Transform

OPSET = 18

# Protocol buffers end at 2 GB; a larger model keeps its weights in a file beside the graph.
_LARGE = 1_800_000_000


class ReadoutGraph(nn.Module):
    """encoder → readout → steps, in float32; ``encoder`` is cut to what is read.

    Raises ReadoutError for a readout that this encoder does not have, or of integers.
    """

    mix: Tensor | None

    def __init__(self, encoder: Encoder, readout: Readout, transform: Transform) -> None:
        super().__init__()
        plan([readout], depth=encoder.depth, has_pooler=encoder.has_pooler)
        _check_floats(readout)
        self.readout = readout
        self.layers = readout.layer_indices(encoder.depth)
        self.encoder = cut(encoder, fewest_blocks(encoder, max(self.layers)))
        self.base = build_module(self.encoder, pooler=readout.layers is None)
        self.steps = nn.Sequential(*_modules(readout, transform, encoder))
        self.register_buffer("mix", mix_of(readout, encoder.depth))

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor, special_tokens_mask: Tensor | None = None
    ) -> Tensor:
        """The vectors, [n, width]; as tokenizers names and fills its arrays, padded at the end."""
        vectors: Tensor = self.steps(self._pooled(input_ids, attention_mask, special_tokens_mask))
        return vectors

    def _pooled(self, ids: Tensor, mask: Tensor, special: Tensor | None) -> Tensor:
        wants_states = self.readout.layers is not None
        options = {"output_hidden_states": True} if wants_states else {}
        made = self.base(input_ids=ids, attention_mask=mask, **options)
        if not wants_states:
            pooled: Tensor = made.pooler_output
            return pooled
        real = mask.bool()
        words = real if special is None else real & ~special.bool()
        states = [made.hidden_states[k] for k in self.layers]
        hidden = combine(self.readout, states, self.mix)
        return pool_tokens(self.readout.pool, hidden, real, words)


def write_graph(graph: ReadoutGraph, path: Path, about: dict[str, str]) -> None:
    """Trace ``graph`` and write it with ``about`` as its metadata. Raises MissingExtraError."""
    with needs("onnx", "writing an ONNX graph"):
        import onnxscript as _  # noqa: F401, PLC0415 - torch asks for it late, in its own words
        from onnx_ir.passes.common import ClearMetadataAndDocStringPass  # noqa: PLC0415

    ids = torch.tensor([[5, 6, 7, 8, 9], [5, 6, 7, 8, 9]]) % graph.base.config.vocab_size
    masks = {"attention_mask": torch.ones_like(ids), "special_tokens_mask": torch.zeros_like(ids)}
    given = {"input_ids": ids, **masks}
    axes = {0: torch.export.Dim.DYNAMIC, 1: torch.export.Dim.DYNAMIC}
    size = sum(p.numel() * p.element_size() for p in graph.parameters())
    names = inputs(graph.readout)
    with _quiet(), torch.no_grad():
        program = torch.onnx.export(
            graph.eval(),
            kwargs={name: given[name] for name in names},
            dynamic_shapes=dict.fromkeys(names, axes),
            output_names=[OUTPUT],
            opset_version=OPSET,
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    ClearMetadataAndDocStringPass()(program.model)  # where every node came from, paths included
    program.model.producer_name, program.model.producer_version = "poolwise", __version__
    program.model.metadata_props.update(about)
    program.save(path, external_data=size > _LARGE)


def _check_floats(readout: Readout) -> None:
    last = readout.steps[-1] if readout.steps else None
    if last and last.facts.final:
        near = replace(readout, steps=readout.steps[:-1])
        raise ReadoutError(
            f"{readout} cannot be an ONNX graph: it gives floats, {last} integers. "
            f"Nearest is {near}; make integers of its vectors"
        )


def _modules(readout: Readout, transform: Transform, encoder: Encoder) -> Iterator[nn.Module]:
    """One linear layer for each run of affine steps, and what normalises between them."""
    width = encoder.width_of(readout.pooled)
    fitted = zip(readout.steps, transform.states, strict=True)
    for normalises, steps in groupby(fitted, lambda pair: pair[0].name == "l2"):
        if normalises:
            yield _L2()
            continue
        tensors = folded(np.eye(width), steps).tensors
        weight, bias = (torch.tensor(tensors[f"linear.{part}"]) for part in ("weight", "bias"))
        linear = nn.Linear(width, len(bias), device="meta").to_empty(device="cpu")
        linear.weight.data, linear.bias.data = weight, bias
        width = len(bias)
        yield linear


class _L2(nn.Module):
    """Vectors [n, d] divided by their norms; a vector of zeros stays as it is."""

    def forward(self, vectors: Tensor) -> Tensor:
        return functional.normalize(vectors)


@contextmanager
def _quiet() -> Iterator[None]:
    """Without what the exporter says of itself; what it has made is checked by running it."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
