"""SentenceTransformer(folder, backend="onnx").encode(texts)."""

from __future__ import annotations

from typing import Any

from sentence_transformers import SentenceTransformer

PACKAGES = ("sentence-transformers", "optimum-onnx")


def read(folder: str, texts: list[str], job: dict[str, Any]) -> Any:
    model = SentenceTransformer(folder, device="cpu", local_files_only=True, backend="onnx")
    return model.encode(texts, batch_size=2, show_progress_bar=False)
