"""Which protocol a server speaks, by its URL's path and by asking it."""

from __future__ import annotations

from typing import Literal, get_args

from poolwise.doctor.endpoints.connection import Connection
from poolwise.doctor.endpoints.inquiry import Inquiry
from poolwise.doctor.endpoints.openai import base_paths
from poolwise.doctor.endpoints.tei import is_poolwise
from poolwise.errors import listed

API = Literal["openai", "tei", "ollama", "cohere", "bert-as-service"]

APIS: tuple[API, ...] = get_args(API)

_BY_PATH: dict[str, API] = {
    "/v2/embed": "cohere",
    "/api/embed": "ollama",
    "/api": "ollama",
    "/embed": "tei",
    "/embeddings": "openai",
    "/encode": "bert-as-service",
}


def discovered(connection: Connection) -> API:
    """The protocol. Raises EndpointError where none is recognised, or nothing answers.

    poolwise's own server speaks them all: asked in OpenAI's, it gives the readout as it is.
    """
    address = connection.address
    for end, api in _BY_PATH.items():
        if address.path.endswith(end):
            return api
    if address.host.endswith(("cohere.com", "cohere.ai")):
        return "cohere"
    inquiry = Inquiry(connection)
    asked = _asked(inquiry, connection)
    if asked is None:
        inquiry.check()
        raise connection.error(
            address.path,
            f"no protocol that is known here is spoken (asked: {listed(inquiry.paths)}); correct "
            f"the URL, or name the protocol with --api: {listed(APIS)}",
        )
    return asked


def _asked(inquiry: Inquiry, connection: Connection) -> API | None:
    path = connection.address.path
    match inquiry.value(f"{path}/info"):
        case {"model_id": str(), "model_type": dict()} as info if not is_poolwise(info):
            return "tei"
    match inquiry.value(f"{path}/api/tags"):
        case {"models": [*models]} if not any("readout" in model for model in models):
            return "ollama"
    for base in base_paths(connection.address):
        if inquiry.names(f"{base}/models", "data", "id") is not None:
            return "openai"
    match inquiry.value(f"{path}/status/server"):
        case {"server_version": str()}:
            return "bert-as-service"
    return None
