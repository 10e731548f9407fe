"""What Ollama's clients ask of a server beside embeddings: models, version, that it runs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

from poolwise.serving.catalogue import ServedModel
from poolwise.serving.operations import Operation, Reply, Request
from poolwise.serving.protocols.ollama import ERRORS, LATEST, find
from poolwise.serving.service import Service
from poolwise.version import __version__

API_VERSION = "0.13.0"
"""The Ollama whose routes and fields these are: clients compare it with the one that they need."""

NEVER = "9999-12-31T23:59:59Z"
"""When a served model is unloaded."""


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
        for name in [served.name + (f":{spec}" if number else LATEST)]
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
        queued=False,
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
