"""Readouts: what to read from an encoder, as a short text (``mean@-1|whiten(256)|l2``)."""

from poolwise.readouts.grammar import parse, parse_steps
from poolwise.readouts.layers import Combine, Layer, LayerExpr, Span
from poolwise.readouts.pools import POOLS, Pool, PoolKind, join
from poolwise.readouts.spec import Readout
from poolwise.readouts.steps import STEPS, Step, StepFacts, StepName

__all__ = [
    "POOLS",
    "STEPS",
    "Combine",
    "Layer",
    "LayerExpr",
    "Pool",
    "PoolKind",
    "Readout",
    "Span",
    "Step",
    "StepFacts",
    "StepName",
    "join",
    "parse",
    "parse_steps",
]
