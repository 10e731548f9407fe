"""A server's URL to what asks it for vectors."""

from __future__ import annotations

import math

from poolwise.doctor.endpoints.address import parse_address
from poolwise.doctor.endpoints.bert_http import BertHTTPEndpoint
from poolwise.doctor.endpoints.bert_sockets import BertSocketsEndpoint
from poolwise.doctor.endpoints.cohere import CohereEndpoint
from poolwise.doctor.endpoints.connection import Connection
from poolwise.doctor.endpoints.discovery import API, APIS, discovered
from poolwise.doctor.endpoints.endpoint import HTTPEndpoint
from poolwise.doctor.endpoints.ollama import OllamaEndpoint
from poolwise.doctor.endpoints.openai import OpenAIEndpoint
from poolwise.doctor.endpoints.tei import TEIEndpoint
from poolwise.errors import OptionError, listed

TIMEOUT = 60.0
"""Seconds that an answer may take."""

Endpoint = HTTPEndpoint | BertSocketsEndpoint

_HTTP: dict[API, type[HTTPEndpoint]] = {
    "openai": OpenAIEndpoint,
    "tei": TEIEndpoint,
    "ollama": OllamaEndpoint,
    "cohere": CohereEndpoint,
    "bert-as-service": BertHTTPEndpoint,
}


def open_endpoint(
    url: str,
    api: API | None = None,
    model: str | None = None,
    key: str | None = None,
    timeout: float = TIMEOUT,
) -> Endpoint:
    """The server at ``url``, which is a VectorSource; it is asked what it is, not yet for vectors.

    ``api`` None: the protocol is found by the URL's path and by asking. ``model`` None: the only
    one that the server lists. ``key`` is sent over HTTP to this server alone, and never shown.
    ``timeout`` in seconds, of each request. Raises OptionError for an argument that is wrong or
    must be given; EndpointError.
    """
    if api is not None and api not in APIS:
        raise OptionError(f"api is {api!r:.60}, expected one of {listed(APIS)}")
    if not (timeout > 0 and math.isfinite(timeout)):
        raise OptionError(f"timeout is {timeout}, expected seconds above 0")
    address = parse_address(url)
    if address.scheme == "tcp":
        if api not in (None, "bert-as-service"):
            raise OptionError(
                f"{address} is of bert-as-service's own sockets, and api is {api}: leave api out, "
                "or give a URL that begins http://"
            )
        return BertSocketsEndpoint(address, model, timeout)
    connection = Connection(address, key, timeout)
    try:
        return _HTTP[api or discovered(connection)].open(connection, model)
    except BaseException:
        connection.close()
        raise
