"""pipeline("feature-extraction", folder)(texts, truncation=True), pooled by hand; the pooler's
vector is AutoModel's."""

from __future__ import annotations

from typing import Any

import torch
from reading import pooled_states
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
    return [pooled_states(extract, tokenizer, text, job) for text in texts]
