"""The round trip of an ONNX folder: what onnxruntime makes of texts, beside poolwise's vectors."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from poolwise.errors import needs
from poolwise.exports.check import BATCH, difference, strict
from poolwise.exports.modules import Module
from poolwise.exports.onnx_files import GRAPH, INPUTS, TOKEN_VECTORS, TOKENIZER, VECTORS
from poolwise.readouts import Step
from poolwise.records import Floats


def onnxruntime_differs(
    folder: Path,
    modules: Sequence[Module],
    texts: Sequence[str],
    expected: Floats,
    steps: Sequence[Step],
) -> float:
    """How far onnxruntime's vectors of ``texts`` are from the ``expected`` ones.

    Both those that the graph gives and those that ``modules`` make of its token vectors. Where a
    text lacks what the readout reads, both are NaN. Otherwise as ``sentence_transformers_differ``.
    """
    return max(
        difference(*_without_absent(vectors, expected), texts, "onnxruntime", steps)
        for vectors in onnx_vectors(folder, GRAPH, texts, modules)
    )


def onnx_vectors(
    folder: Path, graph: str, texts: Sequence[str], modules: Sequence[Module] = ()
) -> list[Floats]:
    """The vectors that a graph gives, [n, width], and those of ``modules``, if there are any."""
    with needs("onnx", "checking an export"):
        import torch  # noqa: PLC0415 - takes seconds
        from onnxruntime import InferenceSession, SessionOptions  # noqa: PLC0415 - takes a second

        from poolwise.exports.torch_modules import apply_modules  # noqa: PLC0415

    outputs = [VECTORS, *([TOKEN_VECTORS] if modules else [])]
    batches = []
    with strict(folder, "onnxruntime"):
        tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
        options = SessionOptions()
        options.log_severity_level = 3  # of errors, not of what it leaves unoptimized
        session = InferenceSession(folder / graph, options, providers=["CPUExecutionProvider"])
        for start in range(0, len(texts), BATCH):
            encodings = tokenizer.encode_batch(list(texts[start : start + BATCH]))
            arrays = {
                name: np.array([getattr(e, source) for e in encodings])
                for name, source in INPUTS.items()
            }
            vectors, *tokens = session.run(outputs, arrays)
            mask = torch.from_numpy(arrays["attention_mask"])
            made = [apply_modules(modules, torch.from_numpy(t), mask).numpy() for t in tokens]
            batches.append([vectors, *made])
    return [np.concatenate(group) for group in zip(*batches, strict=True)]


def _without_absent(vectors: Floats, expected: Floats) -> tuple[Floats, Floats]:
    absent = np.isnan(vectors) & np.isnan(expected)
    return np.where(absent, 0, vectors), np.where(absent, 0, expected)
