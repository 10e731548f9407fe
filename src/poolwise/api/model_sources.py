"""The models of a sweep: one or several, by name, folder or object."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from poolwise.api.inputs import NO_PROMPTS, KindPrompts
from poolwise.errors import OptionError
from poolwise.model import Model, load
from poolwise.studies.model_source import ModelSource


def model_sources(
    models: object,
    *,
    prompt: str | None = None,
    prompt_name: str | None = None,
    kinds: KindPrompts = NO_PROMPTS,
    max_length: int | None = None,
) -> list[ModelSource]:
    """A source for each model; those given by name are loaded when they run.

    Raises OptionError where there is no model, and for ``max_length`` with a model that is loaded.
    """
    several = list(models) if isinstance(models, list | tuple) else [models]
    if not several:
        raise OptionError("the list of models is empty; expected one model or more")

    def source(model: Any) -> ModelSource:
        loader: Callable[[], Model]
        if isinstance(model, Model):
            if max_length is not None:
                raise OptionError(
                    f"max_length is {max_length}, but {model.name} is loaded already; give "
                    "max_length to load, or the model by name"
                )
            loader, name = lambda: model, model.name
        else:
            loader, name = lambda: load(model, max_length=max_length), str(model)
        return ModelSource(name, lambda: kinds.on(loader().prompted(prompt, prompt_name)))

    return [source(model) for model in several]
