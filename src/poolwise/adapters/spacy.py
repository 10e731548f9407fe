"""spaCy's vectors: a pipeline component that gives them to documents, spans and tokens."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poolwise.adapters.settings import require_embedder
from poolwise.embedder import Embedder
from poolwise.embedder.encoding import refuse
from poolwise.embedder.similarity import pairwise
from poolwise.errors import needs
from poolwise.records import LongTexts, Precision

with needs("spacy", "vectors for spaCy"):
    from spacy.language import Language
    from spacy.tokens import Doc
    from spacy.util import minibatch


class SpacyVectors:
    """``vector`` and ``similarity`` of documents, spans and tokens from an embedder.

        import spacy

        nlp = spacy.blank("en")
        nlp.add_pipe("poolwise", config={"model": "demo", "readout": "mean@-1"})
        nlp("A cat sat.").similarity(nlp("A dog sat."))

    A document is embedded as it passes; a span or token, without its context, where its vector is
    asked for. spaCy keeps no vectors of its own with a document that it saves or sends to another
    process (``n_process``).
    """

    def __init__(self, embedder: Embedder) -> None:
        self.embedder = require_embedder(embedder)

    def __call__(self, doc: Doc) -> Doc:
        """The document with its vector."""
        return next(self.pipe([doc]))

    def pipe(self, stream: Iterable[Doc], batch_size: int = 1024) -> Iterator[Doc]:
        """The documents with their vectors, embedded ``batch_size`` at once."""
        for docs in minibatch(stream, batch_size):
            vectors = self.embedder.encode([doc.text for doc in docs])
            for doc, vector in zip(docs, vectors, strict=True):
                both = {"has_vector": _has_vector, "similarity": self._similarity}
                doc.user_hooks |= {**both, "vector": partial(_first, vector)}
                doc.user_span_hooks |= {**both, "vector": self._vector}
                doc.user_token_hooks |= {**both, "vector": self._vector}
                yield doc

    def _vector(self, part: Any) -> NDArray[Any]:
        """The vector [d] of a span's or token's text."""
        vector: NDArray[Any] = self.embedder.encode(part.text)
        return vector

    def _similarity(self, first: Any, second: Any) -> float:
        """By the embedder's measure, which is the folder's."""
        a, b = (np.atleast_2d(part.vector) for part in (first, second))
        refuse(
            a.shape != b.shape,
            f"similarity of vectors of {a.shape[1]} and {b.shape[1]} dimensions: both texts have "
            "to pass the same pipeline",
        )
        return float(pairwise(self.embedder.similarity_fn_name, a, b)[0])


def _first(vector: NDArray[Any], _doc: Doc) -> NDArray[Any]:
    return vector


def _has_vector(_part: Any) -> bool:
    return True


_DEFAULTS = {
    "model": "demo",
    "readout": None,
    "precision": "exact",
    "max_length": None,
    "long": "truncate",
}


@Language.factory("poolwise", default_config=_DEFAULTS)
def component(
    nlp: Language,
    name: str,
    *,
    model: str,
    readout: str | None,
    precision: Precision,
    max_length: int | None,
    long: LongTexts,
) -> SpacyVectors:
    """What ``nlp.add_pipe("poolwise")`` adds; its config holds the arguments of an embedder."""
    return SpacyVectors(
        Embedder(model, readout, precision=precision, max_length=max_length, long=long)
    )
