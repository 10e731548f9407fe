"""GET /: the page where a browser asks; health, as of TEI, where any other client does."""

from __future__ import annotations

from collections.abc import Mapping

from poolwise.serving.health import Health, readyz
from poolwise.serving.operations import Operation, Reply, Request
from poolwise.serving.page.assets import page
from poolwise.serving.protocols.openai import ERRORS
from poolwise.serving.service import Service


def prefers_html(headers: Mapping[str, str]) -> bool:
    """Whether the header Accept names text/html, and before JSON and before anything at all."""
    wanted: dict[str, float] = {}
    for part in headers.get("accept", "").lower().split(","):
        name, *parameters = (piece.strip() for piece in part.split(";"))
        weights = [p[2:].strip() for p in parameters if p.startswith("q=")]
        try:
            wanted[name] = float(weights[0]) if weights else 1.0
        except ValueError:
            wanted[name] = 0.0
    other = wanted.get("application/json", wanted.get("application/*", wanted.get("*/*", 0.0)))
    return wanted.get("text/html", 0.0) > other


async def root(service: Service, request: Request) -> Reply:
    if service.settings.page and prefers_html(request.headers):
        return await page(service, request)
    return await readyz(service, request)


OPERATIONS = [
    Operation(
        "GET",
        "/",
        "The page for a browser; for any other client the same as /readyz",
        root,
        ERRORS,
        reply=Health,
        statuses=frozenset({503}),
        public=True,
    )
]
