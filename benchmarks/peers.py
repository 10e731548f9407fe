"""onnxruntime and OpenVINO beside poolwise, in float32 and in int8.

Both read one ONNX file, exported by torch with the plain attention that onnxruntime's own optimizer
recognises and fuses in BERT's blocks. Texts are sorted by length and run in batches of 32, or fewer
where they are long, so that there is work for both of OpenVINO's streams; each batch is padded to
its longest, and pooling is NumPy's. For a single text OpenVINO uses all cores at once. Its static
int8 is calibrated by NNCF on sentences that are not measured. Families with other blocks run beside
transformers and onnxruntime.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from contenders import Contender, Embed
from models import Subject
from numpy.typing import NDArray
from onnx_file import export, fused
from rounds import say
from tokenizers import Tokenizer
from transformers import AutoModel
from workloads import novel_sentences

# OpenVINO's and NNCF's usage reports stay at home where this is set.
os.environ.setdefault("CI", "true")

BATCH = 32
BATCH_TOKENS = 2048
STREAMS = {"PERFORMANCE_HINT": "THROUGHPUT", "NUM_STREAMS": "2"}
ONE = {"PERFORMANCE_HINT": "LATENCY"}
FLOAT32 = {"INFERENCE_PRECISION_HINT": "f32"}
DYNAMIC_INT8 = {"DYNAMIC_QUANTIZATION_GROUP_SIZE": "32"}
CALIBRATION = 64
"""Sentences."""

Arrays = tuple[NDArray[Any], NDArray[Any]]
Maker = Callable[[], tuple[Embed, Embed | None]]


def peers(subject: Subject, folder: Path, temporary: Path) -> list[Contender]:
    """A peer that is not installed, or does not take the model, is absent with its reason."""
    onnx = temporary / f"{subject.name.replace(' ', '-')}.onnx"
    makers: list[tuple[str, str, Maker]] = [
        ("onnxruntime fp32", "exact", partial(onnxruntime, subject, folder, onnx, int8=False)),
        ("onnxruntime int8", "fast", partial(onnxruntime, subject, folder, onnx, int8=True)),
    ]
    if subject.classes == "Bert":
        makers += [
            (name, precision, partial(openvino, subject, folder, onnx, converted))
            for name, precision, converted in (
                ("OpenVINO fp32", "exact", as_it_is),
                ("OpenVINO int8 weights", "fast", int8_weights),
                ("OpenVINO int8, calibrated", "fast", calibrated),
            )
        ]
    else:
        makers.append(("transformers (sdpa)", "exact", partial(sdpa, subject, folder)))
    contenders = []
    for name, precision, make in makers:
        say(f"  {name}")
        try:
            embed, single = make()
        except ModuleNotFoundError as missing:
            contenders.append(Contender(name, precision, absent=f"{missing.name} is not installed"))
        except Exception as refused:  # of whatever kind, the others go on
            reason = " ".join(f"{type(refused).__name__}: {refused}".split())[:120]
            contenders.append(
                Contender(name, precision, absent=f"it did not take the model: {reason}")
            )
        else:
            contenders.append(Contender(name, precision, embed, single))
    return contenders


def sdpa(subject: Subject, folder: Path) -> tuple[Embed, None]:
    """transformers itself, in batches as those of the other peers."""
    model = AutoModel.from_pretrained(folder, attn_implementation="sdpa").eval()
    tokenizer = _tokenizer(subject, folder)

    @torch.inference_mode()
    def embed(texts: Sequence[str]) -> NDArray[Any]:
        vectors = np.empty((len(texts), subject.width), np.float32)
        for rows, (ids, mask) in _batches(tokenizer, texts):
            inputs = {"input_ids": torch.from_numpy(ids), "attention_mask": torch.from_numpy(mask)}
            vectors[rows] = _mean(model(**inputs).last_hidden_state.numpy(), mask)
        return vectors

    return embed, None


def onnxruntime(subject: Subject, folder: Path, onnx: Path, *, int8: bool) -> tuple[Embed, None]:
    import onnxruntime as runtime  # noqa: PLC0415 - a peer may be missing
    from onnx import TensorProto  # noqa: PLC0415
    from onnxruntime.quantization import quantize_dynamic  # noqa: PLC0415

    source = fused(subject, folder, onnx)
    if int8:
        small = onnx.with_suffix(".int8.onnx")
        # The fused operators' results have no types that ONNX itself would infer.
        types = {"DefaultTensorType": TensorProto.FLOAT}
        quantize_dynamic(str(source), str(small), extra_options=types)
        source = small
    session = runtime.InferenceSession(str(source), providers=["CPUExecutionProvider"])
    tokenizer = _tokenizer(subject, folder)

    def embed(texts: Sequence[str]) -> NDArray[Any]:
        vectors = np.empty((len(texts), subject.width), np.float32)
        for rows, (ids, mask) in _batches(tokenizer, texts):
            inputs = {"input_ids": ids, "attention_mask": mask}
            vectors[rows] = _mean(session.run(None, inputs)[0], mask)
        return vectors

    return embed, None


def openvino(
    subject: Subject, folder: Path, onnx: Path, converted: Callable[..., tuple[Any, dict[str, str]]]
) -> tuple[Embed, Embed]:
    import openvino as runtime  # noqa: PLC0415

    core = runtime.Core()
    tokenizer, width = _tokenizer(subject, folder), subject.width
    model, options = converted(core.read_model(export(folder, onnx)), tokenizer)
    many = core.compile_model(model, "CPU", STREAMS | options)
    single_model = core.compile_model(model, "CPU", ONE | options)

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


def as_it_is(model: Any, _: Tokenizer) -> tuple[Any, dict[str, str]]:
    return model, FLOAT32


def int8_weights(model: Any, _: Tokenizer) -> tuple[Any, dict[str, str]]:
    """Of weights alone; activations follow in each product, by groups."""
    nncf = _nncf()
    return (
        nncf.compress_weights(model, mode=nncf.CompressWeightsMode.INT8_ASYM),
        FLOAT32 | DYNAMIC_INT8,
    )


def calibrated(model: Any, tokenizer: Tokenizer) -> tuple[Any, dict[str, str]]:
    """Weights and activations, with fixed scales."""
    nncf = _nncf()
    inputs = [
        arrays
        for s in novel_sentences()[:: 20_000 // CALIBRATION][:CALIBRATION]
        for _, arrays in _batches(tokenizer, [s])
    ]
    data = nncf.Dataset(inputs, list)
    quantized = nncf.quantize(
        model, data, model_type=nncf.ModelType.TRANSFORMER, subset_size=CALIBRATION
    )
    return quantized, FLOAT32


@cache
def _nncf() -> Any:
    import nncf  # noqa: PLC0415

    nncf.set_log_level(logging.ERROR)
    return nncf


def _tokenizer(subject: Subject, folder: Path) -> Tokenizer:
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.enable_truncation(subject.max_length)
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
