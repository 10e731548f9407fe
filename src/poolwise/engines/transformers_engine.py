"""The reference engine: transformers' own modules, on a GPU when there is one.

The model class is built from the checked config and filled with the checked tensors; nothing in a
model's folder is given to ``from_pretrained``. Hidden state k is what block k + 1 receives, and the
last one is what the model returns (after the final norm in families that have one), exactly as
``output_hidden_states=True`` reports them. Hooks pool each as it passes; when the deepest one needed
has passed, the run stops.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np
import torch
import transformers
from torch import Tensor, nn
from transformers.initialization import no_init_weights

from poolwise.encoders import Encoder
from poolwise.engines.engine import Pooled
from poolwise.engines.hidden_states import HiddenStates
from poolwise.engines.plan import Plan
from poolwise.engines.token_weights import Padded
from poolwise.errors import EncoderError
from poolwise.records import Floats, TokenBatch

CPU_BUDGET = 1024
"""Tokens in a batch: a CPU's speed is flat from some 500 up, and small batches pad less."""

GPU_BUDGET = 32_768


class TransformersEngine:
    """An ``Engine`` over transformers' AutoModel, in float32."""

    name = "transformers"
    precision = "exact"

    def __init__(self, encoder: Encoder, device: str | None = None) -> None:
        self.encoder = encoder
        self.device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        self.token_budget = CPU_BUDGET if self.device.type == "cpu" else GPU_BUDGET
        self.module = build_module(encoder).to(self.device)
        self.blocks = list(self.module.get_submodule(encoder.family.blocks).children())

    @torch.inference_mode()
    def run(self, batch: TokenBatch, plan: Plan) -> Pooled:
        """Pool every source of the plan; see ``Pooled``."""
        padded = Padded(batch)
        hidden = HiddenStates(plan, padded, self.device)
        maps: dict[int, Sequence[Floats]] = {}
        with self._watched(hidden, stop=not plan.attentions), suppress(DeepestPassedError):
            output = self._forward(batch, padded, attentions=bool(plan.attentions))
            hidden.take(self.encoder.depth, output.last_hidden_state)
            if hidden.pooler is not None:
                hidden.made[hidden.pooler] = output.pooler_output
            for block in plan.attentions:
                maps[block] = _unpad(output.attentions[block - 1], padded)
        return Pooled({source: v.cpu().numpy() for source, v in hidden.made.items()}, maps)

    def _forward(self, batch: TokenBatch, padded: Padded, *, attentions: bool) -> Any:
        ids = np.full(padded.real.shape, self.encoder.config.pad_token_id or 0, np.int64)
        ids[padded.real] = batch.ids
        wanted = {"output_attentions": True} if attentions else {}
        if attentions:
            self.module.set_attn_implementation("eager")
        return self.module(
            input_ids=torch.from_numpy(ids).to(self.device),
            attention_mask=torch.from_numpy(padded.real.astype(np.int64)).to(self.device),
            **wanted,
        )

    @contextmanager
    def _watched(self, hidden: HiddenStates, *, stop: bool) -> Iterator[None]:
        """Hand ``hidden`` each hidden state below the last; leave the run when none is needed above.

        ALBERT passes through the same block again and again, so the states are counted as they come.
        """
        passed = iter(range(self.encoder.depth))

        def before_block(_: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            layer = next(passed)
            hidden.take(layer, args[0] if args else kwargs["hidden_states"])
            if stop and layer == hidden.plan.deepest:
                raise DeepestPassedError

        hooks = [b.register_forward_pre_hook(before_block, with_kwargs=True) for b in self.blocks]
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()


class DeepestPassedError(Exception):
    """Leaves the model's forward once the deepest needed hidden state has been pooled."""


def build_module(encoder: Encoder) -> Any:
    """transformers' base model for a checked encoder, in float32, holding its tensors."""
    config = transformers.AutoConfig.for_model(**encoder.config.for_transformers())
    pooler = {"add_pooling_layer": encoder.has_pooler} if encoder.family.pooler else {}
    with no_init_weights():
        module = transformers.AutoModel.from_config(config, dtype=torch.float32, **pooler)
    tensors = {name: torch.tensor(array) for name, array in encoder.tensors.items()}
    missing, unexpected = module.load_state_dict(tensors, strict=False)
    if missing or unexpected:
        raise EncoderError(
            f"{encoder.name}: transformers {transformers.__version__} builds this family with other "
            f"tensors; not given: {missing[:5]}, not taken: {unexpected[:5]}"
        )
    return module.eval()


def _unpad(maps: Tensor, padded: Padded) -> list[Floats]:
    """[n, heads, longest, longest] → n maps [heads, t, t]."""
    return [m[:, :t, :t].cpu().numpy() for m, t in zip(maps, padded.lengths.tolist(), strict=True)]
