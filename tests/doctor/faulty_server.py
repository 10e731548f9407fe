"""A server of embeddings in OpenAI's protocol, made of transformers and torch, with planted faults.

``server.fault = "missing l2"`` switches one on, ``None`` off: without one the server makes the
vectors of ``server.setup``. ``FAULTS`` names them all.
"""

from __future__ import annotations

import base64
import contextlib
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import torch
from oracles import CASED_FAMILIES, POOLER_FAMILIES, Setup, TorchEncoder

MAX_INPUTS = 2048
MEAN_L2 = Setup(steps=("l2",))


@dataclass(frozen=True)
class Fault:
    """What is wrong. ``changed`` gives the Setup that is followed in place of the right one; a
    fault without it (``changed`` gives the same) depends on more than the text.

    ``shows(setup, family)``: whether it changes vectors of a server with this right Setup.
    """

    meaning: str
    changed: Callable[[Setup], Setup] = lambda setup: setup
    shows: Callable[[Setup, str], bool] = lambda setup, family: True


def _without(setup: Setup, step: str) -> Setup:
    return replace(setup, steps=tuple(s for s in setup.steps if s != step))


def _other_pool(setup: Setup) -> Setup:
    return replace(setup, pool="cls" if setup.pool == "mean" else "mean")


def _pooled_twice(setup: Setup) -> Setup:
    return replace(setup, steps=("pooler", *setup.steps))


def _dense_twice(setup: Setup) -> Setup:
    place = setup.steps.index("dense") if "dense" in setup.steps else 0
    return replace(setup, steps=(*setup.steps[:place], "dense", *setup.steps[place:]))


FAULTS: dict[str, Fault] = {
    "wrong pool": Fault("[CLS] where the mean was meant, else the mean", _other_pool),
    "wrong layer": Fault(
        "the block before", lambda s: replace(s, layers=tuple(max(k - 1, 0) for k in s.layers))
    ),
    "missing l2": Fault(
        "no normalisation", lambda s: _without(s, "l2"), lambda s, f: "l2" in s.steps
    ),
    "truncation 64": Fault("64 tokens of a text are read", lambda s: replace(s, length=64)),
    "lower-casing off": Fault(
        "the tokenizer of an uncased model keeps upper case",
        lambda s: replace(s, casing="kept"),
        lambda s, f: f not in CASED_FAMILIES,
    ),
    "dense skipped": Fault(
        "no Dense module", lambda s: _without(s, "dense"), lambda s, f: "dense" in s.steps
    ),
    "dense twice": Fault("the Dense modules again", _dense_twice, lambda s, f: "dense" in s.steps),
    "pooled twice": Fault(
        "the checkpoint's pooler on the pooled vector",
        _pooled_twice,
        lambda s, f: f in POOLER_FAMILIES,
    ),
    "last token unclosed": Fault(
        "the last token where nothing closes the text",
        lambda s: replace(s, pool="sep", special="no closing"),
    ),
    "no special tokens": Fault("nothing is added", lambda s: replace(s, special="none")),
    "prompt added": Fault("a prompt in front", lambda s: replace(s, prompt="query: ")),
    "half": Fault("the encoder computes in float16", lambda s: replace(s, precision="half")),
    "padding pooled": Fault(
        "the mean reads the padding: vectors depend on the longest text of their batch",
        shows=lambda s, f: s.pool in ("mean", "sqrtmean", "max", "wmean", "sep"),
    ),
    "padding attended": Fault("tokens attend to the padding, which no pool reads"),
    "dropout": Fault("dropout is on: no two answers agree"),
    "texts swapped": Fault("vectors of a batch come sorted by the length of their texts"),
    "cached lower-cased": Fault(
        "texts that differ in case alone get the vector of the first of them",
        shows=lambda s, f: f in CASED_FAMILIES or s.casing == "kept",
    ),
}


