"""SentenceTransformer(folder).encode(texts)."""

from __future__ import annotations

from typing import Any

from sentence_transformers import SentenceTransformer

PACKAGES = ("sentence-transformers", "transformers")


def read(folder: str, texts: list[str], job: dict[str, Any]) -> Any:
    model = SentenceTransformer(folder, device="cpu", local_files_only=True)
    return model.encode(texts, batch_size=2, show_progress_bar=False)
