"""A server of the demo model, from which the pages of routes and metrics are read."""

from __future__ import annotations

from functools import cache

from starlette.applications import Starlette

from poolwise.serving import app


@cache
def server() -> Starlette:
    """The application with every protocol; it is not started."""
    return app("demo", bert_as_service={})
