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
from poolwise.tuning.initial_encoder import begun
from poolwise.tuning.pooling import Pooling
from poolwise.tuning.trainable_readout import Tunable

# The first that a family's config has, as its own class for classification would take it.
_DROPOUT = (
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
"""As transformers' ``problem_type``. Targets: int64 [n]; float32 [n, k]; float32 [n]."""


class ReadoutClassifier(nn.Module):
    """encoder → readout → dropout → linear → loss, in float32.

    The attribute that holds transformers' model is called by the family's prefix (``bert``). It has
    the blocks that are read and no others; a parameter that nothing reads nevertheless asks for no
    gradient. ``encoder`` is what it was built from, ``layers`` the hidden states that are read. The
    linear layer begins as transformers' does, from normal values and zeros, drawn by ``seed``;
    ``reinitialise`` draws the last so many blocks that are read, and the pooler, anew.

    Raises ReadoutError for a readout that this encoder does not have.
    """

    def __init__(
        self,
        encoder: Encoder,
        asked: Tunable,
        output_space: OutputSpace,
        *,
        seed: int = 0,
        reinitialise: int = 0,
    ) -> None:
        super().__init__()
        self.asked, self.output_space = asked, output_space
        self.mean, self.deviation = 0.0, 1.0
        self.encoder = begun(encoder, asked.readout, reinitialise, seed)
        self.layers = asked.readout.layer_indices(encoder.depth)
        self._from = encoder.depth
        config = transformers_config(self.encoder, read_modules(encoder.folder).encoder)
        reads_pooler = asked.readout.layers is None
        base = build_module(self.encoder, config, pooler=reads_pooler)
        self.add_module(encoder.family.prefix.rstrip("."), base)
        self.pooling = None if reads_pooler else Pooling(asked, encoder.width, encoder.depth)
        self.dropout = nn.Dropout(_dropout(config))
        width = encoder.width_of(asked.readout)
        self.classifier = _linear(width, output_space.width, config.initializer_range, seed)
        self.eval()
        self._freeze_unread()

    @property
    def base(self) -> Any:
        """transformers' model of the encoder."""
        return self.get_submodule(self.encoder.family.prefix.rstrip("."))

    @property
    def fresh(self) -> frozenset[str]:
        """Names of the parameters that are not the encoder's own: linear, mix, attention query."""
        names = (name for name, _ in self.named_parameters())
        return frozenset(n for n in names if not n.startswith(self.encoder.family.prefix))

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor,
        words: Tensor | None = None,
        read: Tensor | None = None,
        labels: Tensor | None = None,
    ) -> SequenceClassifierOutput:
        """Logits [n, outputs], and the loss where there are ``labels``; a batch of ``collate``."""
        vectors = self.vectors(input_ids, attention_mask, words, read)
        outputs = self.classifier(self.dropout(vectors))
        if self.output_space.kind == "regression" and labels is not None:
            labels = (labels - self.mean) / self.deviation
        loss = None if labels is None else LOSSES[self.output_space.kind](outputs, labels)
        return SequenceClassifierOutput(loss=loss, logits=outputs * self.deviation + self.mean)

    def standardise(self, targets: NDArray[Any]) -> None:
        """Let the linear layer learn the numbers [n] of a regression less their mean, in units of
        their standard deviation, whatever scale they are on; ``restore`` ends it."""
        if self.output_space.kind == "regression":
            self.mean, self.deviation = float(targets.mean()), float(targets.std()) or 1.0

    @torch.no_grad()
    def restore(self) -> None:
        """Put what ``standardise`` set aside into the linear layer: the logits stay the same."""
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
        """What the readout gives, [n, width], before dropout."""
        last = self.layers == (self.encoder.depth,)
        options = {} if last else {"output_hidden_states": True}
        made = self.base(input_ids=input_ids, attention_mask=attention_mask, **options)
        if self.pooling is None:
            pooled: Tensor = made.pooler_output
            return pooled
        states = [made.last_hidden_state if last else made.hidden_states[k] for k in self.layers]
        vectors: Tensor = self.pooling(states, attention_mask.bool(), words, read)
        return vectors

    def final(self) -> Readout:
        """The readout with the layer weights it has learned.

        It means the same in the encoder that training began from and in the one that is left. Of
        ``attention``, the mean where it began.
        """
        readout = self.asked.readout
        layers = readout.layers
        if layers is None or self.pooling is None:
            return readout
        if self._from > self.encoder.depth:
            layers = replace(layers, items=tuple(_placed(i, self._from) for i in layers.items))
        if self.asked.learns == "mix" and self.pooling.mix is not None:
            items = layers.items or tuple(Layer(k) for k in self.layers)
            layers = replace(layers, items=items, weights=_shortest(self.pooling.mix))
        return replace(readout, layers=layers)

    def tuned(self) -> Encoder:
        """The encoder with the weights it has now; a Model stays one."""
        state = {name: _array(tensor) for name, tensor in self.base.state_dict().items()}
        return replace(
            self.encoder,
            name=f"{self.encoder.name} (fine-tuned)",
            tensors=MappingProxyType({name: state[name] for name in self.encoder.tensors}),
        )

    def _freeze_unread(self) -> None:
        """Several GPUs wait for every gradient that a parameter asks for."""
        (text,) = self.encoder.tokenize(["a"])
        read = [p for p in self.parameters() if p.requires_grad]
        logits = self(**collate(text.windows, None, 0)).logits
        gradients = torch.autograd.grad(logits.sum(), read, allow_unused=True)
        for parameter, gradient in zip(read, gradients, strict=True):
            parameter.requires_grad_(gradient is not None)


