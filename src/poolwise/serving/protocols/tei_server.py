"""What TEI says of itself, its routes that take any request, and those that no encoder answers."""

from __future__ import annotations

from typing import Any

import msgspec

from poolwise.serving.bodies import convert
from poolwise.serving.catalogue import ServedModel, ServedReadout
from poolwise.serving.errors import NotSupportedError, statuses
from poolwise.serving.inputs import THREADS
from poolwise.serving.operations import Operation, Reply, Request
from poolwise.serving.protocols import tei, tei_predict
from poolwise.serving.protocols.tei import (
    MODEL_HEADER,
    Direction,
    EmbedRequest,
    SimilarityInputs,
    SimilarityParameters,
    SimilarityRequest,
)
from poolwise.serving.protocols.tei_errors import ERRORS
from poolwise.serving.protocols.tei_predict import PredictRequest, TEIPrediction
from poolwise.serving.service import Service
from poolwise.version import __version__

POOLINGS = {"cls": "cls", "mean": "mean", "sep": "last_token"}
"""TEI's names of pools; others have ours."""


class EmbeddingModel(msgspec.Struct):
    pooling: str


class ClassifierModel(msgspec.Struct):
    id2label: dict[str, str]
    label2id: dict[str, int]


class ModelType(msgspec.Struct, omit_defaults=True):
    """One of the two."""

    embedding: EmbeddingModel | None = None
    classifier: ClassifierModel | None = None


class InfoReply(msgspec.Struct):
    """``model_sha`` is the SHA-256 of weights, configuration and tokenizer.

    ``max_concurrent_requests``: so many texts of the full length may wait. ``readout`` and
    ``precision`` are poolwise's.
    """

    model_id: str
    model_sha: str | None
    model_dtype: str
    served_model_name: str
    model_type: ModelType
    max_concurrent_requests: int
    max_input_length: int
    max_batch_tokens: int
    max_batch_requests: int | None
    max_client_batch_size: int
    auto_truncate: bool
    tokenization_workers: int
    version: str
    sha: str | None
    docker_label: str | None
    readout: str
    precision: str


class AnyRequest(msgspec.Struct):
    """A request of /embed, of /similarity where ``inputs`` holds a source and sentences, or of
    /predict where the server's only model is a fine-tuned checkpoint."""

    inputs: SimilarityInputs | str | list[str | int | list[int | str]]
    truncate: bool | None = None
    truncation_direction: Direction | None = None
    prompt_name: str | None = None
    normalize: bool = True
    dimensions: int | None = None
    raw_scores: bool = False
    parameters: SimilarityParameters | None = None
    model: str | None = None
    readout: str | None = None


class UnsupportedRequest(msgspec.Struct):
    """Whatever TEI takes here."""


async def info(service: Service, request: Request) -> Reply:
    name = request.query.get("model") or request.headers.get(MODEL_HEADER)
    served, readout = service.catalogue.find(name)
    settings = service.settings
    precision = served.model.engine_for(served.precision).precision
    return Reply.json(
        {
            "model_id": served.name,
            "model_sha": served.model.hash,
            "model_dtype": "float32" if precision == "exact" else precision,
            "served_model_name": served.name,
            "model_type": _model_type(service, served, readout),
            "max_concurrent_requests": max(1, settings.queue_tokens // served.max_length),
            "max_input_length": served.max_length,
            "max_batch_tokens": settings.batch_tokens,
            "max_batch_requests": None,
            "max_client_batch_size": settings.max_inputs,
            "auto_truncate": settings.auto_truncate,
            "tokenization_workers": THREADS,
            "version": __version__,
            "sha": None,
            "docker_label": None,
            "readout": str(readout),
            "precision": precision,
        }
    )


def predicts(service: Service) -> bool:
    """Whether the server's only model is a fine-tuned checkpoint, which predicts unless asked for
    vectors."""
    models = service.catalogue.models
    return len(models) == 1 and models[0].classifier is not None


def _model_type(service: Service, served: ServedModel, readout: ServedReadout) -> dict[str, Any]:
    if served.classifier is not None and predicts(service):
        labels = served.classifier.output_space.labels or ("LABEL_0",)
        by_number = {str(number): label for number, label in enumerate(labels)}
        by_label = {label: number for number, label in enumerate(labels)}
        return {"classifier": {"id2label": by_number, "label2id": by_label}}
    kind = readout.fitted.readout.pool.kind
    return {"embedding": {"pooling": POOLINGS.get(kind, kind)}}


async def any_of_them(service: Service, request: Request) -> Reply:
    """``POST /`` and ``/invocations``, where huggingface_hub and SageMaker send everything."""
    body: AnyRequest = request.body
    kind: type[EmbedRequest | SimilarityRequest | PredictRequest] = EmbedRequest
    handle = tei.embed
    if isinstance(body.inputs, SimilarityInputs):
        kind, handle = SimilarityRequest, tei.similarity
    elif predicts(service):
        kind, handle = PredictRequest, tei_predict.predict
    request = Request(convert(msgspec.to_builtins(body), kind), request.headers, request.query)
    return await handle(service, request)


async def unsupported(service: Service, request: Request) -> Reply:
    raise NotSupportedError("this server's models are encoders of sentences: see /embed")


def _unsupported(path: str, summary: str) -> Operation:
    return Operation(
        "POST",
        path,
        f"{summary}: not by an encoder of sentences",
        unsupported,
        ERRORS,
        UnsupportedRequest,
        statuses=statuses(NotSupportedError),
    )


def _any(path: str) -> Operation:
    return Operation(
        "POST",
        path,
        "/embed, /similarity or /predict, by the shape of inputs",
        any_of_them,
        ERRORS,
        AnyRequest,
        list[float | TEIPrediction | list[float | TEIPrediction]],
        statuses=statuses(NotSupportedError),
    )


OPERATIONS = [
    Operation(
        "GET",
        "/info",
        "What is served and within which limits, as TEI says it",
        info,
        ERRORS,
        reply=InfoReply,
        statuses=frozenset({404}),
    ),
    _any("/"),
    _any("/invocations"),
    _unsupported("/rerank", "Texts in the order of a query"),
    _unsupported("/embed_sparse", "Sparse vectors"),
]

PATHS = (
    "/embed",
    "/similarity",
    "/tokenize",
    "/decode",
    "/predict",
    "/rerank",
    "/info",
    "/invocations",
)
"""The beginnings of TEI's paths."""
