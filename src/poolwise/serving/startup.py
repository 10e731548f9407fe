"""Opens what is to be served, listens, and runs until a signal."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from poolwise.errors import OptionError
from poolwise.model import Model
from poolwise.serving.application import application
from poolwise.serving.catalogue import Catalogue, ServedModel, serve_model
from poolwise.serving.config import ServeConfig, settings_of
from poolwise.serving.log import log_to_stderr
from poolwise.serving.protocols.bert_as_service import BertServer
from poolwise.serving.protocols.bert_encoding import BertEncoding
from poolwise.serving.protocols.bert_settings import bert_settings
from poolwise.serving.protocols.bert_sockets import address
from poolwise.serving.server import listen, run
from poolwise.serving.service import Service
from poolwise.serving.settings import read_keys


@dataclass(frozen=True, slots=True)
class Listening:
    """What is about to be served, and where; ``ollama_url`` is that of Ollama's own port, ``bert``
    a line on bert-as-service."""

    catalogue: Catalogue
    url: str
    has_key: bool
    ollama_url: str | None = None
    bert: str | None = None


def serve(config: ServeConfig, announce: Callable[[Listening], None] | None = None) -> None:
    """Serve until SIGTERM or SIGINT; ``announce`` is called once the address is bound.

    Raises PoolwiseError for what cannot be served.
    """
    keys = read_keys(Path(config.api_key_file)) if config.api_key_file else ()
    settings = settings_of(config.settings, keys)
    with ExitStack() as stack:

        def bind(port: int, option: str) -> socket.socket:
            return stack.enter_context(
                listen(
                    config.host,
                    port,
                    has_key=bool(keys),
                    insecure=config.insecure,
                    option=option,
                )
            )

        sockets, ollama_port = [bind(config.port, "--port")], None
        if config.ollama_port is not None:
            sockets.append(bind(config.ollama_port, "--ollama-port"))
            ollama_port = sockets[-1].getsockname()[1]
        values = config.bert_as_service
        flags = None if values is None else bert_settings(values)
        fallback = None if flags is None else flags.spec
        catalogue = Catalogue(_models(config, settings.precision, fallback))
        service = Service(catalogue, settings)
        bert = None
        if flags is not None:
            host = address(config.host, insecure=config.insecure)
            bert = BertServer(BertEncoding(service, flags), host)
            stack.callback(bert.close)
        if announce is not None:
            url, *further = [_url(bound, config.host) for bound in sockets]
            told = None if bert is None else bert.announcement
            announce(Listening(catalogue, url, bool(keys), next(iter(further), None), told))
        stack.enter_context(log_to_stderr())
        app = application(service, ollama_port=ollama_port, bert=bert)
        run(app, settings, sockets, zeromq=bert is not None)


def _models(
    config: ServeConfig, precision: Any, fallback: Callable[[Model], str] | None
) -> Iterable[ServedModel]:
    """What the configuration names; ``fallback`` is the readout of those that declare none."""
    if not config.models:
        raise OptionError("nothing to serve: name a model, such as demo")
    for name, model in config.models.items():
        yield serve_model(
            model.model,
            model.readouts,
            name=name or None,
            precision=model.precision or precision,
            max_length=model.max_length,
            fallback=fallback,
        )


def _url(bound: socket.socket, host: str) -> str:
    port = bound.getsockname()[1]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
