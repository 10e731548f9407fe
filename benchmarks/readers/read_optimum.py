"""optimum's feature-extraction pipeline over the graph, pooled by hand as modules.json says."""

from __future__ import annotations

from typing import Any

from optimum.onnxruntime import ORTModelForFeatureExtraction, pipeline
from reading import pooled
from transformers import AutoTokenizer

PACKAGES = ("optimum-onnx", "transformers")


def read(folder: str, texts: list[str], job: dict[str, Any]) -> Any:
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = ORTModelForFeatureExtraction.from_pretrained(folder)
    extract = pipeline("feature-extraction", model=model, tokenizer=tokenizer)
    vectors = []
    for text in texts:
        ids = tokenizer(text, truncation=True, return_special_tokens_mask=True)
        (states,) = extract(text, truncation=True)
        vectors.append(pooled(states, ids["attention_mask"], ids["special_tokens_mask"], job))
    return vectors
