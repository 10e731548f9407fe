"""A readout as scikit-learn's transformer, with sentence-transformers' ``encode`` beside it."""

from poolwise.embedder.embedder import Embedder
from poolwise.embedder.encoding import NotOfferedError
from poolwise.embedder.validation import NotTextsError

__all__ = ["Embedder", "NotOfferedError", "NotTextsError"]
