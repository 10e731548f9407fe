"""The estimator."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self, get_args

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from poolwise import transforms
from poolwise.embedder.encoding import normalised, quantised, refuse, shortened, tensor
from poolwise.embedder.given import texts_of
from poolwise.embedder.opened import opened
from poolwise.errors import EncoderError
from poolwise.model import Model
from poolwise.readouts import Readout
from poolwise.records import LongTexts, Precision
from poolwise.transforms import Transform

_CHOICES = {"precision": get_args(Precision), "long": get_args(LongTexts)}


class Embedder(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Texts in, vectors out: a step of scikit-learn's pipelines.

    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.model_selection import GridSearchCV
    >>> from sklearn.pipeline import make_pipeline
    >>> pipeline = make_pipeline(Embedder("demo"), LogisticRegression())
    >>> grid = {"embedder__readout": ["mean@-1", "cls@-1", "mean@-1|whiten(64)"]}
    >>> best = GridSearchCV(pipeline, grid).fit(texts, labels)  # doctest: +SKIP

    ``model`` is a folder, a hub id or ``"demo"``; ``readout`` None is what the folder declares;
    ``precision`` and ``long`` are those of ``Model.embed``, ``max_length`` that of
    ``poolwise.load``. X is a list, array or Series of texts, or one column [n, 1] of a table.

    Fitting learns ``transform_``, the readout's steps, and notes ``model_hash_``. A pickle holds
    these and no weights: the model is read again where the pickle is, and has to be the same.
    """

    def __init__(
        self,
        model: str | Path = "demo",
        readout: str | None = None,
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
        asked = self._asked()
        texts = texts_of(X, at_least=1 + asked.needs_fit)
        steps = transforms.stateless(asked)
        return self._keep(steps if steps.fitted else transforms.fit(asked, self._pooled(texts)))

    def fit_transform(self, X: Any, y: object = None) -> NDArray[Any]:  # noqa: N803
        """``fit`` and ``transform`` in one pass over the texts."""
        asked = self._asked()
        pooled = self._pooled(texts_of(X, at_least=1 + asked.needs_fit))
        return self._keep(transforms.fit(asked, pooled)).transform_.apply(pooled)

    def transform(self, X: Any) -> NDArray[Any]:  # noqa: N803
        """Vectors [n, d], float32 (int8 after ``int8`` or ``binary``).

        Raises NotTextsError; NotFittedError before ``fit`` and where the readout is another since;
        EncoderError where the model is.
        """
        check_is_fitted(self)
        return self._steps().apply(self._pooled(texts_of(X)))

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

        Needs no ``fit`` unless the readout does. ``prompt`` is put before every text, and
        ``precision`` here is their name for ``quantize_embeddings``. ``batch_size`` changes
        nothing: poolwise fills its batches by tokens. ``sentences`` is what ``inputs`` were called
        before their version 6. No text at all gives [0, d]. Raises NotOfferedError for what cannot
        be given: named prompts, token vectors, a choice of device.
        """
        refuse(prompt_name is not None, f"{prompt_name=}: there are none, give prompt= itself")
        refuse(output_value != "sentence_embedding", f"{output_value=}: Model.inside gives tokens")
        refuse(device is not None, f"{device=}: poolwise takes a GPU if there is one")
        refuse(batch_size < 1, f"{batch_size=}: at least one text makes a batch")
        given = inputs if sentences is None else sentences
        texts = [given] if isinstance(given, str) else texts_of(given)
        prompted = [prompt + text for text in texts] if prompt else texts
        vectors = self._steps().apply(self._pooled(prompted, bool(show_progress_bar)))
        vectors = shortened(vectors, truncate_dim)
        vectors = normalised(vectors) if normalize_embeddings else vectors
        made: Any = quantised(vectors, precision)
        if convert_to_tensor or not convert_to_numpy:
            made = tensor(made) if convert_to_tensor else list(tensor(made))
        return made[0] if isinstance(given, str) else made

    encode_query = encode_document = encode  # they differ by prompts alone

    def similarity(self, embeddings1: Any, embeddings2: Any) -> Any:
        """Cosines of all vectors with all, a tensor [n, m]. Raises MissingExtraError."""
        one, other = (normalised(np.atleast_2d(np.asarray(e))) for e in (embeddings1, embeddings2))
        return tensor(one @ other.T)

    def get_embedding_dimension(self) -> int:
        """d, by the name that sentence-transformers 6 gives it."""
        return self._asked().width(self.opened.width, self.opened.depth)

    get_sentence_embedding_dimension = get_embedding_dimension  # the name of before

    @property
    def opened(self) -> Model:
        """The model: open already in this process, or read now."""
        return opened(self.model, self.max_length)

    @property
    def _n_features_out(self) -> int:
        return self.get_embedding_dimension()

    def _asked(self) -> Readout:
        """The readout meant; the other parameters are checked, too."""
        for name, choices in _CHOICES.items():
            value = getattr(self, name)
            refuse(value not in choices, f"{name}={value!r}: it is one of {', '.join(choices)}")
        return self.opened.asked(self.readout)

    def _keep(self, steps: Transform) -> Self:
        self.transform_ = steps
        self.model_hash_ = self.opened.hash
        return self

    def _steps(self) -> Transform:
        """The steps as fitted for this model and readout, or as they are without."""
        asked = self._asked()
        if not hasattr(self, "transform_"):
            steps = transforms.stateless(asked)
            if not steps.fitted:
                raise NotFittedError(f"{asked} has steps that learn: call fit with texts first")
            return steps
        if self.transform_.spec != str(asked):
            raise NotFittedError(f"fitted for {self.transform_.spec}, asked {asked}: fit again")
        if self.model_hash_ != self.opened.hash:
            raise EncoderError(
                f"{self.model}: fitted on a model of hash {self.model_hash_[:12]}, found "
                f"{self.opened.hash[:12]}; bring that one back, or fit again"
            )
        return self.transform_

    def _pooled(self, texts: Sequence[str], progress: bool = False) -> NDArray[Any]:
        """Vectors before the steps, float32 [n, d]."""
        return self.opened.embed(
            texts,
            self._asked().pooled,
            precision=self.precision,
            long=self.long,
            progress=progress,
        )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.one_d_array = True
        tags.input_tags.two_d_array = False
        tags.transformer_tags.preserves_dtype = []
        return tags
