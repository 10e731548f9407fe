"""What is served, by name: models, each with its readouts."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from poolwise.classifier.checkpoint_reader import has_head
from poolwise.classifier.classifier import Classifier
from poolwise.errors import OptionError, PoolwiseError, ReadoutError, listed
from poolwise.model import Model
from poolwise.readouts import parse
from poolwise.records import Precision
from poolwise.serving.errors import UnknownModelError
from poolwise.transforms import Transform, stateless
from poolwise.transforms.fitted_readout import SUFFIX, AnyReadout, FittedReadout

MAX_READOUTS = 256
"""Readouts that requests have named, beside those that are served."""

MATRIX_STEPS = frozenset(["whiten", "drop", "dense"])
"""Steps whose last bit may depend on the number of rows they are applied to."""


@dataclass(frozen=True, eq=False)
class ServedReadout:
    """A readout of a served model, with its steps; ``name`` is what requests call it.

    ``by_rows`` says that its steps give a row the same bits whatever rows stand beside it;
    ``text`` is the readout as it is written.
    """

    name: str
    fitted: FittedReadout
    steps: Transform
    width: int
    by_rows: bool
    text: str

    @classmethod
    def of(cls, name: str, fitted: FittedReadout, model: Model) -> ServedReadout:
        """Raises ReadoutError for a readout that this model does not have, or that needs a fit."""
        readout = fitted.readout
        width = model.width_of(readout)
        if fitted.transform is not None or fitted.model_hash is not None:
            fitted.check_model(model.hash)
        steps = (fitted.transform or stateless(readout)).on(model.dense_stack)
        steps.check_fitted()
        if readout.pool.kind == "pooler" and not model.has_pooler:
            raise ReadoutError(
                f"{model.name} has no pooler weights; cls@-1 is what one starts from"
            )
        readout.layer_indices(model.depth)
        by_rows = not any(step.name in MATRIX_STEPS for step in steps.steps)
        return cls(name, fitted, steps, width, by_rows, str(readout))

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, eq=False)
class ServedModel:
    """A model with the readouts that are served of it, the default first.

    ``classifier`` is set where the folder is a fine-tuned checkpoint. ``created`` is when it was
    opened, in seconds since 1970.
    """

    name: str
    model: Model
    precision: Precision
    readouts: Mapping[str, ServedReadout]
    classifier: Classifier | None = None
    created: int = field(default_factory=lambda: int(time.time()))

    @property
    def default(self) -> ServedReadout:
        return next(iter(self.readouts.values()))

    @property
    def max_length(self) -> int:
        """Tokens read of a text, special ones included."""
        return self.model.max_length


class Catalogue:
    """The served models by name, the default first. Raises OptionError for a name used twice."""

    def __init__(self, models: Iterable[ServedModel]) -> None:
        self.models = tuple(models)
        if not self.models:
            raise OptionError("nothing to serve: name a model")
        names = [served.name for served in self.models]
        if repeated := [name for name in dict.fromkeys(names) if names.count(name) > 1]:
            raise OptionError(
                f"two models are called {listed(repeated)}; give one another name: NAME=MODEL"
            )
        self._by_name: dict[str, tuple[ServedModel, ServedReadout]] = {}
        for served in reversed(self.models):  # the first has the last word
            for name, readout in served.readouts.items():
                self._by_name[name] = served, readout
                self._by_name[f"{served.name}:{name}"] = served, readout
        for served in self.models:
            self._by_name[served.name] = served, served.default
        self._requested: dict[str, tuple[ServedModel, ServedReadout]] = {}

    @property
    def default(self) -> tuple[ServedModel, ServedReadout]:
        """What a request gets that names no model."""
        return self.models[0], self.models[0].default

    @property
    def names(self) -> list[str]:
        """Every name that is listed: each model, then each of its further readouts."""
        return [
            name
            for served in self.models
            for name in (
                served.name,
                *(f"{served.name}:{readout}" for readout in list(served.readouts)[1:]),
            )
        ]

    def find(self, name: str | None) -> tuple[ServedModel, ServedReadout]:
        """The model and readout of a request's ``model``: a served model, a readout, or both
        (``demo:mean@-2``). Raises UnknownModelError, which offers what is served."""
        if not name:
            return self.default
        known = self._by_name.get(name) or self._requested.get(name)
        if known is None:
            known = self._parsed(name)
            if len(self._requested) >= MAX_READOUTS:
                self._requested.clear()
            self._requested[name] = known
        return known

    def _parsed(self, name: str) -> tuple[ServedModel, ServedReadout]:
        """A readout that was not given at the start, and needs no fit."""
        served, spec, explicit = self.models[0], name, False
        for model in self.models:
            if name.startswith(f"{model.name}:"):
                served, spec, explicit = model, name[len(model.name) + 1 :], True
        offer = f"this server has {listed(self.names, limit=20)}"
        try:
            fitted = FittedReadout(parse(spec))
        except ReadoutError as error:
            reason = f": {str(error).partition(chr(10))[0]}" if explicit or "@" in spec else ""
            raise UnknownModelError(
                f"model {name!r:.200} not found{reason}; {offer}", param="model"
            ) from error
        try:
            return served, ServedReadout.of(spec, fitted, served.model)
        except PoolwiseError as error:
            reason = str(error).partition("\n")[0]
            raise UnknownModelError(
                f"model {name!r:.200} not found: {reason}; {offer}", param="model"
            ) from error

    def find_classifier(self, name: str | None) -> ServedModel:
        """The fine-tuned model of this name, or the first. Raises UnknownModelError."""
        classifiers = {m.name: m for m in self.models if m.classifier is not None}
        if not name and classifiers:
            return next(iter(classifiers.values()))
        if name not in classifiers:
            offer = listed(classifiers) or "none"
            what = f"model {name!r:.200}" if name else "a fine-tuned model"
            raise UnknownModelError(
                f"{what} not found among those that predict; this server has {offer}", param="model"
            )
        return classifiers[name]


def serve_model(
    model: str | Path | Model | Classifier,
    readouts: Iterable[AnyReadout] = (),
    *,
    name: str | None = None,
    precision: Precision = "exact",
    max_length: int | None = None,
    fallback: Callable[[Model], str] | None = None,
) -> ServedModel:
    """A model and the readouts to serve of it, the default first.

    Without ``readouts``, what its folder declares, or of a fine-tuned checkpoint what its head
    reads; where there is neither, ``fallback``. Raises EncoderError, ReadoutError, StoreError.
    """
    opened = _opened(model, max_length)
    classifier = opened if isinstance(opened, Classifier) else None
    encoder = opened.model if isinstance(opened, Classifier) else opened
    chosen: list[tuple[str, FittedReadout]] = []
    for readout in readouts:
        fitted = FittedReadout.of(readout)
        names_file = str(readout).endswith(SUFFIX)
        chosen.append((_file_name(str(readout)) if names_file else str(fitted.readout), fitted))
    if not chosen:
        undeclared = encoder.declared is None and not encoder.inexpressible
        whole = (
            encoder.resolve_readout(fallback(encoder) if undeclared and fallback else None)
            if classifier is None or encoder.declared is not None
            else FittedReadout(classifier.readout)
        )
        chosen = [(str(whole.readout), whole)]
    return ServedModel(
        name or encoder.name,
        encoder,
        precision,
        {spec: ServedReadout.of(spec, fitted, encoder) for spec, fitted in chosen},
        classifier,
    )


def _opened(model: str | Path | Model | Classifier, max_length: int | None) -> Model | Classifier:
    """A fine-tuned checkpoint as a classifier, any other model as it is."""
    if isinstance(model, Model | Classifier):
        return model
    encoder = Model.load(model, max_length=max_length)
    return Classifier.of(encoder) if has_head(encoder) else encoder


def _file_name(path: str) -> str:
    """What requests call a readout.toml: the path as it was given, without its suffix where the
    file is not called readout.toml, else the folder's name."""
    file = Path(path)
    return file.parent.name or file.stem if file.stem == "readout" else file.stem
