"""The binary COPY file of examples/recipes/pgvector_copy.py holds the vectors, bit by bit."""

import runpy
import struct
from pathlib import Path

import numpy as np

import poolwise

RECIPE = Path(__file__).parent.parent / "examples" / "recipes" / "pgvector_copy.py"


def rows(data):
    """By PostgreSQL's documentation of COPY: a signature, rows of counted fields, -1."""
    assert data.startswith(b"PGCOPY\n\xff\r\n\0" + bytes(8))
    at = 19
    while (n_fields := struct.unpack_from(">h", data, at)[0]) >= 0:
        at, fields = at + 2, []
        for _ in range(n_fields):
            (size,) = struct.unpack_from(">i", data, at)
            fields.append(data[at + 4 : at + 4 + size])
            at += 4 + size
        yield fields
    assert at + 2 == len(data)


def test_a_row_is_an_id_a_text_and_a_vector(demo, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    texts = runpy.run_path(str(RECIPE))["texts"]
    found = list(rows(Path("questions.bin").read_bytes()))
    assert [struct.unpack(">q", key)[0] for key, _, _ in found] == [0, 1, 2]
    assert [text.decode() for _, text, _ in found] == texts
    # pgvector's vector_recv: int16 dimensions, int16 unused, big-endian float4
    assert {struct.unpack_from(">HH", vector) for _, _, vector in found} == {(384, 0)}
    vectors = np.array([np.frombuffer(vector, ">f4", offset=4) for _, _, vector in found])
    np.testing.assert_array_equal(vectors, poolwise.load("demo").embed(texts, "mean@-1|l2"))
