"""A readout as a torch graph: ids and mask in, token vectors and vectors out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import takewhile

import numpy as np
import torch
from torch import Tensor, nn

from poolwise.encoders import Encoder
from poolwise.encoders.variants.truncate_depth import fewest_blocks, truncate_depth
from poolwise.engines import plan
from poolwise.engines.torch_pools import combine, mix_of, pool_tokens
from poolwise.engines.transformers_engine import build_module
from poolwise.errors import ReadoutError
from poolwise.exports.modules import Module, pooling
from poolwise.exports.stack import after_pooling, modes_in_order, pooler_dense
from poolwise.exports.torch_modules import torch_module
from poolwise.readouts import Pool, Readout
from poolwise.transforms import Transform


class ReadoutGraph(nn.Module):
    """encoder → layers → pool → steps, in float32; ``encoder`` is cut to what is read.

    ``stock_modules`` are sentence-transformers' modules that make the same vectors of the graph's
    token vectors. Steps that may as well come before the pool are applied to these, so that few
    modules are left which a loader could leave out. Where Pooling lacks the pool, there are none,
    and the graph gives no token vectors.

    Raises ReadoutError for a readout that this encoder does not have, or of integers.
    """

    mix: Tensor | None
    last_ids: Tensor

    def __init__(self, encoder: Encoder, readout: Readout, transform: Transform) -> None:
        super().__init__()
        plan([readout], depth=encoder.depth, has_pooler=encoder.has_pooler)
        _check_floats(readout)
        _check_prompts(readout, encoder)
        self.readout = readout
        self.pool = Pool("cls") if readout.pool.kind == "pooler" else readout.pool
        self.layers = readout.layer_indices(encoder.depth)
        self.encoder = truncate_depth(encoder, fewest_blocks(encoder, max(self.layers)))
        self.base = build_module(self.encoder)
        self.register_buffer("mix", mix_of(readout, encoder.depth))
        steps = list(_steps(encoder, readout, transform))
        self.steps = nn.Sequential(*map(torch_module, steps))
        self.n_token_steps = sum(1 for _ in takewhile(lambda s: _commutes(self.pool, s), steps))
        self.stock_modules = self._stock(steps)
        self.before, self.after = (len(ids) for ids in encoder.tokenizer.frame)
        self.register_buffer("last_ids", torch.tensor(encoder.tokenizer.frame.after).long())

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> tuple[Tensor, ...]:
        """Token vectors [n, t, width], if Pooling has the pool, and vectors [n, width].

        Ids are framed by special tokens and padded at the end.
        """
        real = attention_mask.bool()
        place = real.cumsum(1)
        place_from_end = place[:, -1:] + 1 - place
        ids = self._with_end(input_ids, real, place_from_end)
        words = real & (place > self.before) & (place_from_end > self.after)
        hidden = self._hidden(ids, attention_mask)
        vectors: Tensor = self.steps(pool_tokens(self.pool, hidden, real, words))
        if not self.stock_modules:
            return (vectors,)
        return self.steps[: self.n_token_steps](hidden), vectors

    def _with_end(self, ids: Tensor, real: Tensor, place_from_end: Tensor) -> Tensor:
        """``ids`` with the special tokens at the end of texts of the maximum length.

        transformers.js cuts long texts after adding special tokens, and so cuts off the last.
        """
        if not self.after:
            return ids
        cut = real & (real.sum(1, keepdim=True) >= self.encoder.max_length)
        last = cut & (place_from_end <= self.after)
        index = (self.after - place_from_end).clamp(0, self.after - 1)
        return torch.where(last, self.last_ids[index], ids)

    def _hidden(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Token vectors before any step, [n, t, d]."""
        outputs = self.base(input_ids=ids, attention_mask=mask, output_hidden_states=True)
        states = [outputs.hidden_states[k] for k in self.layers]
        return states[0] if self.readout.layers is None else combine(self.readout, states, self.mix)

    def _stock(self, steps: Sequence[Module]) -> tuple[Module, ...]:
        modes = modes_in_order(self.pool)
        if modes is None:
            return ()
        tokens = steps[: self.n_token_steps]
        width = self.encoder.width * (1 if self.readout.layers is None else len(self.layers))
        return pooling(width, modes), *steps[len(tokens) :]


def _steps(encoder: Encoder, readout: Readout, transform: Transform) -> Iterator[Module]:
    """The stock modules that make the readout of its pool's vectors, the pooler's Dense first."""
    if readout.pool.kind == "pooler":
        yield pooler_dense(encoder)
    start = np.eye(encoder.width_of(readout.pooled))
    yield from after_pooling(
        encoder, start, list(zip(readout.steps, transform.states, strict=True))
    )


def _commutes(pool: Pool, step: Module) -> bool:
    """Whether ``step`` may be applied to tokens before ``pool`` as well as to its vector.

    To one token, any step may; to a mean, what is linear: its weights sum to 1.
    """
    if pool.facts.form == "row":
        return True
    is_mean = pool.facts.weighting in ("uniform", "position")
    linear = str(step.config.get("activation_function")).endswith("Identity")
    return is_mean and step.kind == "Dense" and linear


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
