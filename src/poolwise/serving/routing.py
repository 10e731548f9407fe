"""Which operation answers a request."""

from __future__ import annotations

from typing import Any

from starlette.datastructures import URLPath
from starlette.routing import BaseRoute, Match, NoMatchFound, Route
from starlette.types import Receive, Scope, Send

from poolwise.serving.endpoint import Endpoint
from poolwise.serving.operations import Operation
from poolwise.serving.service import Service


class ExactRoutes(BaseRoute):
    """Operations by method and path, found at once: Starlette tries routes one after another,
    which cost a seventh of a request's time in the event loop."""

    def __init__(self, routes: list[Route]) -> None:
        self._apps = {(m, route.path): route.app for route in routes for m in route.methods or ()}

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        if scope["type"] != "http":
            return Match.NONE, {}
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        app = self._apps.get((scope["method"], path))
        return (Match.NONE, {}) if app is None else (Match.FULL, {"endpoint": app})

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        await scope["endpoint"](scope, receive, send)

    def url_path_for(self, name: str, /, **path_params: Any) -> URLPath:
        raise NoMatchFound(name, path_params)


class PortRoute(Route):
    """An operation that is served at connections to one port only."""

    def __init__(self, operation: Operation, service: Service, port: int) -> None:
        super().__init__(operation.path, Endpoint(operation, service), methods=[operation.method])
        self._port = port

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        server = scope.get("server")
        return super().matches(scope) if server and server[1] == self._port else (Match.NONE, {})
