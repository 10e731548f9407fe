"""Adapters whose package is not installed."""

from __future__ import annotations

import sys
from importlib import import_module

import pytest

from poolwise.errors import MissingExtraError

IMPORTS = {
    "langchain": "langchain_core.embeddings",
    "llama-index": "llama_index.core.base.embeddings.base",
    "haystack": "haystack",
    "chroma": "chromadb.api.types",
    "spacy": "spacy.language",
}


@pytest.mark.parametrize("extra", IMPORTS)
def test_a_missing_package_names_its_extra(extra, monkeypatch):
    adapter = f"poolwise.adapters.{extra.replace('-', '_')}"
    monkeypatch.delitem(sys.modules, adapter, raising=False)
    monkeypatch.setitem(sys.modules, IMPORTS[extra], None)
    with pytest.raises(MissingExtraError, match=rf"pip install 'poolwise\[{extra}\]'"):
        import_module(adapter)
