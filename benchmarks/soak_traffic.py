"""Mixed traffic: texts of all lengths, several readouts, wrong requests, clients that leave."""

from __future__ import annotations

import json
import random
import socket
import threading
from typing import Any

from load import message
from servers import EMBEDDINGS
from workloads import novel_sentences

READOUTS = ("mean@-1", "cls@-1", "max@3", "mean@-1|l2|first(64)", "mean@{1,-1}", "token[1]@-2")
PARTS = ("head", "headers", "body", "all")
"""How much a client sends before it leaves."""


def mixed_requests(model: str, count: int, seed: int = 0) -> list[str]:
    """Requests of which about one in seven is wrong, in an order that is drawn."""
    chance, sentences = random.Random(seed), novel_sentences()
    made = []
    for _ in range(count):
        if chance.random() < 0.15:
            made.append(_wrong(chance, model))
            continue
        body: dict[str, Any] = {"model": model, "input": _texts(chance, sentences)}
        if chance.random() < 0.5:
            body["encoding_format"] = "base64"
        if chance.random() < 0.4:
            body["readout"] = chance.choice(READOUTS)
        made.append(message(EMBEDDINGS, json.dumps(body)))
    return made


def _texts(chance: random.Random, sentences: list[str]) -> str | list[str]:
    """Mostly one short text; a few words to a few pages."""
    kind = chance.random()
    if kind < 0.6:
        return chance.choice(sentences)
    if kind < 0.7:
        return chance.choice(sentences)[: chance.randint(1, 12)]
    if kind < 0.8:
        start = chance.randrange(len(sentences) - 100)
        return " ".join(sentences[start : start + chance.randint(2, 60)])
    if kind < 0.82:
        return "".join(chr(chance.randint(0x20, 0x2FFF)) for _ in range(chance.randint(1, 300)))
    return chance.sample(sentences, chance.randint(2, 24))


def _wrong(chance: random.Random, model: str) -> str:
    """What a server refuses, each for another reason."""
    bodies: tuple[Any, ...] = (
        "{",
        "[]",
        "",
        "\x00\x01",
        {"model": model},
        {"model": model, "input": 7},
        {"model": model, "input": []},
        {"model": model, "input": ["a", 7]},
        {"model": "no-such-model", "input": "a"},
        {"model": model, "input": "a", "readout": "no such readout"},
        {"model": model, "input": "a", "readout": f"mean@{chance.randint(7, 10_000)}"},
        {"model": model, "input": "a", "readout": "mean@-1|whiten(8)"},
        {"model": model, "input": "a", "encoding_format": "hexadecimal"},
        {"model": model, "input": ["a"] * 3_000},
    )
    body = chance.choice(bodies)
    path = EMBEDDINGS if chance.random() < 0.9 else f"/v1/{chance.randint(0, 10**9)}"
    return message(path, body if isinstance(body, str) else json.dumps(body))


class Leavers:
    """Clients that send a part of a request, or all of it, and leave without the reply."""

    def __init__(self, port: int, requests: list[str], per_s: float) -> None:
        self.left = 0
        self._port, self._requests, self._pause = port, requests, 1 / per_s
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Leavers:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        chance = random.Random(1)
        while not self._over.wait(self._pause):
            request = chance.choice(self._requests).encode()
            body = request.index(b"\r\n\r\n") + 4
            ends = {"head": 20, "headers": body - 2, "body": (body + len(request)) // 2}
            part = chance.choice(PARTS)
            try:
                with socket.create_connection(("127.0.0.1", self._port), timeout=5) as client:
                    client.sendall(request[: ends.get(part, len(request))])
                    self._over.wait(chance.choice((0, 0, 0.01, 0.1)))
            except OSError:
                continue
            self.left += 1
