"""Small files to read."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest


@pytest.fixture
def write(tmp_path):
    """``write(name, content)``: the path of a new file."""

    def write(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


@pytest.fixture
def feed(monkeypatch):
    """``feed(content)``: what standard input holds."""

    def feed(content: bytes) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))

    return feed
