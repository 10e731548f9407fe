"""The operations of the page."""

from __future__ import annotations

from poolwise.serving.operations import Operation
from poolwise.serving.page import assets
from poolwise.serving.page.compare import CompareReply, CompareRequest, compare
from poolwise.serving.page.inside import InsideReply, InsideRequest, inside
from poolwise.serving.page.status import Status, status
from poolwise.serving.protocols.openai import ERRORS

OPERATIONS = [
    Operation(
        "POST",
        "/page/compare",
        "Tokens, cosines and nearest texts under several readouts, from one pass",
        compare,
        ERRORS,
        CompareRequest,
        CompareReply,
    ),
    Operation(
        "POST",
        "/page/inside",
        "What [CLS] is made of, by layer: what poolwise inspect gives as JSON",
        inside,
        ERRORS,
        InsideRequest,
        InsideReply,
    ),
    Operation(
        "GET",
        "/page/status",
        "What is served, and how the server is doing",
        status,
        ERRORS,
        reply=Status,
        public=True,
    ),
    *assets.operations(),
]
