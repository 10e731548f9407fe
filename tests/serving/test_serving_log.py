"""The server's log: a line of JSON for what happens, without the text of a request."""

from __future__ import annotations

import json
import logging

from poolwise.serving.log import LOG, log_to_stderr


def test_an_exception_is_its_kind_and_place(capfd):
    def fails():
        raise ValueError("the cat sat")

    with log_to_stderr():
        LOG.info("request", extra={"route": "GET /livez", "status": 200, "seconds": 0.1})
        try:
            fails()
        except ValueError:
            logging.getLogger("uvicorn.error").exception("Exception in ASGI application")
    written = capfd.readouterr().err
    assert "the cat sat" not in written
    request, failure = map(json.loads, written.splitlines())
    assert (request["event"], request["route"], request["status"]) == ("request", "GET /livez", 200)
    assert failure["event"] == "Exception in ASGI application"
    assert failure["error"].startswith("ValueError in ")
    assert "fails" in failure["error"]