class FaultyServer:
    """``POST /v1/embeddings`` and ``GET /v1/models`` of one model folder.

    ``url`` ends in ``/v1``. ``setup`` is what the right vectors are made by, ``served`` what is
    followed under the fault of now. ``requests`` counts the texts of each answered request. With
    ``key``, others get 401; ``broken`` answers 500 to all; ``max_inputs`` more texts get 400.
    Use as a context manager.
    """

    model = "tiny"

    def __init__(self, folder, setup: Setup = MEAN_L2) -> None:
        self.encoder = TorchEncoder(folder)
        self.setup = setup
        self.key: str | None = None
        self.broken = False
        self.max_inputs = MAX_INPUTS
        self.requests: list[int] = []
        self._lock = threading.Lock()
        self._cached: dict[str, np.ndarray] = {}
        self._fault: str | None = None

    @property
    def fault(self) -> str | None:
        return self._fault

    @fault.setter
    def fault(self, name: str | None) -> None:
        if name is not None and name not in FAULTS:
            raise KeyError(name)
        with self._lock:
            self._fault = name
            self._cached.clear()

    @property
    def served(self) -> Setup:
        return FAULTS[self.fault].changed(self.setup) if self.fault else self.setup

    def embed(self, texts) -> np.ndarray:
        """The vectors of the texts of one request, [n, d]."""
        with self._lock:
            self.requests.append(len(texts))
            match self._fault:
                case "dropout":
                    with dropout(self.encoder.model):
                        return self._batch(texts)
                case "texts swapped":
                    return self._batch(sorted(texts, key=len))
                case "cached lower-cased":
                    new = {t.lower(): t for t in reversed(texts) if t.lower() not in self._cached}
                    if new:
                        made = self._batch(list(new.values()))
                        self._cached |= dict(zip(new, made, strict=True))
                    return np.stack([self._cached[t.lower()] for t in texts])
            return self._batch(texts)

    def _batch(self, texts):
        padding = {"padding pooled": "pooled", "padding attended": "attended"}
        how = padding.get(self._fault or "", "masked")
        return self.encoder.vectors(self.served, texts, batched=True, padding=how)

    def __enter__(self) -> FaultyServer:
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._http.daemon_threads = True
        self._http.faulty = self
        self.url = f"http://127.0.0.1:{self._http.server_port}/v1"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


@contextlib.contextmanager
def dropout(model):
    """A model that somebody forgot to call ``eval()`` on; each of its dropouts drops at least 5 %.

    The seed of all other draws stays as it is.
    """
    modules = [m for m in model.modules() if isinstance(m, torch.nn.Dropout)]
    before = [m.p for m in modules]
    for module in modules:
        module.p = max(module.p, 0.05)
    model.train()
    try:
        yield
    finally:
        model.eval()
        for module, p in zip(modules, before, strict=True):
            module.p = p


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True
    timeout = 30

    def log_message(self, *_):
        pass

    def do_GET(self):
        if self._refused():
            return None
        if self.path.rstrip("/") != "/v1/models":
            return self._error(404, f"no route {self.path}")
        faulty = self.server.faulty
        model = {"id": faulty.model, "object": "model", "created": 0, "owned_by": "tests"}
        limit = {"max_model_len": faulty.encoder.max_length}
        return self._answer(200, {"object": "list", "data": [model | limit]})

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self._refused():
            return None
        if self.path.rstrip("/") != "/v1/embeddings":
            return self._error(404, f"no route {self.path}")
        faulty = self.server.faulty
        request = json.loads(body)
        texts = request.get("input")
        texts = [texts] if isinstance(texts, str) else texts
        if not texts or not all(isinstance(text, str) and text for text in texts):
            return self._error(400, "input must be texts that are not empty")
        if len(texts) > faulty.max_inputs:
            return self._error(400, f"at most {faulty.max_inputs} inputs, found {len(texts)}")
        if request.get("model", faulty.model) != faulty.model:
            return self._error(404, f"the model {request['model']!r} does not exist")
        return self._embeddings(faulty.embed(texts), request.get("encoding_format", "float"))

    def _embeddings(self, vectors, encoding):
        def encoded(row):
            if encoding == "base64":
                return base64.b64encode(row.astype("<f4").tobytes()).decode()
            return row.tolist()  # a float32 with as many digits as its float64 has

        data = [
            {"object": "embedding", "index": place, "embedding": encoded(row)}
            for place, row in enumerate(vectors)
        ]
        usage = {"prompt_tokens": len(data), "total_tokens": len(data)}
        model = self.server.faulty.model
        self._answer(200, {"object": "list", "data": data, "model": model, "usage": usage})

    def _refused(self):
        faulty = self.server.faulty
        if faulty.broken:
            self._error(500, "broken")
        elif faulty.key and self.headers.get("Authorization") != f"Bearer {faulty.key}":
            self._error(401, "Incorrect API key provided")
        else:
            return False
        return True

    def _error(self, status, message):
        error = {"message": message, "type": "invalid_request_error", "param": None, "code": None}
        self._answer(status, {"error": error})

    def _answer(self, status, body):
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
