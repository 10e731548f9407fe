"""txtai's Embeddings over the graph's file; its vectors are always of length 1."""

from __future__ import annotations

from typing import Any

from txtai import Embeddings

PACKAGES = ("txtai", "onnxruntime")


def read(folder: str, texts: list[str], job: dict[str, Any]) -> Any:
    places = {"path": f"{folder}/onnx/model.onnx", "tokenizer": f"{folder}/tokenizer.json"}
    return Embeddings(**places).batchtransform(texts)
