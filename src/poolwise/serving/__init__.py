"""Readouts over HTTP: every client's protocol, one queue, one pass for all that waits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from poolwise.serving.application import app
    from poolwise.serving.catalogue import serve_model
    from poolwise.serving.settings import Settings
    from poolwise.serving.startup import serve

__all__ = ["Settings", "app", "serve", "serve_model"]

_ROOMS = {
    "Settings": "settings",
    "app": "application",
    "serve": "startup",
    "serve_model": "catalogue",
}


def __getattr__(name: str) -> Any:
    if name not in _ROOMS:
        raise AttributeError(f"module 'poolwise.serving' has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415

    from poolwise.errors import needs  # noqa: PLC0415

    with needs("serve", "a server"):
        value = getattr(import_module(f"poolwise.serving.{_ROOMS[name]}"), name)
    globals()[name] = value
    return value
