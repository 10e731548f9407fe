"""Readouts: what to read from an encoder, as a short text (``mean@-1|whiten(256)|l2``)."""

from poolwise.readouts.grammar import parse, parse_steps
from poolwise.readouts.layers import Combine, Layer, LayerExpr, Span
from poolwise.readouts.pools import (
    POOL_OF_MODE,
    POOLING_MODES,
    POOLS,
    Pool,
    PoolFacts,
    PoolingMode,
    PoolKind,
    Weighting,
    join,
)
from poolwise.readouts.spec import Readout
from poolwise.readouts.steps import STEPS, Step, StepFacts, StepName

__all__ = [
    "POOLING_MODES",
    "POOLS",
    "POOL_OF_MODE",
    "STEPS",
    "Combine",
    "Layer",
    "LayerExpr",
    "Pool",
    "PoolFacts",
    "PoolKind",
    "PoolingMode",
    "Readout",
    "Span",
    "Step",
    "StepFacts",
    "StepName",
    "Weighting",
    "join",
    "parse",
    "parse_steps",
]
