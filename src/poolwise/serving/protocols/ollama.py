"""Ollama's embeddings, and what its clients ask of a server beside them.

https://github.com/ollama/ollama/blob/main/docs/api.md. Its tags are readouts here: ``demo`` and
``demo:latest`` are the model's default, ``demo:mean@-2`` another.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

from poolwise.serving.catalogue import ServedModel, ServedReadout
from poolwise.serving.errors import InvalidRequestError
from poolwise.serving.inputs import Reading
from poolwise.serving.operations import ErrorFormat, Operation, Reply, Request
from poolwise.serving.protocols.openai import readout_header
from poolwise.serving.service import Embeddings, Service
from poolwise.serving.vectors import normalised
from poolwise.version import __version__

API_VERSION = "0.13.0"
"""The Ollama whose routes and fields these are: clients compare it with the one that they need."""

NEVER = "9999-12-31T23:59:59Z"
"""When a served model is unloaded."""

_LATEST = ":latest"


class OllamaError(msgspec.Struct):
    error: str


class Options(msgspec.Struct):
    """Of Ollama's options the only one that an encoder has: tokens read of a text."""

    num_ctx: int | None = None


class OllamaEmbedRequest(msgspec.Struct):
    """``keep_alive`` and further options change nothing: a served model stays loaded."""

    model: str
    input: str | list[str] | None = None
    truncate: bool | None = None
    dimensions: int | None = None
    keep_alive: str | float | None = None
    options: Options | None = None


class OllamaEmbedReply(msgspec.Struct):
    """Durations in nanoseconds."""

    model: str
    embeddings: list[list[float]]
    total_duration: int
    load_duration: int
    prompt_eval_count: int
    readout: str


class OllamaEmbeddingsRequest(msgspec.Struct):
    model: str
    prompt: str | None = None
    keep_alive: str | float | None = None
    options: Options | None = None


class OllamaEmbeddingsReply(msgspec.Struct):
    embedding: list[float]
    readout: str


class ModelDetails(msgspec.Struct):
    parent_model: str
    format: str
    family: str
    families: list[str]
    parameter_size: str
    quantization_level: str


class OllamaModel(msgspec.Struct):
    name: str
    model: str
    modified_at: str
    size: int
    digest: str
    details: ModelDetails
    readout: str


class RunningModel(OllamaModel):
    expires_at: str
    size_vram: int
    context_length: int


class TagsReply(msgspec.Struct):
    models: list[OllamaModel]


class RunningReply(msgspec.Struct):
    models: list[RunningModel]


class ShowRequest(msgspec.Struct):
    model: str = ""
    name: str = ""


class ShowReply(msgspec.Struct):
    modelfile: str
    parameters: str
    template: str
    details: ModelDetails
    model_info: dict[str, str | int]
    capabilities: list[str]
    modified_at: str
    readout: str


class VersionReply(msgspec.Struct):
    version: str
    poolwise: str


ERRORS = ErrorFormat(OllamaError, lambda error: {"error": str(error)})


def find(service: Service, model: str) -> tuple[ServedModel, ServedReadout]:
    """What a request's ``model`` names."""
    if not model:
        raise InvalidRequestError("model is required", param="model")
    return service.catalogue.find(model.removesuffix(_LATEST))


def reading_of(
    served: ServedModel, options: Options | None, *, truncate: bool | None, place: str
) -> Reading:
    """Ollama cuts long texts unless told not to, at ``num_ctx`` where that is less than the model
    reads."""
    length = options.num_ctx if options is not None else None
    if length is not None and not 0 < length < served.max_length:
        length = None
    return Reading(truncate=truncate is not False, max_length=length, place=place, allow_empty=True)


async def embed(service: Service, request: Request) -> Reply:
    """Vectors of length 1; ``dimensions`` beyond their own change nothing, as in Ollama."""
    body: OllamaEmbedRequest = request.body
    served, readout = find(service, body.model)
    single = isinstance(body.input, str)
    texts = [body.input] if isinstance(body.input, str) and body.input else body.input or []
    if not texts:
        return Reply.json({"model": body.model, "embeddings": [], "readout": str(readout)})
    place = "input" if single else "input[{}]"
    reading = reading_of(served, body.options, truncate=body.truncate, place=place)
    result = await service.embed(served, readout, texts, reading)
    vectors = normalised(result.vectors)
    if body.dimensions is not None and 0 < body.dimensions < vectors.shape[1]:
        vectors = normalised(vectors[:, : body.dimensions])
    return _reply(
        result,
        {
            "model": body.model,
            "embeddings": list(vectors),
            "total_duration": _nanoseconds(result.times.total),
            "load_duration": _nanoseconds(result.times.queue),
            "prompt_eval_count": result.tokens.n_tokens,
        },
    )


