"""optimum's feature-extraction pipeline over the graph, pooled by hand as modules.json says."""

from __future__ import annotations

from typing import Any

from optimum.onnxruntime import ORTModelForFeatureExtraction, pipeline
from reading import pooled_states
from transformers import AutoTokenizer

PACKAGES = ("optimum-onnx", "transformers")


def read(folder: str, texts: list[str], job: dict[str, Any]) -> Any:
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = ORTModelForFeatureExtraction.from_pretrained(folder)
    extract = pipeline("feature-extraction", model=model, tokenizer=tokenizer)
    return [pooled_states(extract, tokenizer, text, job) for text in texts]
