"""torch's activation functions with their default arguments, by the names of their classes.

Arrays x are float64 [n, d]. The formulas are those of torch.nn's documentation; random ones
(RReLU) are those of evaluation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]

_SELU_SCALE, _SELU_ALPHA = 1.0507009873554804934193349852946, 1.6732632423543772848170429916717
_RRELU_SLOPE = (1 / 8 + 1 / 3) / 2


def _sigmoid(x: Doubles) -> Doubles:
    """1/(1 + exp(-x)), without overflow."""
    return np.exp(-np.logaddexp(0, -x))


def _log_softmax(x: Doubles) -> Doubles:
    shifted = x - x.max(axis=1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)))


def _gelu(x: Doubles) -> Doubles:
    from scipy.special import erf  # noqa: PLC0415 - loading an encoder needs none

    return np.asarray(x * (1 + erf(x / np.sqrt(2))) / 2)


def _softplus(x: Doubles) -> Doubles:
    """log(1 + exp(x)), and x itself above 20, where torch stops computing."""
    return np.where(x > 20, x, np.logaddexp(0, x))


def _leaky(x: Doubles, slope: float) -> Doubles:
    return np.where(x >= 0, x, slope * x)


def _elu(x: Doubles, alpha: float = 1.0) -> Doubles:
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


def _glu(x: Doubles) -> Doubles:
    """The first half of the dimensions times the sigmoid of the second."""
    first, second = np.split(x, 2, axis=1)
    return first * _sigmoid(second)


ACTIVATIONS: Mapping[str, Callable[[Doubles], Doubles]] = {
    "Identity": lambda x: x,
    "Tanh": np.tanh,
    "ReLU": lambda x: np.maximum(x, 0),
    "ReLU6": lambda x: np.clip(x, 0, 6),
    "RReLU": lambda x: _leaky(x, _RRELU_SLOPE),
    "LeakyReLU": lambda x: _leaky(x, 0.01),
    "ELU": _elu,
    "CELU": _elu,
    "SELU": lambda x: _SELU_SCALE * _elu(x, _SELU_ALPHA),
    "GELU": _gelu,
    "SiLU": lambda x: x * _sigmoid(x),
    "Mish": lambda x: x * np.tanh(_softplus(x)),
    "Sigmoid": _sigmoid,
    "LogSigmoid": lambda x: -np.logaddexp(0, -x),
    "Softplus": _softplus,
    "Softsign": lambda x: x / (1 + np.abs(x)),
    "Softshrink": lambda x: np.sign(x) * np.maximum(np.abs(x) - 0.5, 0),
    "Hardshrink": lambda x: np.where(np.abs(x) > 0.5, x, 0),
    "Tanhshrink": lambda x: x - np.tanh(x),
    "Hardtanh": lambda x: np.clip(x, -1, 1),
    "Hardsigmoid": lambda x: np.clip(x / 6 + 0.5, 0, 1),
    "Hardswish": lambda x: x * np.clip(x / 6 + 0.5, 0, 1),
    "Softmax": lambda x: np.exp(_log_softmax(x)),
    "Softmin": lambda x: np.exp(_log_softmax(-x)),
    "LogSoftmax": _log_softmax,
    "GLU": _glu,
}
"""The activations without required arguments and without weights."""

HALVING = "GLU"
"""The activation whose output has half as many dimensions as its input."""
