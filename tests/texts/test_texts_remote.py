"""Texts behind URLs: read as those of local files are, and errors that name the URL."""

from __future__ import annotations

import gzip
import io
import re
import socket
import subprocess
import sys
import urllib.request
from operator import length_hint

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from poolwise.errors import MissingExtraError, TextError
from poolwise.texts import open_texts

ROWS = [f"Row {number} — “quoted”, with a comma" for number in range(3000)]


def parquet(rows, **columns):
    buffer = io.BytesIO()
    table = pa.table({"text": rows, "n": list(range(len(rows))), **columns})
    pq.write_table(table, buffer, row_group_size=700)
    return buffer.getvalue()


FILES = {
    "a.txt": "\n".join(ROWS).encode(),
    "b.csv.gz": gzip.compress("".join(f'"{row}"\n' for row in ["text", *ROWS]).encode()),
    "c.parquet": parquet(ROWS),
}


@pytest.fixture(params=["memory", "s3"])
def put(request, tmp_path):
    """``put(name, content)``: the URL of a file."""
    if request.param == "s3":
        return request.getfixturevalue("bucket")
    import fsspec

    def put(name, content):
        url = f"memory://{tmp_path.name}/{name}"
        with fsspec.open(url, "wb") as file:
            file.write(content)
        return url

    return put


def read(*inputs, **how):
    return [sentence.text for sentence in open_texts(inputs, **how)]


def refusal(*inputs, **how):
    with pytest.raises(TextError) as caught:
        read(*inputs, **how)
    return str(caught.value)


@pytest.mark.parametrize("name", FILES)
def test_every_format(put, name):
    texts = open_texts([put(name, FILES[name])])
    assert length_hint(texts) == 3000
    assert [sentence.text for sentence in texts] == ROWS
    assert [sentence.text for sentence in texts] == ROWS
    assert texts.name == name


def test_columns_of_parquet_are_kept(put):
    texts = open_texts([put("a.parquet", FILES["c.parquet"])], id_column="n", keep=["n"])
    assert [(sentence.id, sentence.extra) for sentence in texts] == [(n, (n,)) for n in range(3000)]


def test_globs_and_folders(put):
    urls = [put(f"in/{name}", content) for name, content in FILES.items()]
    folder = urls[0].removesuffix("/a.txt")
    assert read(folder) == ROWS * 3
    assert read(f"{folder}/*.csv*", urls[2]) == ROWS * 2


def test_the_lines_of_a_large_file_are_estimated(put, monkeypatch):
    monkeypatch.setattr("poolwise.texts.files._MAX_FETCHED", 1 << 14)
    monkeypatch.setattr("poolwise.texts.files.CHUNK", 1 << 13)
    assert 2000 < length_hint(open_texts([put("a.txt", FILES["a.txt"])])) < 4000


def test_files_that_are_not_what_they_are_called(put):
    message = refusal(put("a.parquet", FILES["b.csv.gz"]))
    assert "a.parquet cannot be read as Parquet: it is compressed with gzip" in message
    assert "is not compressed with gzip" in refusal(put("a.csv.gz", b"text\n"))
    url = put("b.txt", b"one\n\xe9t\xe9\n")
    assert f"{url} is not utf-8: line 2" in refusal(url)


def test_no_such_file(put):
    url = put("a.txt", b"one\n")
    missing = url.replace("a.txt", "b.txt")
    assert refusal(missing) == f"no such file: {missing}"


def test_no_such_bucket(bucket):
    for name in ("", "/a.txt", "/*.txt"):
        assert refusal(f"s3://no-such-bucket{name}").startswith("no such file: s3://no-such-bucket")
    message = refusal("s3://No bucket/a.txt")
    assert message.startswith("cannot read s3://No bucket/a.txt: Parameter validation failed")


def test_a_bucket_is_a_folder(bucket):
    url = bucket("a.txt", b"one\n")
    assert read(url.removesuffix("/a.txt")) == ["one"]


def test_keys_with_any_characters(bucket):
    names = ["d//x.txt", "d/é ü#1%20?.txt", "d/=a+b&c/y.txt"]
    urls = [bucket(name, name.encode()) for name in names]
    bucket("d/", b"")
    folder = urls[0].removesuffix("/d//x.txt")
    for given in (folder, f"{folder}/d", f"{folder}/*", f"{folder}/d/**"):
        assert read(given) == sorted(names)


def test_access_denied(bucket, s3):
    url = bucket("a.txt", b"one\n")
    folder = url.removesuffix("/a.txt")

    def allow(requests: bytes):
        address = f"{s3.meta.endpoint_url}/moto-api/reset-auth"
        text = {"Content-Type": "text/plain"}
        urllib.request.urlopen(urllib.request.Request(address, requests, text)).close()

    allow(b"0")
    try:
        for name in (url, folder, f"{folder}/*.txt"):
            message = refusal(name)
            assert message.startswith(f"may not read {name}: ")
            assert "; check AWS_ACCESS_KEY_ID" in message
    finally:
        allow(b"inf")
    assert read(url) == ["one"]


def test_a_file_that_changes_while_it_is_read(bucket):
    url = bucket("a.txt", "".join(f"{row}\n" for row in ROWS).encode())
    rows = iter(open_texts([url]))
    assert next(rows).text == ROWS[0]
    bucket("a.txt", b"other\n")
    texts = open_texts([url])
    assert [sentence.text for sentence in texts] == ["other"]


def test_a_server_that_is_not_there(bucket, monkeypatch):
    url = bucket("a.txt", b"one\n")
    import s3fs

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{taken.getsockname()[1]}")
        s3fs.S3FileSystem.clear_instance_cache()
        monkeypatch.setattr(s3fs.S3FileSystem, "retries", 1)
        monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
        message = refusal(url)
    s3fs.S3FileSystem.clear_instance_cache()
    assert message.startswith(f"cannot read {url}: ")
    assert "AWS_ENDPOINT_URL" in message


def test_a_web_server(tmp_path, write):
    write("a.csv", "text\none\n")
    with subprocess.Popen(
        [sys.executable, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as server:
        port = re.search(r"port (\d+)", server.stdout.readline())[1]
        url = f"http://127.0.0.1:{port}"
        try:
            assert read(f"{url}/a.csv?signature=secret") == ["one"]
            assert refusal(f"{url}/b.csv?signature=secret") == f"no such file: {url}/b.csv"
        finally:
            server.terminate()
    message = refusal(f"{url}/b.csv")
    assert message.startswith(f"cannot read {url}/b.csv: Cannot connect")


def test_without_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "gcsfs", None)
    with pytest.raises(MissingExtraError, match=r"gs://b/a.txt needs .*'poolwise\[objects\]'"):
        open_texts(["gs://b/a.txt"])


def test_schemes_that_nobody_knows():
    assert "cannot read nope://a.txt: Protocol not known: nope" in refusal("nope://a.txt")


def test_passwords_are_not_shown(monkeypatch):
    from poolwise.texts.files import TextFile

    assert TextFile("ftp://me:secret@host/a@b.csv").label == "ftp://host/a@b.csv"
    signed = "https://host/a.csv?X-Amz-Signature=secret"
    assert TextFile(signed).label == "https://host/a.csv"


def test_local_files_are_read_without_fsspec(write):
    code = (
        "import sys; from poolwise.texts import open_texts; list(open_texts(sys.argv[1:])); "
        "print('fsspec' in sys.modules)"
    )
    command = [sys.executable, "-c", code, write("a.txt", "one"), f"{write('b.txt', 'b').parent}/*"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "False\n"
