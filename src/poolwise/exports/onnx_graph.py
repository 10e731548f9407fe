"""A readout as one ONNX graph: ids and masks in, vectors out.

Every readout of floats is expressed: layers are read and combined, tokens pooled and steps applied
within the graph. It is traced from transformers' own module, cut to depth.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from poolwise.encoders import Encoder
from poolwise.encoders.modules.dense_stack import (
    LAYER_NORM_EPSILON,
    DenseLayer,
    DenseStackLayer,
    NormLayer,
)
from poolwise.encoders.variants.truncate_depth import fewest_blocks, truncate_depth
from poolwise.engines import plan
from poolwise.engines.torch_pools import combine, mix_of, pool_tokens
from poolwise.engines.transformers_engine import build_module
from poolwise.errors import ReadoutError, needs
from poolwise.exports.onnx_files import OUTPUT, inputs
from poolwise.exports.stack import KINDS, folded
from poolwise.readouts import Readout
from poolwise.transforms import Transform
from poolwise.version import __version__

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
        _check_prompts(readout, encoder)
        self.readout = readout
        self.layers = readout.layer_indices(encoder.depth)
        self.encoder = truncate_depth(encoder, fewest_blocks(encoder, max(self.layers)))
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
        reads_states = self.readout.layers is not None
        options = {"output_hidden_states": True} if reads_states else {}
        outputs = self.base(input_ids=ids, attention_mask=mask, **options)
        if not reads_states:
            pooled: Tensor = outputs.pooler_output
            return pooled
        real = mask.bool()
        words = real if special is None else real & ~special.bool()
        states = [outputs.hidden_states[k] for k in self.layers]
        hidden = combine(self.readout, states, self.mix)
        return pool_tokens(self.readout.pool, hidden, real, words)


def write_graph(graph: ReadoutGraph, path: Path, about: dict[str, str]) -> None:
    """Trace ``graph`` and write it with ``about`` as its metadata. Raises MissingExtraError."""
    with needs("onnx", "writing an ONNX graph"):
        import onnxscript as _  # noqa: F401, PLC0415 - torch asks for it late, in its own words
        from onnx_ir.passes.common import ClearMetadataAndDocStringPass  # noqa: PLC0415

    ids = torch.tensor([[5, 6, 7, 8, 9], [5, 6, 7, 8, 9]]) % graph.base.config.vocab_size
    masks = {"attention_mask": torch.ones_like(ids), "special_tokens_mask": torch.zeros_like(ids)}
    arrays = {"input_ids": ids, **masks}
    axes = {0: torch.export.Dim.DYNAMIC, 1: torch.export.Dim.DYNAMIC}
    size = sum(p.numel() * p.element_size() for p in graph.parameters())
    names = inputs(graph.readout)
    with _exporter_silent(), torch.no_grad():
        program = torch.onnx.export(
            graph.eval(),
            kwargs={name: arrays[name] for name in names},
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
        nearest = replace(readout, steps=readout.steps[:-1])
        raise ReadoutError(
            f"{readout} cannot be an ONNX graph: it gives floats, {last} integers. "
            f"Nearest is {nearest}; make integers of its vectors"
        )


def _check_prompts(readout: Readout, encoder: Encoder) -> None:
    if not encoder.prompts.pooled and any((*encoder.prompts.texts.values(), encoder.prefix)):
        raise ReadoutError(
            f"{readout} of {encoder.name} cannot be an ONNX graph: the folder's include_prompt is "
            "false, and a graph cannot tell a prompt's tokens from the text's"
        )


def _modules(readout: Readout, transform: Transform, encoder: Encoder) -> Iterator[nn.Module]:
    """One linear layer for each run of affine steps, and what normalises between them."""
    width = encoder.width_of(readout.pooled)
    fitted = zip(readout.steps, transform.states, strict=True)
    for kind, steps in groupby(fitted, lambda pair: KINDS.get(pair[0].name, "affine")):
        if kind == "l2":
            yield _L2()
            continue
        if kind == "dense":
            assert encoder.dense_stack is not None
            yield from map(_torch_layer, encoder.dense_stack.layers)
            width = encoder.dense_stack.widths[1]
            continue
        tensors = folded(np.eye(width), steps).tensors
        weight, bias = (torch.tensor(tensors[f"linear.{part}"]) for part in ("weight", "bias"))
        linear = nn.Linear(width, len(bias), device="meta").to_empty(device="cpu")
        linear.weight.data, linear.bias.data = weight, bias
        width = len(bias)
        yield linear


def _torch_layer(layer: DenseStackLayer) -> nn.Module:
    """A layer that the model's folder has after pooling, as a torch module."""
    tensors = {name: torch.from_numpy(np.array(array)) for name, array in layer.tensors.items()}
    if isinstance(layer, DenseLayer):
        return _Dense(layer, tensors)
    if isinstance(layer, NormLayer):
        norm = nn.LayerNorm(layer.in_features, eps=LAYER_NORM_EPSILON)
        norm.load_state_dict({name.removeprefix("norm."): t for name, t in tensors.items()})
        return norm
    return _L2()


class _Dense(nn.Module):
    """activation(weight · x + bias), plus x or what the residual makes of it."""

    linear_weight: Tensor
    linear_bias: Tensor | None
    residual_weight: Tensor | None

    def __init__(self, layer: DenseLayer, tensors: Mapping[str, Tensor]) -> None:
        super().__init__()
        self.residual = layer.residual
        for name in ("linear.weight", "linear.bias", "residual.weight"):
            self.register_buffer(name.replace(".", "_"), tensors.get(name))
        self.activation = getattr(nn, layer.activation)()
        if (slope := tensors.get("activation_function.weight")) is not None:
            self.activation.weight.data = slope

    def forward(self, vectors: Tensor) -> Tensor:
        output: Tensor = self.activation(
            functional.linear(vectors, self.linear_weight, self.linear_bias)
        )
        if not self.residual:
            return output
        if self.residual_weight is None:
            return output + vectors
        return output + functional.linear(vectors, self.residual_weight)


class _L2(nn.Module):
    """Vectors [n, d] divided by their norms; a vector of zeros stays as it is."""

    def forward(self, vectors: Tensor) -> Tensor:
        return functional.normalize(vectors)


@contextmanager
def _exporter_silent() -> Iterator[None]:
    """Without the exporter's own warnings: the graph is checked by running it."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
