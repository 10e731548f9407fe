"""The ONNX file of a subject, as its peers read it: exported by torch's tracing exporter."""

from __future__ import annotations

import warnings
from pathlib import Path

import torch
from models import Subject
from transformers import AutoModel


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
