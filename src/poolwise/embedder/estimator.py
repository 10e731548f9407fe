"""A readout as scikit-learn's transformer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from poolwise import transforms
from poolwise.embedder.encoding import number_type_hint, refuse
from poolwise.embedder.fitting import initial_transform, needs_fit
from poolwise.embedder.model_cache import cached_model
from poolwise.embedder.pooled_cache import CACHE
from poolwise.embedder.validation import texts_of
from poolwise.errors import EncoderError
from poolwise.inputs import CHOICES
from poolwise.model import Model
from poolwise.records import Floats, LongTexts, Precision
from poolwise.transforms import Transform
from poolwise.transforms.fitted_readout import FittedReadout, prompted


class ReadoutEstimator(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """A readout of a model, fitted and applied as scikit-learn's transformers are.

    The parameters are those of ``Embedder``. A text is embedded once a process and readout:
    ``fit``, ``fit_transform`` and ``transform`` share a cache of 256 MiB (``PooledCache``).
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
        pooled = self._cached_pooled(texts, readout)
        return self._set_fitted(
            transforms.fit(readout.readout, pooled, self.loaded_model.dense_stack)
        )

    def fit_transform(self, X: Any, y: object = None) -> NDArray[Any]:  # noqa: N803
        """``fit`` and ``transform`` in one pass over the texts."""
        readout = self._resolve_readout()
        pooled = self._cached_pooled(texts_of(X, at_least=1 + needs_fit(readout)), readout)
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
        return self._transform(readout).apply(self._cached_pooled(texts_of(X), readout))

    @property
    def loaded_model(self) -> Model:
        """The model that ``model`` names, from this process's cache of models."""
        return cached_model(self.model, self.max_length)

    def fitted_readout(self) -> FittedReadout:
        """The readout with its fitted steps, as ``readout.toml`` holds them. Raises NotFittedError
        where steps need a fit."""
        readout = self._resolve_readout()
        provenance = {**readout.provenance, "model_hash": self.loaded_model.hash}
        return replace(readout, transform=self._transform(readout), provenance=provenance)

    @property
    def _n_features_out(self) -> int:
        return self.loaded_model.width_of(self._resolve_readout().readout)

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

    def _cached_pooled(self, texts: Sequence[str], readout: FittedReadout) -> Floats:
        """As ``_pooled``; of texts that this process has embedded already, from its cache."""
        model = prompted(self.loaded_model, [readout])
        return CACHE.pooled(model, texts, readout.readout, precision=self.precision, long=self.long)

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
