"""Files that have URLs: in object stores (``s3://bucket/key``), on the hub, wherever fsspec reads.

Credentials, endpoints and regions are those that the store's own library finds (environment
variables, its configuration files).
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import IO, Any

from poolwise.errors import MissingExtraError, PoolwiseError, TextError
from poolwise.texts.compression import CHUNK

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]+)://")

_USER = re.compile(r"(?<=://)[^/@]*@")

_EXTRA_SCHEMES = frozenset({"s3", "s3a", "gs", "gcs", "http", "https"})
"""What the extra ``objects`` reads."""

_WEB = frozenset({"http", "https"})

_S3_ADVICE = (
    "check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_DEFAULT_REGION and AWS_ENDPOINT_URL"
)
_GS_ADVICE = "check GOOGLE_APPLICATION_CREDENTIALS"
_ADVICE = {
    "s3": _S3_ADVICE,
    "s3a": _S3_ADVICE,
    "gs": _GS_ADVICE,
    "gcs": _GS_ADVICE,
    "hf": "check its name, and HF_TOKEN if it is private",
}

_BLOCK = 1 << 22
"""Bytes that a request asks for where a file is read in several places by turns, as the columns of
Parquet are; 32 such blocks are held."""


def is_url(name: str) -> bool:
    """Has it a scheme, as ``s3://…``?"""
    return _SCHEME.match(name) is not None


def is_listed(url: str) -> bool:
    """Can its place list what it holds, for globs and folders? The web cannot, nor is it asked of
    an archive within a file (``zip://…::s3://…``)."""
    return _scheme(url) not in _WEB and "::" not in url


def shown_url(url: str) -> str:
    """The URL as errors and records name it: without a password, or the signature in a query."""
    shown = _USER.sub("", url)
    return shown.partition("?")[0] if _scheme(url) in _WEB else shown


def file_system(url: str) -> tuple[Any, str]:
    """The fsspec file system of a URL, and the path in it. It remembers no listing, so that what
    changed is seen."""
    with remote_errors(url):
        from fsspec.core import url_to_fs  # noqa: PLC0415 - local files are read without it

        system, path = url_to_fs(url, use_listings_cache=False)
        return system, str(path)


def remote_info(url: str) -> Mapping[str, Any]:
    """What its place says about it: ``size`` in bytes, ``type``, and more. Raises TextError unless
    it is a file."""
    system, path = file_system(url)
    with remote_errors(url):
        info: Mapping[str, Any] = system.info(path)
    if info.get("type") == "directory":
        raise TextError(f"{shown_url(url)} is a folder, expected a file; name the files in it")
    return info


@contextmanager
def open_remote(url: str, *, in_order: bool = True) -> Iterator[IO[bytes]]:
    """Its bytes, as it stores them; ``in_order``: most are read one after another."""
    system, path = file_system(url)
    blocks = {} if in_order else {"block_size": _BLOCK, "cache_type": "blockcache"}
    with remote_errors(url):
        stored = system.open(path, "rb", **blocks)
    with io.BufferedReader(_RemoteBytes(stored, url), CHUNK) as content:
        yield content


@contextmanager
def remote_errors(url: str) -> Iterator[None]:
    """Raise a TextError for what a store's library raises, or a MissingExtraError.

    The libraries have no error in common, so that any is caught; nothing but their calls must be in
    the block.
    """
    try:
        yield
    except PoolwiseError:
        raise
    except ImportError as error:
        if _scheme(url) in _EXTRA_SCHEMES:
            raise MissingExtraError(shown_url(url), "objects") from error
        raise TextError(f"cannot read {shown_url(url)}: {error}") from error
    except Exception as error:
        raise TextError(_message(url, error)) from error


def _message(url: str, error: Exception) -> str:
    shown = shown_url(url)
    reason = " ".join(str(error).split()).replace(url, shown).rstrip(".") or type(error).__name__
    cause = error.__cause__
    if isinstance(error, FileNotFoundError):
        if isinstance(cause, OSError) and not isinstance(cause, FileNotFoundError):
            return _message(url, cause)  # that nothing answers is not that there is no file
        more = "" if shown.rstrip("/").endswith(reason.lstrip("/")) else f" ({reason})"
        return f"no such file: {shown}{more}"
    if isinstance(error, ValueError):  # what is wrong is the URL, as the reason says
        return f"cannot read {shown}: {reason}"
    advice = _ADVICE.get(_scheme(url), "check its address, and the rights to read it")
    what = "may not read" if isinstance(error, PermissionError) else "cannot read"
    return f"{what} {shown}: {reason}; {advice}"


def _scheme(url: str) -> str:
    match = _SCHEME.match(url)
    return "" if match is None else match[1].lower()


class _RemoteBytes(io.RawIOBase):
    """A file of fsspec whose errors are TextErrors."""

    def __init__(self, stored: Any, url: str) -> None:
        self._stored = stored
        self._url = url

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return bool(self._stored.seekable())

    def readinto(self, buffer: Any) -> int:
        with memoryview(buffer) as view, remote_errors(self._url):
            data = self._stored.read(len(view))
            view[: len(data)] = data
            return len(data)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        with remote_errors(self._url):
            return int(self._stored.seek(offset, whence))

    def tell(self) -> int:
        return int(self._stored.tell())

    def close(self) -> None:
        if not self.closed:
            self._stored.close()
        super().close()
