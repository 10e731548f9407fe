"""Readouts as fine-tuning takes them: some learn how they read, too.

    cls@-1  mean@4  pooler  token[3]@-1  …   any readout without steps
    cls@mix                                  all layers, their weights learned, from equal ones
    cls@weights(4=0.5,-1=0.5)                these layers, their weights learned, from these
    attention@-1                             a weighted mean of all tokens, the weights learned

What such a readout has learned of its layers is an ordinary readout again, ``cls@weights(…)``.
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
class Tunable:
    """``readout`` is where training begins; ``learns`` what is learned beside encoder and head.

    ``attention`` weighs token i by softmax(h_i · q) with a learned q [d], 0 at first: it begins as
    the mean of all tokens, special ones included, of the layers of ``readout``.
    """

    spec: str
    readout: Readout
    learns: Learns = ""

    def __str__(self) -> str:
        return self.spec


def tunable(spec: str, depth: int) -> Tunable:
    """What ``spec`` means for an encoder of ``depth`` blocks. Raises ReadoutError."""
    if spec.startswith(_ATTENTION):
        asked = Tunable(spec, parse(f"mean@{spec.removeprefix(_ATTENTION)}"), "attention")
        layers = asked.readout.layers
        if layers is not None and layers.combine in ("weights", "concat"):
            raise ReadoutError(f"{spec}: learned attention reads a layer, or several by avg or sum")
    elif spec.endswith(_MIX):
        equal = ",".join([repr(1 / (depth + 1))] * (depth + 1))
        asked = Tunable(spec, parse(f"{spec.removesuffix(_MIX)}@weights({equal})"), "mix")
    else:
        readout = parse(spec)
        mixed = readout.layers is not None and readout.layers.combine == "weights"
        asked = Tunable(spec, readout, "mix" if mixed else "")
    if asked.readout.steps:
        raise ReadoutError(
            f"{spec}: steps belong to frozen vectors, in training the layers below learn what they "
            f"do; fine-tune {asked.readout.pooled}"
        )
    if asked.readout.layers is not None:
        asked.readout.layer_indices(depth)
    return asked
