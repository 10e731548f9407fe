"""onnxruntime and OpenVINO beside poolwise, in float32 and in int8.

Both read one ONNX file, exported by torch with the plain attention that onnxruntime's own optimizer
recognises and fuses. Texts are sorted by length and run in batches of 32, or fewer where they are
long, so that there is work for both of OpenVINO's streams; each batch is padded to its longest, and
pooling is NumPy's. For a single text OpenVINO uses all cores at once.
"""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from contenders import Contender, Embed
from models import MAX_LENGTH, Subject
from numpy.typing import NDArray
from tokenizers import Tokenizer
from transformers import AutoModel

# OpenVINO's and NNCF's usage reports stay at home where this is set.
os.environ.setdefault("CI", "true")

BATCH = 32
BATCH_TOKENS = 2048
STREAMS = {"PERFORMANCE_HINT": "THROUGHPUT", "NUM_STREAMS": "2"}
ONE = {"PERFORMANCE_HINT": "LATENCY"}
FLOAT32 = {"INFERENCE_PRECISION_HINT": "f32"}
DYNAMIC_INT8 = {"DYNAMIC_QUANTIZATION_GROUP_SIZE": "32"}

Arrays = tuple[NDArray[Any], NDArray[Any]]


def peers(subject: Subject, folder: Path, temporary: Path) -> list[Contender]:
    """A peer that is not installed, or does not take the model, is absent with its reason."""
    onnx = temporary / f"{subject.name.replace(' ', '-')}.onnx"
    makers: list[tuple[str, str, Callable[[], tuple[Embed, Embed | None]]]] = [
        ("onnxruntime fp32", "exact", partial(onnxruntime, subject, folder, onnx, int8=False)),
        ("onnxruntime int8", "fast", partial(onnxruntime, subject, folder, onnx, int8=True)),
        ("OpenVINO fp32", "exact", partial(openvino, folder, onnx, int8=False)),
        ("OpenVINO int8", "fast", partial(openvino, folder, onnx, int8=True)),
    ]
    contenders = []
    for name, precision, make in makers:
        try:
            embed, single = make()
        except ModuleNotFoundError as missing:
            contenders.append(Contender(name, precision, absent=f"{missing.name} is not installed"))
        except (ImportError, RuntimeError, ValueError, TypeError) as refused:
            reason = f"it did not take the model: {str(refused).splitlines()[0][:100]}"
            contenders.append(Contender(name, precision, absent=reason))
        else:
            contenders.append(Contender(name, precision, embed, single))
    return contenders


def onnxruntime(
    subject: Subject, folder: Path, onnx: Path, *, int8: bool
) -> tuple[Embed, Embed | None]:
    import onnxruntime as runtime  # noqa: PLC0415 - a peer may be missing
    from onnx import TensorProto  # noqa: PLC0415
    from onnxruntime.quantization import quantize_dynamic  # noqa: PLC0415
    from onnxruntime.transformers import optimizer  # noqa: PLC0415

    fused, small = onnx.with_suffix(".fused.onnx"), onnx.with_suffix(".int8.onnx")
    if not fused.exists():
        optimizer.optimize_model(
            str(export(folder, onnx)), "bert", num_heads=subject.heads, hidden_size=subject.width
        ).save_model_to_file(str(fused))
    if int8:
        # The fused operators' results have no types that ONNX itself would infer.
        types = {"DefaultTensorType": TensorProto.FLOAT}
        quantize_dynamic(str(fused), str(small), extra_options=types)
    session = runtime.InferenceSession(
        str(small if int8 else fused), providers=["CPUExecutionProvider"]
    )
    tokenizer = _tokenizer(folder)

    def embed(texts: Sequence[str]) -> NDArray[Any]:
        vectors = np.empty((len(texts), subject.width), np.float32)
        for rows, (ids, mask) in _batches(tokenizer, texts):
            inputs = {"input_ids": ids, "attention_mask": mask}
            vectors[rows] = _mean(session.run(None, inputs)[0], mask)
        return vectors

    return embed, None


