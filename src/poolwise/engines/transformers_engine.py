"""The reference engine: transformers' own modules, on a GPU when there is one.

The model class is built from the checked config and filled with the checked tensors; nothing in a
model's folder is given to ``from_pretrained``. Hidden state k is what block k + 1 receives, and the
last one is what the model returns (after the final norm in families that have one), exactly as
``output_hidden_states=True`` reports them. Hooks hand each to a ``Collector`` as it is computed;
after the deepest one needed the run stops.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from copy import deepcopy
from itertools import count
from typing import Any

import numpy as np
import torch
import transformers
from torch import Tensor, nn
from transformers.initialization import no_init_weights

from poolwise.encoders import Encoder
from poolwise.engines.collector import FEW_ROWS, Collector
from poolwise.engines.engine import BatchOutputs
from poolwise.engines.plan import Plan
from poolwise.engines.token_weights import Padded
from poolwise.engines.workers import Threads, forks, run_batches
from poolwise.errors import EncoderError
from poolwise.records import Precision, TokenBatch

CPU_BUDGET = 1024
"""Tokens in a batch: a CPU's speed is flat from some 500 up."""

GPU_BUDGET = 32_768

# Unpadded batches come in ever new shapes. oneDNN keeps code for the last 1,024 of them, scattered
# over the heap, which then grows for the first hundred thousand texts. Read at its first use.
os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "16")


