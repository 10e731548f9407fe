"""Why no answer came, in a sentence."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator

import httpx


def reason_of(error: Exception, timeout: float) -> str:
    """What failed before there was an answer, and what to do; ``timeout`` in seconds."""
    known = (_known(cause, timeout) for cause in _causes(error))
    failed = f"the connection failed ({_short(error)}); see whether the server runs"
    return next(filter(None, known), failed)


def _known(error: BaseException, timeout: float) -> str:
    """The sentence of an error that is known, else ""."""
    reason = ""
    match error:
        case ssl.SSLError():
            reason = (
                f"no secure connection ({_short(error)}); a server without TLS is given as "
                "http://, a certificate of your own by the variable SSL_CERT_FILE"
            )
        case socket.gaierror():
            reason = f"the host is not known ({error.strerror}); correct its name"
        case ConnectionRefusedError():
            reason = "nothing listens there; start the server, or correct host and port"
        case TimeoutError() | httpx.TimeoutException():
            reason = (
                f"no answer within {timeout:g} s; see whether the server runs and is reached from "
                "here, or allow more time"
            )
        case httpx.DecodingError():
            reason = f"the answer cannot be decompressed ({_short(error)}); check the server"
        case httpx.RemoteProtocolError():
            reason = (
                f"the answer is not whole HTTP ({_short(error)}); check scheme and port; "
                "bert-as-service's own sockets are given as tcp://host:port"
            )
    return reason


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error and what it comes from, the origin first, since libraries wrap it."""
    if error is not None:
        yield from _causes(error.__cause__ or error.__context__)
        yield error


def _short(error: BaseException) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 200 else f"{text[:199]}…"