def openvino(folder: Path, onnx: Path, *, int8: bool) -> tuple[Embed, Embed]:
    import openvino as runtime  # noqa: PLC0415

    if int8:
        import nncf  # noqa: PLC0415

        nncf.set_log_level(logging.ERROR)
    core = runtime.Core()
    model = core.read_model(export(folder, onnx))
    if int8:
        model = nncf.compress_weights(model, mode=nncf.CompressWeightsMode.INT8_ASYM)
    options = FLOAT32 | (DYNAMIC_INT8 if int8 else {})
    many = core.compile_model(model, "CPU", STREAMS | options)
    single_model = core.compile_model(model, "CPU", ONE | options)
    tokenizer, width = _tokenizer(folder), many.output(0).partial_shape[2].get_length()

    queue = runtime.AsyncInferQueue(many)

    def keep(request: Any, batch: tuple[NDArray[Any], NDArray[Any], NDArray[Any]]) -> None:
        vectors, rows, mask = batch
        vectors[rows] = _mean(request.get_output_tensor(0).data, mask)

    queue.set_callback(keep)

    def embed(texts: Sequence[str]) -> NDArray[Any]:
        vectors = np.empty((len(texts), width), np.float32)
        for rows, (ids, mask) in _batches(tokenizer, texts):
            queue.start_async([ids, mask], (vectors, rows, mask))
        queue.wait_all()
        return vectors

    def single(texts: Sequence[str]) -> NDArray[Any]:
        _, (ids, mask) = next(_batches(tokenizer, texts))
        return _mean(single_model([ids, mask])[0], mask)

    return embed, single


class Encoder(torch.nn.Module):
    """What is exported: ids and mask in, the last hidden state out."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.model = AutoModel.from_pretrained(folder, attn_implementation="eager")

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        return self.model(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state


def export(folder: Path, onnx: Path) -> Path:
    import onnx as _  # noqa: F401, PLC0415 - torch asks for it late, in an error of its own

    if onnx.exists():
        return onnx
    ids, mask = torch.randint(5, 1000, (3, 17)), torch.ones(3, 17, dtype=torch.int64)
    mask[1, 9:] = 0
    axes = {0: "texts", 1: "tokens"}
    names = ["input_ids", "attention_mask", "last_hidden_state"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the tracing exporter: fast, and its graph is what fuses
        torch.onnx.export(
            Encoder(folder).eval(),
            (ids, mask),
            str(onnx),
            input_names=names[:2],
            output_names=names[2:],
            dynamic_axes=dict.fromkeys(names, axes),
            opset_version=17,
            dynamo=False,
        )
    return onnx


def _tokenizer(folder: Path) -> Tokenizer:
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.enable_truncation(MAX_LENGTH)
    tokenizer.no_padding()
    return tokenizer


def _batches(tokenizer: Tokenizer, texts: Sequence[str]) -> Iterator[tuple[NDArray[Any], Arrays]]:
    """The rows of a batch, then its ids and mask, int64 [n, longest]."""
    token_ids = [encoding.ids for encoding in tokenizer.encode_batch(list(texts))]
    order = np.argsort([-len(ids) for ids in token_ids], kind="stable")
    start = 0
    while start < len(order):
        longest = len(token_ids[order[start]])
        rows = order[start : start + min(BATCH, max(BATCH_TOKENS // longest, 1))]
        start += len(rows)
        ids = np.zeros((len(rows), longest), np.int64)
        mask = np.zeros_like(ids)
        for row, index in enumerate(rows):
            ids[row, : len(token_ids[index])] = token_ids[index]
            mask[row, : len(token_ids[index])] = 1
        yield rows, (ids, mask)


def _mean(hidden: NDArray[Any], mask: NDArray[Any]) -> NDArray[Any]:
    real = mask[..., None].astype(np.float32)
    return (hidden * real).sum(1) / real.sum(1)
