"""A real server over HTTP that answers what a test tells it to."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest


class ScriptedServer:
    """``answers[path]`` is an answer, or several, of which the last stays: ``status, body`` or
    ``status, body, headers``; a body that is no bytes is sent as JSON. 404 for other paths.

    ``requests`` are the path, headers and body of each that came.
    """

    def __init__(self):
        self.answers, self.requests = {}, []
        scripted = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                size = int(self.headers.get("content-length", 0))
                content = self.rfile.read(size)
                scripted.requests.append(
                    (self.path, self.headers, json.loads(content) if content else None)
                )
                status, body, headers = scripted.next_answer(self.path.partition("?")[0])
                self.send_response(status)
                for name, value in {"content-length": len(body), **headers}.items():
                    self.send_header(name, str(value))
                self.end_headers()
                self.wfile.write(body)

            def do_GET(self):
                self.do_POST()

            def log_message(self, *arguments):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def next_answer(self, path):
        found = self.answers.get(path, (404, {"error": "no such path"}))
        if isinstance(found, list):
            found = found.pop(0) if len(found) > 1 else found[0]
        status, body, *headers = found
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return status, content, {"content-type": "application/json", **dict(*headers)}

    def close(self):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def scripted():
    server = ScriptedServer()
    yield server
    server.close()
