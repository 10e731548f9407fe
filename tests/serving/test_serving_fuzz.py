"""Drawn and mutated bodies for every operation: no crash, no 5xx, only what is documented.

``POOLWISE_BODIES`` bodies are sent, from the seed ``POOLWISE_BODY_SEED``.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
from collections import Counter

import msgspec
import orjson
import pytest

from poolwise.serving import app, serve_model
from poolwise.serving.application import operations
from poolwise.serving.openapi import document, statuses
from poolwise.serving.settings import Settings

BODIES = int(os.environ.get("POOLWISE_BODIES", "1500"))
SEED = int(os.environ.get("POOLWISE_BODY_SEED", "0"))

TEXTS = [
    "the cat",
    "a",
    " ",
    "\t\n",
    "x" * 400,
    "猫は",
    "[SEP]",
    "[MASK] the",
    "\x00",
    "e\u0301\u202e",
    "🐈" * 9,
]
NAMES = [
    "tiny",
    "mean@-1",
    "tiny:cls@-2",
    "cls@99",
    "pooler",
    "mean@",
    "nothing",
    "mean@-1|whiten(9)",
]
WILD = [
    None,
    True,
    False,
    0,
    -1,
    1,
    3,
    2**31,
    2**63,
    -(2**70),
    0.5,
    -0.0,
    1e308,
    "",
    "0",
    "null",
    [],
    {},
]
WILD += [[[]], [None], [""], {"": 0}, [1, "a"], [[1], "a"], [[-1]], [[10**9]], {"a": {"b": [{}]}}]
TOKENS = [
    b"NaN",
    b"-Infinity",
    b"1e999",
    b'"\\ud800"',
    b"\\u0000",
    b"\xff\xfe",
    b"\xed\xa0\x80",
    b"//",
]
TOKENS += [
    b"[" * 1100,
    b'{"a":' * 1100,
    b",,",
    b'"',
    b"\\",
    b"\xef\xbb\xbf",
    b"9" * 400,
    b"null",
    b"tr",
]
KINDS = ["application/json"] * 30 + [
    "application/x-www-form-urlencoded",
    "text/plain",
    "",
    "a/b+json",
]
NUMBERS = {
    "integer": [0, 1, 2, 5, 16, 32, 33, 64, 100, -1, 10**6],
    "number": [0, 0.25, -1.5, 1e30],
    "boolean": [False, True],
    "null": [None],
}


class Drawn:
    """JSON values of a schema, often with something wrong."""

    def __init__(self, schemas, seed):
        self.schemas, self.chance = schemas, random.Random(seed)

    def value(self, schema, name="", depth=0):
        chance = self.chance
        if chance.random() < 0.06:
            return chance.choice(WILD)
        if "$ref" in schema:
            return self.value(self.schemas[schema["$ref"].rpartition("/")[2]], name, depth)
        for several in ("anyOf", "oneOf"):
            if several in schema:
                return self.value(chance.choice(schema[several]), name, depth)
        if "enum" in schema:
            return chance.choice(schema["enum"])
        if "const" in schema:
            return schema["const"]
        return self._typed(schema, name, depth)

    def _typed(self, schema, name, depth):
        chance = self.chance
        match schema.get("type"):
            case "object":
                return self._object(schema, depth)
            case "array":
                count = chance.choice([0, 1, 1, 2, 3, 40 if depth < 2 else 1])
                return [self.value(schema.get("items", {}), name, depth + 1) for _ in range(count)]
            case "string":
                return chance.choice(NAMES if name in ("model", "readout", "readouts") else TEXTS)
            case kind:
                return chance.choice(NUMBERS.get(kind, WILD))

    def _object(self, schema, depth):
        chance, known = self.chance, schema.get("properties", {})
        needed = schema.get("required", [])
        fields = [f for f in known if f in needed or chance.random() < 0.3]
        value = {f: self.value(known[f], f, depth + 1) for f in fields}
        if chance.random() < 0.1:
            value[chance.choice(["unknown", "", "model ", "__class__"])] = chance.choice(WILD)
        return value


def mutated(body, chance):
    """A few bytes changed, cut, doubled or put in."""
    content = bytearray(body)
    for _ in range(chance.choice([1, 1, 2, 5])):
        at = chance.randrange(len(content) + 1)
        match chance.randrange(5):
            case 0 if content:
                content[at % len(content)] = chance.randrange(256)
            case 1:
                del content[at : at + chance.randrange(1, 20)]
            case 2:
                content[at:at] = chance.choice(TOKENS)
            case 3:
                content[at:at] = content[: chance.randrange(1, 30)]
            case _:
                content = content[:at]
    return bytes(content)


async def send(application, method, path, body, headers=(), query=b""):
    """``(status, headers, body)`` of one request to the ASGI application."""
    parts = [{"type": "http.request", "body": body, "more_body": False}]
    replies = []

    async def receive():
        if parts:
            return parts.pop()
        return await asyncio.get_running_loop().create_future()

    async def reply(message):
        replies.append(message)

    scope = {"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method}
    scope |= {"path": path, "raw_path": path.encode(), "root_path": "", "query_string": query}
    scope |= {"scheme": "http", "server": ("test", 80), "client": ("test", 1), "state": {}}
    scope["headers"] = [(name.encode(), value.encode()) for name, value in headers]
    await asyncio.wait_for(application(scope, receive, reply), 60)
    start, *rest = replies
    names = {name.decode(): value.decode() for name, value in start["headers"]}
    return start["status"], names, b"".join(part.get("body", b"") for part in rest)


def wrong(operation, status, headers, content, sent):
    """What is not documented about a reply, or not of the type that is; empty where all is well."""
    what = f"{operation.method} {operation.path} {sent[:300]!r}: {status} {content[:300]!r}"
    if status >= 500 or (status != 200 and status not in statuses(operation)):
        return what
    kind = operation.reply if status == 200 else operation.errors.schema
    if kind is None or (status == 401 and operation.errors.empty_401):
        return ""
    if not headers["content-type"].startswith("application/json"):
        return f"{what} {headers}"
    try:
        msgspec.convert(orjson.loads(content), kind)
    except (ValueError, msgspec.ValidationError) as error:
        return f"{what}: {error}"
    return ""


@pytest.mark.parametrize("accepting", [False, True], ids=["defaults", "ids and dimensions"])
def test_every_body_has_an_answer(tiny, accepting):
    settings = Settings(accept_token_ids=accepting, shorten=accepting, max_body=200_000)
    application = app(serve_model(tiny("bert"), ["mean@-1", "cls@-2"], name="tiny"), settings)
    table = [o for o in operations(settings) if o.body is not None]
    schemas, components = msgspec.json.schema_components(
        [o.body for o in table], ref_template="#/components/schemas/{name}"
    )
    drawn = Drawn(components, f"{SEED} {accepting}")
    chance = drawn.chance
    seen: Counter[tuple[str, int]] = Counter()
    found = {}

    async def run():
        async with application.router.lifespan_context(application):
            for _ in range(BODIES // 2):
                at = chance.randrange(len(table))
                operation = table[at]
                body = json.dumps(drawn.value(schemas[at])).encode()
                if chance.random() < 0.4:
                    body = mutated(body, chance)
                headers = [("content-type", chance.choice(KINDS))]
                reply = await send(application, operation.method, operation.path, body, headers)
                if problem := wrong(operation, *reply, body):
                    found.setdefault((operation.path, reply[0]), problem)
                seen[operation.path, reply[0]] += 1
            service = application.state.service
            assert service.batcher.waiting_tokens == 0
            assert service.unready == ""

    asyncio.run(run())
    assert not found, "\n".join(found.values())
    # The drawn bodies are neither all right nor all wrong.
    assert sum(count for (_, status), count in seen.items() if status == 200) > BODIES / 20
    assert sum(count for (_, status), count in seen.items() if status in (400, 422)) > BODIES / 20


def test_every_operation_without_a_body(tiny):
    """Queries and bodies that nobody asked for."""
    chance = random.Random(SEED)
    application = app(serve_model(tiny("bert"), ["mean@-1"], name="tiny"))
    table = [o for o in operations(Settings()) if o.body is None]
    queries = [
        b"",
        b"a=1",
        b"%",
        b"a=%ff&a=",
        b"&&&=",
        b"inputs=the+cat&model=nothing",
        b"\xff=\x00",
    ]

    async def run():
        async with application.router.lifespan_context(application):
            for operation in table * 3:
                query, body = chance.choice(queries), chance.choice([b"", b"{", b"[]" * 9])
                reply = await send(application, operation.method, operation.path, body, (), query)
                assert not wrong(operation, *reply, query)

    asyncio.run(run())


def test_the_description_names_every_status():
    described = document([o for o in operations(Settings()) if o.described])
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            codes = {int(code) for code in operation["responses"]}
            assert codes & {200, 424}, (method, path)
            if "requestBody" in operation:
                assert codes >= {401, 408, 413, 415, 429, 503}, (method, path)