def collate(texts: Sequence[Tokens], targets: NDArray[Any] | None, pad: int) -> dict[str, Tensor]:
    """``input_ids``, ``attention_mask`` int64 [n, t], ``words`` bool [n, t]; ``labels`` if given.

    ``pad`` is the id of the token that fills up. Where a prompt is left out of pooling, ``read``
    bool [n, t] are the tokens that are not.
    """
    shape = len(texts), max(map(len, texts))
    ids, mask = np.full(shape, pad, np.int64), np.zeros(shape, np.int64)
    words = np.zeros(shape, np.bool_)
    for i, text in enumerate(texts):
        ids[i, : len(text)], mask[i, : len(text)] = text.ids, 1
        words[i, : len(text)] = ~text.special
    made = {"input_ids": ids, "attention_mask": mask, "words": words}
    unread = np.array([text.unread for text in texts])
    if unread.any():
        made["read"] = (mask > 0) & (np.arange(shape[1]) >= unread[:, None])
    labels = {} if targets is None else {"labels": np.asarray(targets)}
    return {name: torch.from_numpy(array) for name, array in {**made, **labels}.items()}


def _dropout(config: Any) -> float:
    rates = (getattr(config, name, None) for name in _DROPOUT)
    return next((rate for rate in rates if rate is not None), 0.1)


def _linear(width: int, outputs: int, spread: float, seed: int) -> nn.Linear:
    """The generator is its own, so that nobody else's draws depend on it."""
    made = nn.Linear(width, outputs, device="meta").to_empty(device="cpu")
    with torch.no_grad():
        made.weight.normal_(0.0, spread, generator=torch.Generator().manual_seed(seed))
        made.bias.zero_()
    return made


def _placed(item: Layer | Span, depth: int) -> Layer | Span:
    """The same hidden states, counted from the embeddings."""
    if isinstance(item, Span):
        return Span(_from_embeddings(item.first, depth), _from_embeddings(item.last, depth))
    return _from_embeddings(item, depth)


def _from_embeddings(layer: Layer, depth: int) -> Layer:
    return layer if layer.index >= 0 else Layer(depth + 1 + layer.index)


def _shortest(weights: Tensor) -> tuple[float, ...]:
    """Float32 values as the shortest decimals that mean them."""
    return tuple(float(str(weight)) for weight in _array(weights))


def _array(tensor: Tensor) -> NDArray[Any]:
    array: NDArray[Any] = tensor.detach().cpu().numpy().copy()
    array.setflags(write=False)
    return array
