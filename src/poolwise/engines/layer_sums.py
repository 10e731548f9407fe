"""A readout's layers of every token, before pooling."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from poolwise.readouts import Readout
from poolwise.records import Floats


def combined_states(readout: Readout, depth: int, states: Mapping[int, Floats]) -> Floats:
    """``states`` by layer, [t, d] each, combined as the readout combines its layers: [t, d], or
    [t, layers * d] of ``concat``; the pooler reads the last layer."""
    layers = readout.layer_indices(depth)
    if readout.layers is None or readout.layers.combine == "concat":
        return np.concatenate([states[layer] for layer in layers], axis=1)
    coefficients = readout.layers.coefficients(depth)
    if coefficients == (1.0,):
        return states[layers[0]]
    total = np.zeros(states[layers[0]].shape, np.float64)
    for layer, coefficient in zip(layers, coefficients, strict=True):
        total += coefficient * states[layer].astype(np.float64)
    return total.astype(np.float32)
