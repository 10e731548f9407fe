"""The module that is trained: encoder → readout → dropout → linear → loss.

With the readout ``pooler`` it is transformers' BertForSequenceClassification (and ALBERT's): the
same parameters under the same names, the same logits, the same loss.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from transformers.modeling_outputs import SequenceClassifierOutput

from poolwise.classifier.output_space import OutputSpace
from poolwise.encoders import Encoder
from poolwise.encoders.modules.modules import read_modules
from poolwise.encoders.saving import transformers_config
from poolwise.engines.transformers_engine import build_module
from poolwise.readouts import Layer, Readout, Span
from poolwise.records import Tokens
from poolwise.texts import LabelKind
from poolwise.tuning.initial_encoder import initial_encoder
from poolwise.tuning.pooling import Pooling
from poolwise.tuning.trainable_readout import TrainableReadout

# The first of these in a family's config, as transformers' own class for classification reads it.
_DROPOUT_KEYS = (
    "classifier_dropout",
    "classifier_dropout_prob",
    "seq_classif_dropout",
    "hidden_dropout_prob",
)

LOSSES: Mapping[LabelKind, Callable[[Tensor, Tensor], Tensor]] = {
    "classification": functional.cross_entropy,
    "multilabel": functional.binary_cross_entropy_with_logits,
    "regression": lambda logits, target: functional.mse_loss(logits.squeeze(-1), target),
}
"""The losses of transformers' ``problem_type``; targets int64 [n], float32 [n, k], float32 [n]."""


class ReadoutClassifier(nn.Module):
    """encoder → readout → dropout → linear → loss, in float32.

    transformers' model is the attribute of the family's prefix (``bert``). It has only the blocks
    that are read; parameters that nothing reads have ``requires_grad`` off. ``encoder`` holds the
    weights it was built from, ``layers`` the indices of the hidden states that are read. The linear
    layer is initialised as transformers' is, its normal values drawn by ``seed``; ``reinit``
    re-initialises the last so many blocks that are read, and the pooler.

    Raises ReadoutError for a readout that this encoder does not have.
    """

    def __init__(
        self,
        encoder: Encoder,
        trainable: TrainableReadout,
        output_space: OutputSpace,
        *,
        seed: int = 0,
        reinit: int = 0,
    ) -> None:
        super().__init__()
        self.trainable, self.output_space = trainable, output_space
        self.mean, self.deviation = 0.0, 1.0
        self.encoder = initial_encoder(encoder, trainable.initial, reinit, seed)
        self.layers = trainable.initial.layer_indices(encoder.depth)
        self._full_depth = encoder.depth
        config = transformers_config(self.encoder, read_modules(encoder.folder).encoder)
        reads_pooler = trainable.initial.layers is None
        base = build_module(self.encoder, config, pooler=reads_pooler)
        self.add_module(encoder.family.prefix.rstrip("."), base)
        self.pooling = None if reads_pooler else Pooling(trainable, encoder.width, encoder.depth)
        self.dropout = nn.Dropout(_dropout(config))
        width = encoder.width_of(trainable.initial)
        self.classifier = _linear(width, output_space.width, config.initializer_range, seed)
        self.eval()
        self._freeze_unread_parameters()

    @property
    def base(self) -> Any:
        """transformers' model of the encoder."""
        return self.get_submodule(self.encoder.family.prefix.rstrip("."))

    @property
    def head_parameters(self) -> frozenset[str]:
        """Names of the parameters beside the encoder's: linear layer, mix, attention query."""
        names = (name for name, _ in self.named_parameters())
        prefix = self.encoder.family.prefix
        return frozenset(name for name in names if not name.startswith(prefix))

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor,
        words: Tensor | None = None,
        read: Tensor | None = None,
        labels: Tensor | None = None,
    ) -> SequenceClassifierOutput:
        """Logits [n, k], and the loss where there are ``labels``; takes a batch of ``collate``."""
        vectors = self.vectors(input_ids, attention_mask, words, read)
        outputs = self.classifier(self.dropout(vectors))
        if self.output_space.kind == "regression" and labels is not None:
            labels = (labels - self.mean) / self.deviation
        loss = None if labels is None else LOSSES[self.output_space.kind](outputs, labels)
        return SequenceClassifierOutput(loss=loss, logits=outputs * self.deviation + self.mean)

    def standardise(self, targets: NDArray[Any]) -> None:
        """Lets the linear layer learn a regression's ``targets`` [n] as z-scores, until
        ``unstandardise``: training then does not depend on their scale."""
        if self.output_space.kind == "regression":
            self.mean, self.deviation = float(targets.mean()), float(targets.std()) or 1.0

    @torch.no_grad()
    def unstandardise(self) -> None:
        """Folds mean and standard deviation into the linear layer; the logits stay the same."""
        self.classifier.weight.mul_(self.deviation)
        self.classifier.bias.mul_(self.deviation).add_(self.mean)
        self.mean, self.deviation = 0.0, 1.0

    def vectors(
        self,
        input_ids: Tensor,
        attention_mask: Tensor,
        words: Tensor | None = None,
        read: Tensor | None = None,
    ) -> Tensor:
        """The vectors of the readout, [n, width], before dropout."""
        last = self.layers == (self.encoder.depth,)
        options = {} if last else {"output_hidden_states": True}
        outputs = self.base(input_ids=input_ids, attention_mask=attention_mask, **options)
        if self.pooling is None:
            pooled: Tensor = outputs.pooler_output
            return pooled
        hidden = {self.encoder.depth: outputs.last_hidden_state} if last else outputs.hidden_states
        states = [hidden[k] for k in self.layers]
        vectors: Tensor = self.pooling(states, attention_mask.bool(), words, read)
        return vectors

    def learned_readout(self) -> Readout:
        """The readout with the learned layer weights; of ``attention``, the mean where it began.

        It reads the same in the whole encoder and in the one cut to the blocks that are read.
        """
        readout = self.trainable.initial
        layers = readout.layers
        if layers is None or self.pooling is None:
            return readout
        if self._full_depth > self.encoder.depth:
            layers = replace(
                layers, items=tuple(_from_embeddings(i, self._full_depth) for i in layers.items)
            )
        if self.trainable.learns == "mix" and self.pooling.mix is not None:
            items = layers.items or tuple(Layer(k) for k in self.layers)
            layers = replace(layers, items=items, weights=_shortest_decimals(self.pooling.mix))
        return replace(readout, layers=layers)

    def tuned_encoder(self) -> Encoder:
        """The encoder with the current weights; of a Model, a Model."""
        state = {name: _array(tensor) for name, tensor in self.base.state_dict().items()}
        return replace(
            self.encoder,
            name=f"{self.encoder.name} (fine-tuned)",
            tensors=MappingProxyType({name: state[name] for name in self.encoder.tensors}),
        )

    def _freeze_unread_parameters(self) -> None:
        """Several GPUs wait for the gradient of every parameter that requires one."""
        (text,) = self.encoder.tokenize(["a"])
        parameters = [p for p in self.parameters() if p.requires_grad]
        logits = self(**collate(text.windows, None, 0)).logits
        gradients = torch.autograd.grad(logits.sum(), parameters, allow_unused=True)
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.requires_grad_(gradient is not None)


