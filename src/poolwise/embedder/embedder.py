"""The scikit-learn transformer that answers as a sentence-transformers model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poolwise.embedder.sentence_encoder import SentenceEncoder

if TYPE_CHECKING:
    from poolwise.embedder.sentence_transformers import SentenceTransformer


class Embedder(SentenceEncoder):
    """Texts in, vectors out: a step of scikit-learn's pipelines.

    Examples:
        >>> from sklearn.linear_model import LogisticRegression
        >>> from sklearn.model_selection import GridSearchCV
        >>> from sklearn.pipeline import make_pipeline
        >>> pipeline = make_pipeline(Embedder("demo"), LogisticRegression())
        >>> grid = {"embedder__readout": ["mean@-1", "cls@-1", "mean@-1|whiten(64)"]}
        >>> best = GridSearchCV(pipeline, grid).fit(texts, labels)  # doctest: +SKIP

    ``model`` is a folder, a hub id or ``"demo"``; ``readout`` None is what the folder declares, a
    sweep's ``readout.toml`` a readout with its fitted steps. ``precision`` is the arithmetic
    (``exact``, ``near``, ``fast``), ``long`` and ``max_length`` as in ``Model.embed`` and ``load``.
    The ``precision`` of ``encode`` is another: the number type of the vectors, as in
    sentence-transformers. X is a list, array or Series of texts, or one column [n, 1] of a table.
    The prompt in front of them is that of the readout's file, or the folder's default.

    Fitting sets ``transform_``, the readout's fitted steps, and ``model_hash_``. A pickle holds
    these and no weights: the model is read again on loading, and has to be the same. ``fit``,
    ``fit_transform`` and ``transform`` embed a text once a process and readout, however many folds
    and candidates hold it: the cache takes 256 MiB at most.
    """

    def as_sentence_transformer(self) -> SentenceTransformer:
        """A ``sentence_transformers.SentenceTransformer`` of this readout, with its fitted steps.

        Examples:
            >>> Embedder("demo").as_sentence_transformer().encode(["a cat"]).shape
            (1, 384)

        It is for software that takes no other class. What is set on it later does not change this
        embedder, nor a later fit its vectors. Raises MissingExtraError.
        """
        from poolwise.embedder.sentence_transformers import (  # noqa: PLC0415 - takes seconds
            SentenceTransformer,
        )

        return SentenceTransformer.of(self)
