"""txtai's Embeddings with nothing but the path; its vectors are always of length 1."""

from __future__ import annotations

from typing import Any

from txtai import Embeddings

PACKAGES = ("txtai", "transformers")


def read(folder: str, texts: list[str], job: dict[str, Any]) -> Any:
    return Embeddings(path=folder).batchtransform(texts)
