"""The estimator."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from poolwise import transforms
from poolwise.embedder.encoding import (
    normalised,
    quantised,
    refuse,
    shortened,
    tensor,
    vectors_of,
)
from poolwise.embedder.model_cache import opened
from poolwise.embedder.similarity import similarities
from poolwise.embedder.validation import texts_of
from poolwise.encoders.modules.prompts import DOCUMENT, QUERY
from poolwise.errors import EncoderError
from poolwise.inputs import CHOICES, flag
from poolwise.model import Model
from poolwise.records import LongTexts, Precision
from poolwise.transforms import Transform
from poolwise.transforms.fitted_readout import FittedReadout, prompted


class Embedder(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Texts in, vectors out: a step of scikit-learn's pipelines.

    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.model_selection import GridSearchCV
    >>> from sklearn.pipeline import make_pipeline
    >>> pipeline = make_pipeline(Embedder("demo"), LogisticRegression())
    >>> grid = {"embedder__readout": ["mean@-1", "cls@-1", "mean@-1|whiten(64)"]}
    >>> best = GridSearchCV(pipeline, grid).fit(texts, labels)  # doctest: +SKIP

    ``model`` is a folder, a hub id or ``"demo"``; ``readout`` None is what the folder declares;
    a sweep's ``readout.toml`` is one, too, and brings what its steps have learned.
    ``precision`` and ``long`` are those of ``Model.embed``, ``max_length`` that of
    ``poolwise.load``. X is a list, array or Series of texts, or one column [n, 1] of a table. The
    prompt in front of them is the one that the readout was chosen with, or the folder's default.

    Fitting learns ``transform_``, the readout's steps, and notes ``model_hash_``. A pickle holds
    these and no weights: the model is read again where the pickle is, and has to be the same.
    """

    def __init__(
        self,
        model: str | Path = "demo",
        readout: str | Path | None = None,
        *,
        precision: Precision = "exact",
        max_length: int | None = None,
        long: LongTexts = "truncate",
    ) -> None:
        self.model = model
        self.readout = readout
        self.precision = precision
        self.max_length = max_length
        self.long = long

    def fit(self, X: Any, y: object = None) -> Self:  # noqa: N803 - scikit-learn's name
        """Learn the readout's steps from these texts; a readout without such takes no pass.

        Raises NotTextsError, NotOfferedError, EncoderError, ReadoutError.
        """
        chosen = self._resolved()
        texts = texts_of(X, at_least=1 + _learns(chosen))
        if not _learns(chosen):
            return self._keep(self._given(chosen))
        pooled = self._pooled(texts, chosen)
        return self._keep(transforms.fit(chosen.readout, pooled, self.opened.dense_stack))

    def fit_transform(self, X: Any, y: object = None) -> NDArray[Any]:  # noqa: N803
        """``fit`` and ``transform`` in one pass over the texts."""
        chosen = self._resolved()
        pooled = self._pooled(texts_of(X, at_least=1 + _learns(chosen)), chosen)
        steps = (
            transforms.fit(chosen.readout, pooled, self.opened.dense_stack)
            if _learns(chosen)
            else self._given(chosen)
        )
        return self._keep(steps).transform_.apply(pooled)

    def transform(self, X: Any) -> NDArray[Any]:  # noqa: N803
        """Vectors [n, d], float32 (int8 after ``int8`` or ``binary``).

        Raises NotTextsError; NotFittedError before ``fit`` and where the readout is another since;
        EncoderError where the model is.
        """
        check_is_fitted(self)
        chosen = self._resolved()
        return self._steps(chosen).apply(self._pooled(texts_of(X), chosen))

    def encode(  # noqa: PLR0917 - the signature is theirs
        self,
        inputs: str | Sequence[str] | None = None,
        prompt_name: str | None = None,
        prompt: str | None = None,
        batch_size: int = 32,
        show_progress_bar: bool | None = None,
        output_value: str = "sentence_embedding",
        precision: str = "float32",
        convert_to_numpy: bool = True,
        convert_to_tensor: bool = False,
        device: str | None = None,
        normalize_embeddings: bool = False,
        truncate_dim: int | None = None,
        *,
        sentences: str | Sequence[str] | None = None,
    ) -> Any:
        """Vectors [n, d], or [d] of one string, asked for as of sentence-transformers' model.

        >>> Embedder("demo", "mean@-1").encode(["a cat"], normalize_embeddings=True).shape
        (1, 384)

        Needs no ``fit`` unless the readout does. ``prompt`` is put before every text, or the
        folder's of ``prompt_name``, or else its default; ``precision`` here is their name for
        ``quantize_embeddings``. ``batch_size`` changes nothing: poolwise fills its batches by
        tokens. ``sentences`` is what ``inputs`` were called before their version 6. No text at all
        gives [0, d]. Raises NotOfferedError for what cannot be given: token vectors, a choice of
        device; EncoderError for a prompt that the folder does not name.
        """
        usual = isinstance(output_value, str) and output_value == "sentence_embedding"
        refuse(not usual, f"{output_value=!r:.60}: Model.token_outputs gives tokens")
        refuse(device is not None, f"{device=!r:.60}: poolwise takes a GPU if there is one")
        some = isinstance(batch_size, int | np.integer) and batch_size >= 1
        refuse(not some, f"{batch_size=!r:.60}: at least one text makes a batch")
        show_progress_bar = flag("show_progress_bar", show_progress_bar)
        normalize_embeddings = flag("normalize_embeddings", normalize_embeddings)
        convert_to_tensor = flag("convert_to_tensor", convert_to_tensor)
        convert_to_numpy = flag("convert_to_numpy", convert_to_numpy)
        given = inputs if sentences is None else sentences
        texts = [given] if isinstance(given, str) else texts_of(given)
        chosen = self._resolved()
        model = self.opened.prompted(prompt, None if prompt is not None else prompt_name)
        pooled = self._pooled(texts, chosen, model=model, progress=show_progress_bar)
        vectors = self._steps(chosen).apply(pooled)
        vectors = shortened(vectors, truncate_dim)
        vectors = normalised(vectors) if normalize_embeddings else vectors
        made: Any = quantised(vectors, precision)
        if convert_to_tensor or not convert_to_numpy:
            made = tensor(made) if convert_to_tensor else list(tensor(made))
        return made[0] if isinstance(given, str) else made

    def encode_query(self, inputs: Any = None, *args: Any, **options: Any) -> Any:
        """``encode`` with the folder's prompt for queries, unless another is given."""
        return self._encode_as(QUERY, inputs, *args, **options)

    def encode_document(self, inputs: Any = None, *args: Any, **options: Any) -> Any:
        """``encode`` with the folder's prompt for documents, unless another is given."""
        return self._encode_as(DOCUMENT, inputs, *args, **options)

    def _encode_as(
        self,
        kind: str,
        inputs: Any,
        prompt_name: str | None = None,
        prompt: str | None = None,
        *args: Any,
        **options: Any,
    ) -> Any:
        """Where the folder has no such prompt there is none, whatever its default."""
        name = kind if prompt_name is None and prompt is None else prompt_name
        return self.encode(inputs, name, prompt, *args, **options)

    def similarity(self, embeddings1: Any, embeddings2: Any) -> Any:
        """Of all vectors with all, a tensor [n, m], by the measure that the folder names.

        Cosine, dot product, or the negative Euclidean or Manhattan distance. Raises
        NotOfferedError for what are no vectors of one width, MissingExtraError.
        """
        one, other = vectors_of(embeddings1, "embeddings1"), vectors_of(embeddings2, "embeddings2")
        widths = one.shape[1], other.shape[1]
        refuse(widths[0] != widths[1], "vectors of the widths {} and {}".format(*widths))
        return tensor(similarities(self.opened.similarity, one, other))

    def get_embedding_dimension(self) -> int:
        """d, by the name that sentence-transformers 6 gives it."""
        return self.opened.width_of(self._resolved().readout)

    get_sentence_embedding_dimension = get_embedding_dimension  # the name of before

    @property
    def opened(self) -> Model:
        """The model: open already in this process, or read now."""
        return opened(self.model, self.max_length)

    @property
    def _n_features_out(self) -> int:
        return self.get_embedding_dimension()

    def _resolved(self) -> FittedReadout:
        """The readout with what it brings; the other parameters are checked, too."""
        for name, choices in CHOICES.items():
            value = getattr(self, name)
            known = isinstance(value, str) and value in choices
            refuse(not known, f"{name}={value!r:.60}: it is one of {', '.join(choices)}")
        return self.opened.resolve_readout(self.readout)

    def _given(self, chosen: FittedReadout) -> Transform:
        """The steps of a readout that has nothing to learn here."""
        if chosen.transform is None:
            return transforms.stateless(chosen.readout, self.opened.dense_stack)
        chosen.check_model(self.opened.hash)
        return chosen.transform.on(self.opened.dense_stack)

    def _keep(self, steps: Transform) -> Self:
        self.transform_ = steps
        self.model_hash_ = self.opened.hash
        return self

    def _steps(self, chosen: FittedReadout) -> Transform:
        """The steps as fitted for this model and readout, or as they are without."""
        asked = chosen.readout
        if not hasattr(self, "transform_"):
            if _learns(chosen):
                raise NotFittedError(f"{asked} has steps that learn: call fit with texts first")
            return self._given(chosen)
        if self.transform_.spec != str(asked):
            raise NotFittedError(f"fitted for {self.transform_.spec}, asked {asked}: fit again")
        if self.model_hash_ != self.opened.hash:
            raise EncoderError(
                f"{self.model}: fitted on a model of hash {self.model_hash_[:12]}, found "
                f"{self.opened.hash[:12]}; bring that one back, or fit again"
            )
        return self.transform_.on(self.opened.dense_stack)

    def _pooled(
        self,
        texts: Sequence[str],
        chosen: FittedReadout,
        *,
        model: Model | None = None,
        progress: bool = False,
    ) -> NDArray[Any]:
        """Vectors before the steps, float32 [n, d]; what was cut or left out is warned of."""
        model = prompted(model or self.opened, [chosen])
        return model.pooled(
            texts, chosen.readout, precision=self.precision, long=self.long, progress=progress
        )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.one_d_array = True
        tags.input_tags.two_d_array = False
        tags.transformer_tags.preserves_dtype = []
        return tags


def _learns(chosen: FittedReadout) -> bool:
    """Whether the readout's steps still have to learn something."""
    return chosen.readout.needs_fit and chosen.transform is None
