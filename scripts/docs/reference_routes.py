"""docs/reference/routes.md: what a server answers, from its operations and its OpenAPI document."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from page_text import code, fence, page, plain, table
from reference_server import server

from poolwise.serving import health, root
from poolwise.serving.application import operations
from poolwise.serving.openapi import COMMON, document, statuses
from poolwise.serving.operations import JSON, Operation
from poolwise.serving.page import routes as web_page
from poolwise.serving.protocols import (
    bert_http,
    cohere,
    ollama,
    ollama_models,
    openai,
    tei,
    tei_predict,
    tei_server,
    tei_tokens,
    vllm,
)

REFERENCE = "#/components/schemas/"

NAMES = {"array": "[…]", "object": "{…}"}


def write() -> str:
    """The page."""
    served = operations(server().state.service.settings, server().state.bert)
    shown = [operation for operation in served if operation.described]
    openapi = document(shown)
    protocols = _protocols()
    ours = {operation.path for of_protocol in protocols.values() for operation in of_protocol}
    if lost := {operation.path for operation in shown} - ours:
        raise AssertionError(f"routes of no protocol: {lost}")
    return page(
        "Server routes",
        "`poolwise serve` answers the clients of several servers. Every reply says which readout "
        "made it, in the header `x-poolwise-readout` and, where the protocol has room, in a field "
        "`readout`. The running server describes itself at `/docs` and, as OpenAPI, at "
        "`/openapi.json`; this page is made from the same types. Routes without a key are open "
        "even where the server has keys (`--api-key-file`). "
        "[Serve](../guides/serve.md) shows how they are used.",
        *(
            block
            for name, of_protocol in protocols.items()
            for block in _protocol(name, of_protocol, openapi)
        ),
        "## Statuses",
        "Errors are written as each protocol's own clients expect them; what a status means is the "
        "same.",
        table(["status", "means"], ([str(n), plain(COMMON[n])] for n in sorted(COMMON))),
        "A 429 and a 503 bring `retry-after` (whole seconds) and `retry-after-ms`; other errors of "
        "the server bring `x-should-retry: false`.",
        "The bounds that they come from are fields of a [serve.toml](files.md#servetoml) and of "
        "[`Settings`](python.md#serve).",
    )


def _protocols() -> dict[str, Sequence[Operation]]:
    """Operations by the protocol whose clients ask for them."""
    return {
        "OpenAI": openai.OPERATIONS,
        "text-embeddings-inference": [
            *tei.OPERATIONS,
            *tei_predict.OPERATIONS,
            *tei_tokens.OPERATIONS,
            *tei_server.OPERATIONS,
        ],
        "Ollama": [*ollama.OPERATIONS, *ollama_models.OPERATIONS, ollama_models.ROOT],
        "Cohere": cohere.OPERATIONS,
        "vLLM": vllm.OPERATIONS,
        "bert-as-service": bert_http.operations(server().state.bert),
        "Health and metrics": [*health.OPERATIONS, *root.OPERATIONS],
        "The page and the description": [
            *(operation for operation in web_page.OPERATIONS if operation.described),
        ],
    }


NOTES = {
    "Ollama": "`GET /` is Ollama's on its own port alone (`--ollama-port`).",
    "bert-as-service": "Served with `--bert-as-service`, beside its sockets: requests at port "
    "5555, replies at 5556, as bert-serving-client 1.10 speaks.",
    "The page and the description": "`GET /openapi.json` is the description itself. The page's own "
    "files are below `/page/web/` and `/page/inspector/`.",
}


def _protocol(
    name: str, of_protocol: Sequence[Operation], openapi: Mapping[str, Any]
) -> Iterator[str]:
    yield f"## {name}"
    yield NOTES.get(name, "")
    yield table(
        ["route", "does", "request", "reply", "key"],
        (_operation(operation, openapi) for operation in of_protocol),
    )
    codes = sorted({status for operation in of_protocol for status in statuses(operation)})
    yield f"Other statuses than 200: {', '.join(map(str, codes))}." if codes else ""
    schemas = openapi["components"]["schemas"]
    names = dict.fromkeys(_reached(map(str, _types(of_protocol, openapi)), schemas))
    if names:
        yield fence("\n\n".join(_struct(name, schemas[name]) for name in names), "text")


def _operation(operation: Operation, openapi: Mapping[str, Any]) -> list[str]:
    described = openapi["paths"].get(operation.path, {}).get(operation.method.lower(), {})
    body = _schema(described.get("requestBody", {}))
    answers = described.get("responses", {}).get("200", {})
    media_type = operation.media_type.partition(";")[0]
    reply = _schema(answers) or ("" if media_type == JSON else media_type)
    return [
        code(f"{operation.method} {operation.path}"),
        plain(operation.summary),
        code(body),
        code(reply),
        "no" if operation.public else "yes",
    ]


def _schema(described: Mapping[str, Any]) -> str:
    for content in described.get("content", {}).values():
        return _type(content["schema"]) if "$ref" in json.dumps(content) else _plain_type(content)
    return ""


def _plain_type(content: Mapping[str, Any]) -> str:
    found = _type(content["schema"])
    return "" if found == "string" else found


def _types(of_protocol: Iterable[Operation], openapi: Mapping[str, Any]) -> Iterator[str]:
    """The names of the schemas that these operations name."""
    for operation in of_protocol:
        described = openapi["paths"].get(operation.path, {}).get(operation.method.lower(), {})
        yield from _referred(described.get("requestBody"))
        yield from _referred(described.get("responses"))


def _reached(names: Iterable[str], schemas: Mapping[str, Any]) -> Iterator[str]:
    """The names and those that they name in turn."""
    for name in names:
        yield name
        yield from _reached(_referred(schemas[name]), schemas)


def _referred(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        if "$ref" in schema:
            yield schema["$ref"].removeprefix(REFERENCE)
        schema = [*schema.values()]
    if isinstance(schema, list):
        for part in schema:
            yield from _referred(part)


def _struct(name: str, schema: Mapping[str, Any]) -> str:
    """A type of the protocol: a field a line, with what it is where it is left out."""
    words = (schema.get("description") or "").replace("``", "").splitlines()
    lines = [name, *(f"  # {line.strip()}".rstrip() for line in words)]
    properties = schema.get("properties", {})
    widest = max(map(len, properties), default=0)
    for field, value in properties.items():
        line = f"  {field:<{widest}}  {_type(value)}"
        optional = field not in schema.get("required", ())
        default = f" = {json.dumps(value['default'])}" if "default" in value else ""
        lines.append(line + (default or (" (may be absent)" if optional else "")))
    return "\n".join(lines)


def _type(schema: Mapping[str, Any]) -> str:
    """A schema in JSON's words: ``[string] | null``."""
    if "$ref" in schema:
        return str(schema["$ref"]).removeprefix(REFERENCE)
    if "anyOf" in schema:
        return " | ".join(dict.fromkeys(map(_type, schema["anyOf"])))
    if "enum" in schema:
        return " | ".join(json.dumps(value) for value in schema["enum"])
    kind = schema.get("type", "any")
    if kind == "array" and "items" in schema:
        return f"[{_type(schema['items'])}]"
    if kind == "object" and isinstance(schema.get("additionalProperties"), dict):
        return f"{{string: {_type(schema['additionalProperties'])}}}"
    return NAMES.get(kind, str(kind))
