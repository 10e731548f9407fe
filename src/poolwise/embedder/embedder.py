"""The scikit-learn transformer."""

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
    number_type_hint,
    quantised,
    refuse,
    shortened,
    tensor,
    vectors_of,
)
from poolwise.embedder.fitting import initial_transform, needs_fit
from poolwise.embedder.model_cache import cached_model
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

    ``model`` is a folder, a hub id or ``"demo"``; ``readout`` None is what the folder declares, a
    sweep's ``readout.toml`` a readout with its fitted steps. ``precision`` is the arithmetic
    (``exact``, ``near``, ``fast``), ``long`` and ``max_length`` as in ``Model.embed`` and ``load``.
    The ``precision`` of ``encode`` is another: the number type of the vectors, as in
    sentence-transformers. X is a list, array or Series of texts, or one column [n, 1] of a table.
    The prompt in front of them is that of the readout's file, or the folder's default.

    Fitting sets ``transform_``, the readout's fitted steps, and ``model_hash_``. A pickle holds
    these and no weights: the model is read again on loading, and has to be the same.
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
        """Fit the readout's steps on these texts; a readout without such steps takes no pass.

        Raises NotTextsError, NotOfferedError, EncoderError, ReadoutError.
        """
        readout = self._resolve_readout()
        texts = texts_of(X, at_least=1 + needs_fit(readout))
        if not needs_fit(readout):
            return self._set_fitted(initial_transform(readout, self.loaded_model))
        pooled = self._pooled(texts, readout)
        return self._set_fitted(
            transforms.fit(readout.readout, pooled, self.loaded_model.dense_stack)
        )

    def fit_transform(self, X: Any, y: object = None) -> NDArray[Any]:  # noqa: N803
        """``fit`` and ``transform`` in one pass over the texts."""
        readout = self._resolve_readout()
        pooled = self._pooled(texts_of(X, at_least=1 + needs_fit(readout)), readout)
        steps = (
            transforms.fit(readout.readout, pooled, self.loaded_model.dense_stack)
            if needs_fit(readout)
            else initial_transform(readout, self.loaded_model)
        )
        return self._set_fitted(steps).transform_.apply(pooled)

    def transform(self, X: Any) -> NDArray[Any]:  # noqa: N803
        """Vectors [n, d], float32 (int8 after ``int8`` or ``binary``).

        Raises NotTextsError; NotFittedError before ``fit`` and where the readout is another since;
        EncoderError where the model is.
        """
        check_is_fitted(self)
        readout = self._resolve_readout()
        return self._transform(readout).apply(self._pooled(texts_of(X), readout))

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
        """Vectors [n, d], or [d] of one string, by sentence-transformers' signature.

        >>> Embedder("demo", "mean@-1").encode(["a cat"], normalize_embeddings=True).shape
        (1, 384)

        Needs no ``fit`` unless the readout does. ``prompt`` is put before every text, or the
        folder's of ``prompt_name``, or else its default. ``precision`` is the number type of the
        vectors, as ``quantize_embeddings`` has it: ``float32``, ``int8``, ``uint8``, ``binary`` or
        ``ubinary``; the arithmetic is the embedder's own ``precision``. ``batch_size`` changes
        nothing: poolwise fills its batches by tokens. ``sentences`` is the name of ``inputs``
        before their version 6. No text at all gives [0, d]. Raises NotOfferedError for what cannot
        be given: token vectors, a choice of device; EncoderError for a prompt that the folder does
        not name.
        """
        sentence_vectors = isinstance(output_value, str) and output_value == "sentence_embedding"
        refuse(not sentence_vectors, f"{output_value=!r:.60}: Model.token_outputs gives tokens")
        refuse(device is not None, f"{device=!r:.60}: poolwise takes a GPU if there is one")
        valid_batch_size = isinstance(batch_size, int | np.integer) and batch_size >= 1
        refuse(not valid_batch_size, f"{batch_size=!r:.60}: at least one text makes a batch")
        show_progress_bar = flag("show_progress_bar", show_progress_bar)
        normalize_embeddings = flag("normalize_embeddings", normalize_embeddings)
        convert_to_tensor = flag("convert_to_tensor", convert_to_tensor)
        convert_to_numpy = flag("convert_to_numpy", convert_to_numpy)
        texts_or_text = inputs if sentences is None else sentences
        texts = [texts_or_text] if isinstance(texts_or_text, str) else texts_of(texts_or_text)
        readout = self._resolve_readout()
        model = self.loaded_model.prompted(prompt, None if prompt is not None else prompt_name)
        pooled = self._pooled(texts, readout, model=model, progress=show_progress_bar)
        vectors = self._transform(readout).apply(pooled)
        vectors = shortened(vectors, truncate_dim)
        vectors = normalised(vectors) if normalize_embeddings else vectors
        output: Any = quantised(vectors, precision)
        if convert_to_tensor or not convert_to_numpy:
            output = tensor(output) if convert_to_tensor else list(tensor(output))
        return output[0] if isinstance(texts_or_text, str) else output

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
        """Without such a prompt in the folder there is none, whatever its default."""
        name = kind if prompt_name is None and prompt is None else prompt_name
        return self.encode(inputs, name, prompt, *args, **options)

    def similarity(self, embeddings1: Any, embeddings2: Any) -> Any:
        """The similarity of all pairs, a tensor [n, m], by the measure that the folder names.

        Cosine, dot product, or the negative Euclidean or Manhattan distance. Raises
        NotOfferedError for what are no vectors of one width, MissingExtraError.
        """
        first = vectors_of(embeddings1, "embeddings1")
        second = vectors_of(embeddings2, "embeddings2")
        widths = first.shape[1], second.shape[1]
        refuse(widths[0] != widths[1], "vectors of the widths {} and {}".format(*widths))
        return tensor(similarities(self.loaded_model.similarity, first, second))

    def get_embedding_dimension(self) -> int:
        """d, by the name that sentence-transformers 6 gives it."""
        return self.loaded_model.width_of(self._resolve_readout().readout)

    get_sentence_embedding_dimension = get_embedding_dimension  # the name of before

    @property
    def loaded_model(self) -> Model:
        """The model that ``model`` names, from this process's cache of models."""
        return cached_model(self.model, self.max_length)

    @property
    def _n_features_out(self) -> int:
        return self.get_embedding_dimension()

    def _resolve_readout(self) -> FittedReadout:
        """The readout with its fitted steps. Raises NotOfferedError for an unknown parameter."""
        for name, choices in CHOICES.items():
            value = getattr(self, name)
            known = isinstance(value, str) and value in choices
            hint = number_type_hint(value) if name == "precision" else ""
            refuse(not known, f"{name}={value!r:.60}: it is one of {', '.join(choices)}{hint}")
        return self.loaded_model.resolve_readout(self.readout)

    def _set_fitted(self, steps: Transform) -> Self:
        self.transform_ = steps
        self.model_hash_ = self.loaded_model.hash
        return self

    def _transform(self, readout: FittedReadout) -> Transform:
        """The fitted steps, checked against this model and readout; without a fit, those it has."""
        spec = readout.readout
        if not hasattr(self, "transform_"):
            if needs_fit(readout):
                raise NotFittedError(f"{spec} has steps that learn: call fit with texts first")
            return initial_transform(readout, self.loaded_model)
        if self.transform_.spec != str(spec):
            raise NotFittedError(f"fitted for {self.transform_.spec}, asked {spec}: fit again")
        if self.model_hash_ != self.loaded_model.hash:
            raise EncoderError(
                f"{self.model}: fitted on a model of hash {self.model_hash_[:12]}, found "
                f"{self.loaded_model.hash[:12]}; bring that one back, or fit again"
            )
        return self.transform_.on(self.loaded_model.dense_stack)

    def _pooled(
        self,
        texts: Sequence[str],
        readout: FittedReadout,
        *,
        model: Model | None = None,
        progress: bool = False,
    ) -> NDArray[Any]:
        """Vectors before the steps, float32 [n, d]; warns of truncated texts."""
        model = prompted(model or self.loaded_model, [readout])
        return model.pooled(
            texts, readout.readout, precision=self.precision, long=self.long, progress=progress
        )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.one_d_array = True
        tags.input_tags.two_d_array = False
        tags.transformer_tags.preserves_dtype = []
        return tags
