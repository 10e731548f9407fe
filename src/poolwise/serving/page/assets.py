"""The files of the page: its own, and the inspector's."""

from __future__ import annotations

from functools import cache, partial
from importlib.resources import files

from poolwise.serving.operations import Operation, Reply, Request
from poolwise.serving.protocols.openai import ERRORS
from poolwise.serving.service import Service

HTML = "text/html; charset=utf-8"

MEDIA_TYPES = {
    "html": HTML,
    "js": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "svg": "image/svg+xml",
}

FOLDERS = {"web": "serving/page/web", "inspector": "reports/inspector"}
"""What is served below /page/, by the folder of the package that it is in."""

HEADERS = {
    "content-security-policy": "default-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; object-src 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-cache",
    "vary": "accept",
}
"""Nothing is loaded from elsewhere, and no script runs that is not a file of these folders."""


@cache
def content(folder: str, name: str) -> bytes:
    """A file of one of ``FOLDERS``."""
    return files("poolwise").joinpath(*FOLDERS[folder].split("/"), name).read_bytes()


def names(folder: str) -> list[str]:
    """The scripts, styles and images of one of ``FOLDERS``."""
    found = files("poolwise").joinpath(*FOLDERS[folder].split("/")).iterdir()
    return sorted(
        path.name for path in found if path.name.rpartition(".")[2] in {"js", "css", "svg"}
    )


async def asset(folder: str, name: str, service: Service, request: Request) -> Reply:
    media_type = MEDIA_TYPES[name.rpartition(".")[2]]
    return Reply(content(folder, name), media_type=media_type, headers=HEADERS)


page = partial(asset, "web", "index.html")


def operations() -> list[Operation]:
    """The page, the page of the API, and every file that they load."""
    shown = [
        ("/page", "Readouts compared on one's own sentences, in a browser", "index.html"),
        ("/docs", "The API, for people to read", "docs.html"),
    ]
    return [
        *(
            Operation(
                "GET",
                path,
                summary,
                partial(asset, "web", name),
                ERRORS,
                public=True,
                media_type=HTML,
            )
            for path, summary, name in shown
        ),
        *(
            Operation(
                "GET",
                f"/page/{folder}/{name}",
                "A file of the page",
                partial(asset, folder, name),
                ERRORS,
                public=True,
                described=False,
            )
            for folder in FOLDERS
            for name in names(folder)
        ),
    ]
