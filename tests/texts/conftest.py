"""Small files to read."""

from __future__ import annotations

import io
import sys
import uuid
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


@pytest.fixture(scope="session")
def s3_server():
    """The address of an S3 server on this machine."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(s3_server, monkeypatch, tmp_path):
    """``bucket(key, content)``: the URL of a new object in a bucket of this test's own."""
    import boto3
    import s3fs

    settings = {
        "AWS_ENDPOINT_URL": s3_server,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONFIG_FILE": str(tmp_path / "no-config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "no-credentials"),
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    name = f"texts-{uuid.uuid4().hex}"
    client = boto3.client("s3")
    client.create_bucket(Bucket=name)

    def put(key: str, content: bytes) -> str:
        client.put_object(Bucket=name, Key=key, Body=content)
        return f"s3://{name}/{key}"

    s3fs.S3FileSystem.clear_instance_cache()
    yield put
    s3fs.S3FileSystem.clear_instance_cache()
    client.close()
