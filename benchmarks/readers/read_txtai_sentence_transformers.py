"""txtai's Embeddings with ``method="sentence-transformers"``; its vectors are of length 1."""

from __future__ import annotations

from typing import Any

from txtai import Embeddings

PACKAGES = ("txtai", "sentence-transformers")


def read(folder: str, texts: list[str], job: dict[str, Any]) -> Any:
    return Embeddings(path=folder, method="sentence-transformers").batchtransform(texts)