def collate(texts: Sequence[Tokens], targets: NDArray[Any] | None, pad: int) -> dict[str, Tensor]:
    """``input_ids``, ``attention_mask`` int64 [n, t], ``words`` bool [n, t]; ``labels``, if given.

    ``pad`` is the id of the padding token. Where pooling leaves out a prompt, ``read`` bool [n, t]
    marks the tokens that it reads.
    """
    shape = len(texts), max(map(len, texts))
    ids, mask = np.full(shape, pad, np.int64), np.zeros(shape, np.int64)
    words = np.zeros(shape, np.bool_)
    for i, text in enumerate(texts):
        ids[i, : len(text)], mask[i, : len(text)] = text.ids, 1
        words[i, : len(text)] = ~text.special
    batch = {"input_ids": ids, "attention_mask": mask, "words": words}
    unread = np.array([text.unread for text in texts])
    if unread.any():
        batch["read"] = (mask > 0) & (np.arange(shape[1]) >= unread[:, None])
    labels = {} if targets is None else {"labels": np.asarray(targets)}
    return {name: torch.from_numpy(array) for name, array in {**batch, **labels}.items()}


def _dropout(config: Any) -> float:
    rates = (getattr(config, name, None) for name in _DROPOUT_KEYS)
    return next((rate for rate in rates if rate is not None), 0.1)


def _linear(width: int, outputs: int, spread: float, seed: int) -> nn.Linear:
    """The generator is its own, so that the global one is not advanced."""
    linear = nn.Linear(width, outputs, device="meta").to_empty(device="cpu")
    with torch.no_grad():
        linear.weight.normal_(0.0, spread, generator=torch.Generator().manual_seed(seed))
        linear.bias.zero_()
    return linear


def _from_embeddings(item: Layer | Span, depth: int) -> Layer | Span:
    """The same hidden states, counted from the embeddings."""
    if isinstance(item, Span):
        return Span(_non_negative(item.first, depth), _non_negative(item.last, depth))
    return _non_negative(item, depth)


def _non_negative(layer: Layer, depth: int) -> Layer:
    return layer if layer.index >= 0 else Layer(depth + 1 + layer.index)


def _shortest_decimals(weights: Tensor) -> tuple[float, ...]:
    """The shortest decimals that round to these float32 values."""
    return tuple(float(str(weight)) for weight in _array(weights))


def _array(tensor: Tensor) -> NDArray[Any]:
    array: NDArray[Any] = tensor.detach().cpu().numpy().copy()
    array.setflags(write=False)
    return array
