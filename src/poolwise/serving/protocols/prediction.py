"""Predictions of a fine-tuned checkpoint: its outputs, through the queue where a pass gives them,
and poolwise's own reply."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import msgspec
import numpy as np

from poolwise.classifier.classifier import OUTPUTS, Classifier
from poolwise.classifier.output_space import OutputSpace, finite_rows
from poolwise.records import Floats
from poolwise.serving.catalogue import Catalogue, ServedModel, ServedReadout
from poolwise.serving.errors import ComputationError, NotSupportedError
from poolwise.serving.inputs import Reading, Tokenized
from poolwise.serving.service import Service
from poolwise.transforms.fitted_readout import FittedReadout


class TextPrediction(msgspec.Struct):
    """``label`` is a list where a text may have several, a number of a regression, which has no
    probabilities; ``probability`` is that of a single label."""

    label: str | list[str] | float
    probability: float | None = None
    probabilities: dict[str, float] | None = None


class PredictionsReply(msgspec.Struct):
    predictions: list[TextPrediction]
    model: str
    readout: str


@dataclass(frozen=True, slots=True)
class Outputs:
    """The linear layer's ``values`` [n, k] of a request's texts, all finite."""

    classifier: Classifier
    values: Floats
    tokens: Tokenized
    seconds: float


def find_classifier(catalogue: Catalogue, name: str | None) -> ServedModel:
    """The fine-tuned model of this name, or the first. Raises NotSupportedError where there is
    none, UnknownModelError for another name."""
    if all(served.classifier is None for served in catalogue.models):
        raise NotSupportedError("no model here predicts: serve a fine-tuned checkpoint")
    return catalogue.find_classifier(name)


async def outputs(
    service: Service, served: ServedModel, texts: Sequence[str], reading: Reading
) -> Outputs:
    """Raises RequestError."""
    classifier, readout = classifier_of(served), head_readout(served)
    if classifier.query is None and classifier.readout.pool.facts.fallback is None:
        result = await service.embed(served, readout, texts, reading)
        values, tokens = classifier.linear(result.vectors), result.tokens
        seconds = result.times.total
    else:  # learned attention is no readout, and a fallback is read of some texts only
        tokens = await service.tokenization.run(served, readout, texts, reading)
        own = replace(classifier, model=service.tokenization.encoder(served, readout, reading))

        def run() -> Floats:
            batches = own.batches(texts, precision=served.precision)
            return np.concatenate([batch.vectors[OUTPUTS] for batch in batches])

        values = await service.call(run, n_tokens=tokens.n_tokens)
        seconds = tokens.seconds
    if not finite_rows(values).all():
        raise ComputationError(f"{served.name} gives outputs that are not finite")
    return Outputs(classifier, values, tokens, seconds)


def classifier_of(served: ServedModel) -> Classifier:
    """The classifier of a served checkpoint."""
    assert served.classifier is not None
    return served.classifier


@lru_cache(maxsize=64)
def head_readout(served: ServedModel) -> ServedReadout:
    """What the linear layer reads."""
    readout = classifier_of(served).readout
    return ServedReadout.of(str(readout), FittedReadout(readout), served.model)


def described(space: OutputSpace, values: Floats) -> list[dict[str, Any]]:
    """A ``TextPrediction`` of each row of outputs [n, k]."""
    if space.kind == "regression":
        return [{"label": number} for number in space.predictions(values)]
    found: list[dict[str, Any]] = []
    for label, row in zip(space.predictions(values), space.probabilities(values), strict=True):
        probabilities = dict(zip(space.labels, row, strict=True))
        single = {"probability": probabilities[label]} if isinstance(label, str) else {}
        found.append({"label": label, **single, "probabilities": probabilities})
    return found