class TransformersEngine:
    """An ``Engine`` over transformers' AutoModel, in float32.

    On a CPU every core takes batches of its own, with one thread each: that beats all cores on one
    batch, and by far where another process keeps a core busy. Batches there are never padded, which
    costs little and leaves a text's vector all but untouched by its neighbours. A GPU wants few,
    large batches, so there they are padded.
    """

    name = "transformers"
    precision: Precision = "exact"
    returns_attentions = True

    def __init__(self, encoder: Encoder, device: str | None = None) -> None:
        self.encoder = encoder
        self.device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        on_cpu = self.device.type == "cpu"
        self.token_budget = CPU_BUDGET if on_cpu else GPU_BUDGET
        self.mixed_lengths = not on_cpu
        self.streams = torch.get_num_threads() if on_cpu else 1
        # The same threads for good: MKL never frees what it allocates for a thread, some 2 MB each.
        # They build the module, too: with one thread each they do not wait for OpenMP's helpers, of
        # which a forked child has none.
        self._threads = Threads(self.streams, lambda: torch.set_num_threads(1))
        with forks.held_off():
            self.module, self.pooler = self._threads.executor.submit(self._build).result()
        self._current = _CurrentBatch()
        # Only eager attention returns its maps; it also rounds otherwise. A module of its own over
        # the same weights, so that a pass with maps does not change the vectors of others.
        self._eager = _sharing_weights(self.module)
        self._eager.set_attn_implementation("eager")
        self.blocks = self._hook_blocks(self.module)
        self._hook_blocks(self._eager)

    def run(self, batches: Sequence[TokenBatch], plan: Plan) -> Iterator[tuple[int, BatchOutputs]]:
        """See ``Engine``. Raises EncoderError in a forked child if the device is a GPU."""
        if self._threads.forked and self.device.type != "cpu":
            raise EncoderError(
                f"{self.encoder.name}: a GPU does not survive a fork; start processes by spawn"
            )
        yield from run_batches(
            self._threads.executor, lambda batch: self._outputs(batch, plan), batches
        )

    def _build(self) -> tuple[Any, tuple[Tensor, ...] | None]:
        with _building:
            module = build_module(self.encoder).to(self.device)
        return module, _pooler(self.encoder, self.device)

    def _hook_blocks(self, module: Any) -> list[nn.Module]:
        """The module's blocks, whose inputs go to the current batch's collector from now on."""
        blocks = list(module.get_submodule(self.encoder.family.blocks).children())
        for block in blocks:
            block.register_forward_pre_hook(self._before_block, with_kwargs=True)
        return blocks

    @forks.held_off()
    @torch.inference_mode()
    def _outputs(self, batch: TokenBatch, plan: Plan) -> BatchOutputs:
        padded = Padded(batch)
        collector = Collector(plan, padded, self.device)
        with self._current.collected_by(collector), suppress(DeepestReachedError):
            output = self._forward(batch, padded, attentions=bool(plan.attentions))
            collector.add(self.encoder.depth, output.last_hidden_state)
            collector.add_pooler(output.last_hidden_state, self.pooler)
            collector.add_attentions(output.attentions)
        return collector.outputs

    def _forward(self, batch: TokenBatch, padded: Padded, *, attentions: bool) -> Any:
        ids = np.full(padded.real.shape, self.encoder.config.pad_token_id or 0, np.int64)
        ids[padded.real] = batch.ids
        copies = -(-FEW_ROWS // max(ids.size, 1))
        mask = padded.real.astype(np.int64)
        options = {"output_attentions": True} if attentions else {}
        module = self._eager if attentions else self.module
        return module(
            input_ids=torch.from_numpy(ids).repeat(copies, 1).to(self.device),
            attention_mask=torch.from_numpy(mask).repeat(copies, 1).to(self.device),
            **options,
        )

    def _before_block(self, _: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Collect what the next block is about to receive; leave the run at the deepest one.

        ALBERT runs the same block again and again, so hidden states are counted as they come.
        """
        collector = self._current.collector
        if collector is None:
            return
        layer = next(self._current.layers)
        collector.add(layer, args[0] if args else kwargs["hidden_states"])
        if layer == collector.plan.deepest and not collector.plan.attentions:
            raise DeepestReachedError


class _CurrentBatch(threading.local):
    """Where the hidden states of the batch that runs in this thread go."""

    collector: Collector | None = None
    layers: Iterator[int] = iter(())

    @contextmanager
    def collected_by(self, collector: Collector) -> Iterator[None]:
        self.collector, self.layers = collector, count()
        try:
            yield
        finally:
            self.collector = None


class DeepestReachedError(Exception):
    """Leaves the model's forward once the deepest hidden state needed has been collected."""


_building = threading.Lock()
"""``no_init_weights`` and torch's default type are the whole process's while a module is built."""


def build_module(encoder: Encoder, config: Any = None, *, pooler: bool = False) -> Any:
    """transformers' base model for a checked encoder, in float32, holding its tensors.

    Without the pooler, which ``Collector`` computes: tanh(W · cls@-1 + b); ``pooler`` has it
    there. ``config`` is the encoder's own of transformers, with more than running it takes.
    """
    config = config or transformers.AutoConfig.for_model(**encoder.config.for_transformers())
    pooling = {"add_pooling_layer": pooler} if encoder.family.pooler else {}
    with no_init_weights():
        module = transformers.AutoModel.from_config(  # type: ignore[no-untyped-call]
            config, dtype=torch.float32, **pooling
        )
    tensors = {
        name: torch.tensor(array)
        for name, array in encoder.tensors.items()
        if pooler or not _is_pooler(encoder, name)
    }
    absent, unexpected = module.load_state_dict(tensors, strict=False)
    if absent or unexpected:
        raise EncoderError(
            f"{encoder.name}: transformers {transformers.__version__} builds this family with "
            f"other tensors; not given: {absent[:5]}, not taken: {unexpected[:5]}"
        )
    return module.eval()


def _sharing_weights(module: nn.Module) -> Any:
    """A copy with a config and modules of its own over the same tensors."""
    tensors = [*module.parameters(), *module.buffers()]
    return deepcopy(module, {id(tensor): tensor for tensor in tensors})


def _is_pooler(encoder: Encoder, name: str) -> bool:
    return bool(encoder.family.pooler) and name.startswith(f"{encoder.family.pooler}.")


def _pooler(encoder: Encoder, device: torch.device) -> tuple[Tensor, ...] | None:
    """Weight [d, d] and bias [d]."""
    if not encoder.has_pooler:
        return None
    names = (f"{encoder.family.pooler}.{part}" for part in ("weight", "bias"))
    return tuple(torch.tensor(encoder.tensors[name], device=device) for name in names)
