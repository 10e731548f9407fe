"""The server as an ASGI application, to run or to mount in one's own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.routing import Route

from poolwise.classifier.classifier import Classifier
from poolwise.model import Model
from poolwise.serving import health, root
from poolwise.serving.catalogue import Catalogue, ServedModel, serve_model
from poolwise.serving.endpoint import Endpoint
from poolwise.serving.errors import MethodError, NotFoundError, RequestError
from poolwise.serving.openapi import document
from poolwise.serving.operations import ErrorFormat, Operation, Reply, Request
from poolwise.serving.page import routes as page
from poolwise.serving.protocols import (
    bert_http,
    cohere,
    ollama,
    ollama_models,
    openai,
    tei,
    tei_errors,
    tei_predict,
    tei_server,
    tei_tokens,
    vllm,
)
from poolwise.serving.protocols.bert_as_service import BertServer
from poolwise.serving.protocols.bert_encoding import BertEncoding
from poolwise.serving.protocols.bert_settings import bert_settings
from poolwise.serving.routing import ExactRoutes, PortRoute
from poolwise.serving.service import Service
from poolwise.serving.settings import Settings

AnyModel = str | Path | Model | Classifier | ServedModel


def app(
    models: AnyModel | Iterable[AnyModel],
    settings: Settings | None = None,
    *,
    bert_as_service: Mapping[str, Any] | None = None,
    **options: Any,
) -> Starlette:
    """The ASGI application that serves ``models``: folders, hub ids, ``"demo"``, opened models, or
    what ``serve_model`` gives, with readouts. ``options`` are fields of ``Settings``;
    ``bert_as_service`` serves its clients too, with these flags of its own ({} for its defaults).

    Examples:
        >>> app("demo").routes[1].path
        '/v1/embeddings'

    Its lifespan starts the threads that compute; an application that mounts it runs
    ``app.router.lifespan_context``. Raises PoolwiseError for what cannot be served.
    """
    settings = Settings(**options) if settings is None else settings
    flags = None if bert_as_service is None else bert_settings(bert_as_service)
    fallback = None if flags is None else flags.spec
    several = [models] if isinstance(models, AnyModel) else list(models)
    served = [
        model
        if isinstance(model, ServedModel)
        else serve_model(model, precision=settings.precision, fallback=fallback)
        for model in several
    ]
    service = Service(Catalogue(served), settings)
    bert = None if flags is None else BertServer(BertEncoding(service, flags))
    return application(service, bert=bert)


def operations(settings: Settings, bert: BertServer | None = None) -> list[Operation]:
    """Every operation, those that are asked for most first."""
    of_bert = [] if bert is None else bert_http.operations(bert)
    shown = page.OPERATIONS if settings.page else []
    return [
        *openai.OPERATIONS,
        *tei.OPERATIONS,
        *tei_predict.OPERATIONS,
        *tei_tokens.OPERATIONS,
        *tei_server.OPERATIONS,
        *ollama.OPERATIONS,
        *ollama_models.OPERATIONS,
        *cohere.OPERATIONS,
        *vllm.OPERATIONS,
        *health.OPERATIONS,
        *root.OPERATIONS,
        *of_bert,
        *shown,
    ]


ERROR_FORMATS: tuple[tuple[str, ErrorFormat], ...] = (
    ("/embeddings", openai.ERRORS),
    ("/api/", ollama.ERRORS),
    ("/v2/", cohere.ERRORS),
    *((path, tei_errors.ERRORS) for path in tei_server.PATHS),
)
"""How errors of a path that is not served are written, by its beginning; else as OpenAI's."""


def application(
    service: Service, *, ollama_port: int | None = None, bert: BertServer | None = None
) -> Starlette:
    """The application over a service, and ``bert``, that are not started yet. At connections to
    ``ollama_port`` the path ``/`` is Ollama's."""
    served = operations(service.settings, bert)
    described = document([operation for operation in served if operation.described])

    async def openapi(service: Service, request: Request) -> Reply:
        return Reply.json(described)

    description = Operation(
        "GET", "/openapi.json", "This description", openapi, openai.ERRORS, public=True
    )

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            await service.start()
            stack.push_async_callback(service.stop)
            if bert is not None:
                await bert.start()
                stack.push_async_callback(bert.stop)
            yield

    routes = [_route(operation, service) for operation in (*served, description)]
    of_port = [] if ollama_port is None else [PortRoute(ollama_models.ROOT, service, ollama_port)]
    application = Starlette(
        routes=[*of_port, ExactRoutes(routes), *routes],  # the last for other methods
        lifespan=lifespan,
        exception_handlers={HTTPException: _refused},
    )
    application.router.redirect_slashes = False  # few clients follow, and Host is not trusted
    application.state.service, application.state.bert = service, bert
    return application


def _route(operation: Operation, service: Service) -> Route:
    return Route(operation.path, Endpoint(operation, service), methods=[operation.method])


async def _refused(request: HttpRequest, error: Exception) -> Response:
    """A path or a method that is not served, in the words of the protocol it looks like."""
    assert isinstance(error, HTTPException)
    path = request.scope["path"]  # the whole address would take a Host that may be none
    reason: RequestError
    if error.status_code == 405:
        reason = MethodError(f"{request.method} is not served at {path!r:.100}")
        reason.allowed = _methods(request)
    else:
        reason = NotFoundError(f"nothing is served at {path!r:.100}; see /openapi.json")
    formats = (errors for start, errors in ERROR_FORMATS if path.startswith(start))
    reply = next(formats, openai.ERRORS).reply(reason)
    return Response(reply.content, reply.status, dict(reply.headers), reply.media_type)


def _methods(request: HttpRequest) -> tuple[str, ...]:
    """The methods that the path is served by."""
    routes: Sequence[Any] = request.app.routes
    path = request.scope["path"].removeprefix(request.scope.get("root_path", ""))
    methods = {
        method
        for route in routes
        if getattr(route, "path", None) == path
        for method in route.methods or ()
    }
    return tuple(sorted(methods))
