"""A pass that ends for want of memory is halved; a text that alone takes too much is rejected."""

from __future__ import annotations

import json

import pyarrow.parquet as pq
import pytest

import poolwise
from poolwise.extraction import Extraction

ROWS = 50


def errors():
    import torch

    return {
        "Python": MemoryError("no memory"),
        "torch": torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"),
        "another library": RuntimeError("DefaultCPUAllocator: can't allocate memory"),
    }


@pytest.fixture
def inputs(tmp_path):
    path = tmp_path / "in.txt"
    path.write_text("".join(f"the cat {n}\n" for n in range(ROWS)))
    return str(path)


@pytest.fixture
def short_of_memory(monkeypatch):
    """``short_of_memory(error, 8)``: passes over more than 8 texts, or over row 23, raise it."""
    run = Extraction.run
    passes = []

    def begin(error, most):
        def run_some(extraction, sentences):
            passes.append(len(sentences))
            if len(sentences) > most or any(s.id == 23 for s in sentences):
                raise error
            yield from run(extraction, sentences)

        monkeypatch.setattr(Extraction, "run", run_some)
        return passes

    return begin


@pytest.mark.parametrize("kind", ["Python", "torch", "another library"])
def test_halves_and_at_last_one_row_is_rejected(tiny, inputs, tmp_path, short_of_memory, kind):
    asked = {"model": tiny("bert"), "inputs": inputs, "readouts": "mean@-1", "part_rows": 25}
    poolwise.embed_corpus(output=tmp_path / "whole", **asked)
    passes = short_of_memory(errors()[kind], 8)
    result = poolwise.embed_corpus(output=tmp_path / "out", **asked)
    assert dict(result.rejected) == {"memory": 1}
    assert (result.rows, result.complete) == (ROWS, True)
    assert len(passes) < 30
    whole, made = (pq.read_table(tmp_path / name).to_pylist() for name in ("whole", "out"))
    assert [row["id"] for row in made] == list(range(ROWS))
    assert made[23]["mean@-1"] is None
    assert made[23]["problem"].startswith("memory: ")
    assert made[:23] + made[24:] == whole[:23] + whole[24:]
    listed = (tmp_path / "out/__poolwise/rejected/part-00000.jsonl").read_text()
    assert json.loads(listed)["id"] == 23


def test_another_error_is_no_want_of_memory(tiny, inputs, tmp_path, short_of_memory):
    short_of_memory(RuntimeError("a size does not match"), 8)
    with pytest.raises(RuntimeError, match="a size does not match"):
        poolwise.embed_corpus(tiny("bert"), inputs, tmp_path / "out", "mean@-1")
    assert not [*(tmp_path / "out").glob("part-*")]
