"""The readouts that fine-tuning accepts; some have parameters of their own.

    cls@-1  mean@4  pooler  token[3]@-1  …   any readout without steps
    cls@mix                                  all layers, their weights learned, from equal ones
    cls@weights(4=0.5,-1=0.5)                these layers, their weights learned, from these
    attention@-1                             a weighted mean of all tokens, the weights learned

Learned layer weights make an ordinary readout again, ``cls@weights(…)``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from poolwise.errors import ReadoutError
from poolwise.readouts import Readout, parse

Learns = Literal["", "mix", "attention"]

_ATTENTION = "attention@"
_MIX = "@mix"


@dataclass(frozen=True, slots=True)
class TrainableReadout:
    """``initial`` is the readout where training begins; ``learns`` its own parameters, if any.

    ``mix``: the layer weights. ``attention``: a query q [d], 0 at first, which weighs token i by
    softmax(h_i · q); it begins as the mean of all tokens, special ones included, of the layers of
    ``initial``.
    """

    spec: str
    initial: Readout
    learns: Learns = ""

    def __str__(self) -> str:
        return self.spec


def parse_trainable(spec: str, depth: int) -> TrainableReadout:
    """``spec`` for an encoder of ``depth`` blocks.

    Raises ReadoutError where it cannot be parsed or trained, or reads a layer beyond ``depth``.
    """
    trainable = _parse(spec, depth)
    initial = trainable.initial
    if initial.steps:
        raise ReadoutError(
            f"{spec}: steps belong to frozen vectors, in training the layers below learn what they "
            f"do; fine-tune {initial.pooled}"
        )
    if initial.layers is not None:
        initial.layer_indices(depth)
    return trainable


def _parse(spec: str, depth: int) -> TrainableReadout:
    if spec.startswith(_ATTENTION):
        initial = parse(f"mean@{spec.removeprefix(_ATTENTION)}")
        if initial.layers is not None and initial.layers.combine in ("weights", "concat"):
            raise ReadoutError(f"{spec}: learned attention reads a layer, or several by avg or sum")
        return TrainableReadout(spec, initial, "attention")
    if spec.endswith(_MIX):
        equal = ",".join([repr(1 / (depth + 1))] * (depth + 1))
        return TrainableReadout(spec, parse(f"{spec.removesuffix(_MIX)}@weights({equal})"), "mix")
    initial = parse(spec)
    mixed = initial.layers is not None and initial.layers.combine == "weights"
    return TrainableReadout(spec, initial, "mix" if mixed else "")
