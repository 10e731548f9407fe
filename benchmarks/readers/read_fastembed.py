"""fastembed with a custom model, pooled as modules.json says."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from fastembed import TextEmbedding
from fastembed.common.model_description import ModelSource, PoolingType
from reading import NotOfferedError

PACKAGES = ("fastembed", "onnxruntime")
POOLS = {
    "mean": PoolingType.MEAN,
    "cls": PoolingType.CLS,
    "pooler": PoolingType.CLS,
    "sep": PoolingType.LAST_TOKEN,
}
OUTPUT: str | None = None


def read(folder: str, texts: list[str], job: dict[str, Any]) -> Any:
    pool = PoolingType.DISABLED if OUTPUT else POOLS.get(job["pool"])
    if pool is None:
        raise NotOfferedError(f"no pooling type for {job['pool']}")
    name = f"own/{uuid4()}"
    TextEmbedding.add_custom_model(
        model=name,
        pooling=pool,
        normalization=job["l2"] and not OUTPUT,
        sources=ModelSource(hf=name),
        dim=job["width"],
        model_file="onnx/model.onnx",
        output_name=OUTPUT,
    )
    return list(TextEmbedding(name, specific_model_path=folder).embed(texts))
