"""Measure how a sentence should be read out of an encoder, then ship the readout that wins.

>>> import poolwise
>>> enc = poolwise.load("demo")
>>> enc.embed(["a", "b"], "mean@-1").shape
(2, 384)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from poolwise.errors import PoolwiseError, PoolwiseWarning
from poolwise.version import __version__

if TYPE_CHECKING:
    from poolwise.api.ask import ask
    from poolwise.api.compare_endpoints import compare_endpoints
    from poolwise.api.diagnose import diagnose
    from poolwise.api.embed import embed
    from poolwise.api.embed_corpus import embed_corpus
    from poolwise.api.export import export
    from poolwise.api.inspect import inspect
    from poolwise.api.search import search
    from poolwise.api.sweep import sweep
    from poolwise.api.tune import tune
    from poolwise.api.verify import verify
    from poolwise.api.watch import watch
    from poolwise.classifier.classifier import Classifier, load_classifier
    from poolwise.embedder import Embedder
    from poolwise.embedder.sentence_transformers import SentenceTransformer
    from poolwise.extraction import extract
    from poolwise.installation import environment
    from poolwise.model import Model, load
    from poolwise.readouts import Readout, parse
    from poolwise.records import Finding, Sentence, VectorBatch

__all__ = [
    "Classifier",
    "Embedder",
    "Finding",
    "Model",
    "PoolwiseError",
    "PoolwiseWarning",
    "Readout",
    "Sentence",
    "SentenceTransformer",
    "VectorBatch",
    "__version__",
    "ask",
    "compare_endpoints",
    "diagnose",
    "embed",
    "embed_corpus",
    "environment",
    "export",
    "extract",
    "inspect",
    "load",
    "load_classifier",
    "parse",
    "search",
    "sweep",
    "tune",
    "verify",
    "watch",
]

_ROOMS = {
    "Classifier": "classifier.classifier",
    "Embedder": "embedder",
    "Finding": "records",
    "Model": "model",
    "Readout": "readouts",
    "Sentence": "records",
    "SentenceTransformer": "embedder.sentence_transformers",
    "VectorBatch": "records",
    "ask": "api",
    "compare_endpoints": "api",
    "diagnose": "api",
    "embed": "api",
    "embed_corpus": "api",
    "export": "api",
    "inspect": "api",
    "search": "api",
    "sweep": "api",
    "tune": "api",
    "verify": "api",
    "watch": "api",
    "environment": "installation",
    "extract": "extraction",
    "load": "model",
    "load_classifier": "classifier.classifier",
    "parse": "readouts",
}


def __getattr__(name: str) -> Any:
    """Open a room only when something in it is asked for: ``import poolwise`` stays light."""
    if name not in _ROOMS:
        raise AttributeError(f"module 'poolwise' has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415

    return getattr(import_module(f"poolwise.{_ROOMS[name]}"), name)
