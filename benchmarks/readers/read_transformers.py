"""pipeline("feature-extraction", folder)(texts, truncation=True), pooled by hand; the pooler's
vector is AutoModel's."""

from __future__ import annotations

from typing import Any

import torch
from reading import pooled
from transformers import AutoModel, AutoTokenizer, pipeline

PACKAGES = ("transformers",)


def read(folder: str, texts: list[str], job: dict[str, Any]) -> Any:
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    if job["pool"] == "pooler":
        model = AutoModel.from_pretrained(folder, local_files_only=True)
        inputs = tokenizer(texts, truncation=True, padding=True, return_tensors="pt")
        with torch.inference_mode():
            return model(**inputs).pooler_output.numpy()
    extract = pipeline("feature-extraction", model=folder, tokenizer=tokenizer, device="cpu")
    vectors = []
    for text in texts:
        ids = tokenizer(text, truncation=True, return_special_tokens_mask=True)
        (states,) = extract(text, truncation=True)
        vectors.append(pooled(states, ids["attention_mask"], ids["special_tokens_mask"], job))
    return vectors
