"""A job's request, made again from its plan: what goes on with a job needs no options but OUT."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from poolwise.errors import EncoderError, StoreError
from poolwise.jobs.folder import JobFolder
from poolwise.jobs.plan import Plan
from poolwise.jobs.request import JobOptions, JobRequest
from poolwise.jobs.stored_readouts import stored_readouts
from poolwise.model import Model, load
from poolwise.texts.corpus_rows import open_corpus
from poolwise.texts.hub import DEFAULT_SPLIT
from poolwise.texts.hub_address import PREFIX, dataset_folder, is_dataset


def planned_request(folder: JobFolder, plan: Plan, model: Model | None = None) -> JobRequest:
    """The request that this plan was made of, from any working directory.

    ``model`` is the job's, where the caller has it; else it is loaded. Raises EncoderError where
    that cannot be, StoreError where it is another one, TextError where an input is gone.
    """
    fingerprint, request = plan.fingerprint, plan.request
    model = planned_model(plan) if model is None else model
    corpus = open_corpus(
        input_names(plan),
        column=fingerprint["column"],
        id_column=fingerprint["id_column"],
        keep=fingerprint["keep"],
        encoding=fingerprint["encoding"],
        max_text_bytes=request["max_text_bytes"],
    )
    # Steps that the job has fitted itself are no part of what it was asked for.
    readouts = {
        column: fitted if column in fingerprint["steps"] else replace(fitted, transform=None)
        for column, fitted in stored_readouts(folder, plan).items()
    }
    options = JobOptions(
        **{name: fingerprint[name] for name in _OPTIONS}, precision=request["precision"]
    )
    return JobRequest(
        model,
        replace(corpus, labels=tuple(request["inputs"])),
        readouts,
        options,
        fitted_on=fingerprint["fitted_on"],
    )


_OPTIONS = (
    "part_rows",
    "limit",
    "on_bad_row",
    "with_text",
    "long",
    "escape_special",
    "dtype",
)


def planned_model(plan: Plan, given: Model | str | Path | None = None) -> Model:
    """The model that this plan was made with, with its prompt; ``given`` where it has moved.

    Raises EncoderError where it cannot be loaded, StoreError where another one is in its place.
    """
    name, expected = plan.request["model"], plan.fingerprint["model_hash"]
    model = given if isinstance(given, Model) else _load(plan, given)
    if model.hash != expected:
        raise StoreError(
            f"the job was made with {name}, hash {expected[:12]}; {model.name} has the hash "
            f"{model.hash[:12]}: bring that model back, or name the place where it is"
        )
    return model.named(name).prompted(plan.request["prompt"])


def _load(plan: Plan, place: str | Path | None) -> Model:
    """The model in this place, or in that of the plan."""
    name, folder = plan.request["model"], plan.request["folder"]
    max_length = plan.fingerprint["max_length"]
    if place is not None:
        return load(place, max_length=max_length)
    try:
        return load(folder if Path(folder).is_dir() else name, max_length=max_length)
    except EncoderError as error:
        raise EncoderError(
            f"{error}. The job was made with this model; where it has moved, name its place "
            "(--model, model=)"
        ) from error


def input_names(plan: Plan) -> list[str]:
    """The inputs by names that hold in any working directory."""
    return [
        _absolute(label, identity)
        for label, identity in zip(plan.request["inputs"], plan.inputs, strict=True)
    ]


def _absolute(label: str, identity: Mapping[str, Any]) -> str:
    name = str(identity["name"])
    if not is_dataset(label):
        return name
    if dataset_folder(label.removeprefix(PREFIX)) is None:
        return label
    config, split = identity.get("config"), identity.get("split") or DEFAULT_SPLIT
    return PREFIX + ":".join([name, *([config] if config else []), split])
