"""/predict: TEI's classification by a fine-tuned checkpoint, and poolwise's own reply."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np

from poolwise.classifier.output_space import OutputSpace
from poolwise.records import Floats
from poolwise.serving.errors import (
    EmptyInputError,
    InvalidRequestError,
    NotSupportedError,
    statuses,
)
from poolwise.serving.inputs import Reading
from poolwise.serving.operations import Operation, Reply, Request
from poolwise.serving.protocols.openai import READOUT_HEADER
from poolwise.serving.protocols.prediction import (
    PredictionsReply,
    described,
    find_classifier,
    outputs,
)
from poolwise.serving.protocols.tei import MODEL_HEADER, Direction, side_of
from poolwise.serving.protocols.tei_errors import ERRORS
from poolwise.serving.service import Service

PredictInputs = str | list[str | list[str]]


class PredictRequest(msgspec.Struct):
    """``inputs``, TEI's: a text, ``[text]``, or several as ``[[text], [text]]``.

    In place of it ``texts``, poolwise's own, which the richer reply answers. ``raw_scores`` are
    the outputs before softmax or sigmoid.
    """

    inputs: PredictInputs | None = None
    truncate: bool | None = None
    truncation_direction: Direction | None = None
    raw_scores: bool = False
    texts: list[str] | None = None
    model: str | None = None


class TEIPrediction(msgspec.Struct):
    score: float
    label: str


async def predict(service: Service, request: Request) -> Reply:
    """TEI's reply to ``inputs``: every label with its score, the highest first; poolwise's own to
    ``texts``."""
    body: PredictRequest = request.body
    served = find_classifier(service.catalogue, body.model or request.headers.get(MODEL_HEADER))
    if (body.inputs is None) == (body.texts is None):
        raise InvalidRequestError("expected inputs, or texts, and not both", param="inputs")
    texts = texts_of(body.inputs) if body.texts is None else body.texts
    reading = Reading(
        truncate=body.truncate,
        side=side_of(body.truncation_direction),
        place="inputs[{}]" if body.texts is None else "texts[{}]",
    )
    found = await outputs(service, served, texts, reading)
    space, readout = found.classifier.output_space, str(found.classifier.readout)
    headers = {
        "x-compute-tokens": str(found.tokens.n_tokens),
        "x-compute-characters": str(sum(map(len, texts))),
        "x-total-time": f"{1000 * found.seconds:.0f}",
        READOUT_HEADER: readout,
    }
    if body.texts is not None:
        predictions = described(space, found.values)
        value = {"predictions": predictions, "model": served.name, "readout": readout}
        return Reply.json(value, headers=headers)
    ranked = [ranks(space, row, raw=body.raw_scores) for row in found.values]
    return Reply.json(ranked if is_batch(body.inputs) else ranked[0], headers=headers)


def is_batch(inputs: PredictInputs | None) -> bool:
    """``["a"]`` is one text in TEI, ``["a", "b"]`` one pair."""
    return isinstance(inputs, list) and isinstance(inputs[0], list)


def texts_of(inputs: PredictInputs | None) -> list[str]:
    """The texts of ``inputs``. Raises InvalidRequestError for pairs, EmptyInputError for none."""
    if inputs is None or inputs == []:
        raise EmptyInputError("inputs is empty: expected a text", param="inputs")
    if isinstance(inputs, str):
        return [inputs]
    rows = inputs if is_batch(inputs) else [inputs]
    texts: list[str] = []
    for index, row in enumerate(rows):
        strings = [text for text in row if isinstance(text, str)]
        if isinstance(row, str) or len(strings) != len(row):
            raise InvalidRequestError(
                "inputs mixes texts and lists: expected a text, or several as [[text], [text]]",
                param="inputs",
            )
        if len(strings) > 1:
            raise InvalidRequestError(
                f"inputs[{index}] holds {len(strings)} texts, and this model reads one at a time: "
                "send several as [[text], [text]]",
                param="inputs",
            )
        if not strings:
            raise EmptyInputError(f"inputs[{index}] is empty: expected a text", param="inputs")
        texts += strings
    return texts


def ranks(space: OutputSpace, row: Floats, *, raw: bool) -> list[dict[str, Any]]:
    """The labels of outputs [k] with their scores, the highest first; of a regression its number,
    called as transformers calls it."""
    names = space.labels or ("LABEL_0",)
    scores = row if raw or space.kind == "regression" else space.probabilities(row[None])[0]
    order = np.argsort(-scores, kind="stable").tolist()
    return [{"score": scores[i], "label": names[i]} for i in order]


OPERATIONS = [
    Operation(
        "POST",
        "/predict",
        "Labels of texts, by a fine-tuned checkpoint",
        predict,
        ERRORS,
        PredictRequest,
        PredictionsReply | list[TEIPrediction | list[TEIPrediction]],
        statuses=statuses(NotSupportedError),
    )
]