async def embeddings(service: Service, request: Request) -> Reply:
    """The old route: one text, its vector as the readout gives it."""
    body: OllamaEmbeddingsRequest = request.body
    served, readout = find(service, body.model)
    if not body.prompt:
        return Reply.json({"embedding": [], "readout": str(readout)})
    reading = reading_of(served, body.options, truncate=None, place="prompt")
    result = await service.embed(served, readout, [body.prompt], reading)
    return _reply(result, {"embedding": result.vectors[0]})


def _reply(result: Embeddings, value: dict[str, Any]) -> Reply:
    return Reply.json(value | {"readout": str(result.readout)}, headers=readout_header(result))


def _nanoseconds(seconds: float) -> int:
    return round(seconds * 1e9)


async def tags(service: Service, request: Request) -> Reply:
    return Reply.json({"models": _listed(service)})


async def running(service: Service, request: Request) -> Reply:
    listed = _listed(service)
    for entry in listed:
        served, _ = find(service, entry["model"])
        entry |= {"expires_at": NEVER, "size_vram": 0, "context_length": served.max_length}
    return Reply.json({"models": listed})


def _listed(service: Service) -> list[dict[str, Any]]:
    """Every served readout as a model of Ollama's, the default of each under ``latest``."""
    return [
        {
            "name": name,
            "model": name,
            "modified_at": _modified(served),
            "size": sum(tensor.nbytes for tensor in served.model.tensors.values()),
            "digest": served.model.hash,
            "details": _details(served),
            "readout": str(readout),
        }
        for served in service.catalogue.models
        for number, (spec, readout) in enumerate(served.readouts.items())
        for name in [served.name + (f":{spec}" if number else _LATEST)]
    ]


def _modified(served: ServedModel) -> str:
    return datetime.fromtimestamp(served.created, UTC).isoformat()


def _details(served: ServedModel) -> dict[str, Any]:
    family = served.model.family.name.lower()
    precision = served.model.engine_for(served.precision).precision
    return {
        "parent_model": "",
        "format": "safetensors",
        "family": family,
        "families": [family],
        "parameter_size": f"{_n_parameters(served) / 1e6:.4g}M",
        "quantization_level": "F32" if precision == "exact" else precision,
    }


def _n_parameters(served: ServedModel) -> int:
    return sum(tensor.size for tensor in served.model.tensors.values())


async def show(service: Service, request: Request) -> Reply:
    body: ShowRequest = request.body
    served, readout = find(service, body.model or body.name)
    family = served.model.family.name.lower()
    return Reply.json(
        {
            "modelfile": f"FROM {served.name}",
            "parameters": "",
            "template": "{{ .Prompt }}",
            "details": _details(served),
            "model_info": {
                "general.architecture": family,
                "general.parameter_count": _n_parameters(served),
                f"{family}.block_count": served.model.depth,
                f"{family}.context_length": served.max_length,
                f"{family}.embedding_length": readout.width,
            },
            "capabilities": ["embedding"],
            "modified_at": _modified(served),
            "readout": str(readout),
        }
    )


async def version(service: Service, request: Request) -> Reply:
    return Reply.json({"version": API_VERSION, "poolwise": __version__})


async def root(service: Service, request: Request) -> Reply:
    return Reply(b"Ollama is running", media_type="text/plain; charset=utf-8")


ROOT = Operation(
    "GET", "/", "That it runs", root, ERRORS, public=True, media_type="text/plain; charset=utf-8"
)
"""Only on Ollama's own port: elsewhere ``/`` is another protocol's."""

OPERATIONS = [
    Operation(
        "POST",
        "/api/embed",
        "Vectors of texts, as Ollama gives them",
        embed,
        ERRORS,
        OllamaEmbedRequest,
        OllamaEmbedReply,
        any_type=True,
        queued=True,
    ),
    Operation(
        "POST",
        "/api/embeddings",
        "The vector of one text; Ollama's old route",
        embeddings,
        ERRORS,
        OllamaEmbeddingsRequest,
        OllamaEmbeddingsReply,
        any_type=True,
        queued=True,
    ),
    Operation("GET", "/api/tags", "What is served, for Ollama", tags, ERRORS, reply=TagsReply),
    Operation("GET", "/api/ps", "The same: all is loaded", running, ERRORS, reply=RunningReply),
    Operation(
        "POST",
        "/api/show",
        "A model's facts, for Ollama",
        show,
        ERRORS,
        ShowRequest,
        ShowReply,
        any_type=True,
    ),
    Operation(
        "GET",
        "/api/version",
        "The Ollama whose API this is",
        version,
        ERRORS,
        reply=VersionReply,
        public=True,
    ),
]
