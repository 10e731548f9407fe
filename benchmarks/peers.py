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
import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from contenders import Contender, Embed
from models import Subject
from numpy.typing import NDArray
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


def fused(subject: Subject, folder: Path, onnx: Path) -> Path:
    """The exported file with BERT's blocks fused; other families have no such fusions."""
    if subject.classes != "Bert":
        return export(folder, onnx)
    from onnxruntime.transformers import optimizer  # noqa: PLC0415

    file = onnx.with_suffix(".fused.onnx")
    if not file.exists():
        optimizer.optimize_model(
            str(export(folder, onnx)), "bert", num_heads=subject.heads, hidden_size=subject.width
        ).save_model_to_file(str(file))
    return file


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
